import { OciError } from '../errors.ts';
import { ChunkSource } from './chunk-source.ts';
import { receivedBytes } from './content-range.ts';
import type { HttpResponse } from './http-response.ts';
import { responseError } from './network-error.ts';
import { resolveLocation } from './redirect.ts';
import { isTransient, retryDelay } from './retry.ts';
import { withDigest } from './upload-request.ts';
import type { Upload } from './upload-request.ts';

const PIECE = 64 * 1024;

/** What registries answer to a first PATCH when they take blobs in one piece only. */
const NO_CHUNKS: ReadonlySet<unknown> = new Set([400, 404, 405, 411, 415, 416, 501]);

/**
 * Sends a blob in chunks (distribution-spec, "Pushing a blob in chunks"). After an interruption the registry is asked how far it
 * got, and the upload goes on from there.
 * @returns `unsupported` when the registry takes no chunks; nothing has been stored then
 * @throws OciError transient ones when it cannot go on and has to begin anew
 */
export async function sendChunks(upload: Upload, location: URL, chunkBytes: number): Promise<'done' | 'unsupported'> {
  const source = new ChunkSource(upload.descriptor, upload.open);
  try {
    return await new ChunkedUpload(upload, source, location).run(chunkBytes);
  } finally {
    await source.close();
  }
}

class ChunkedUpload {
  readonly #upload: Upload;
  readonly #source: ChunkSource;
  #location: URL;
  #sent = 0;
  #failures = 0;

  constructor(upload: Upload, source: ChunkSource, location: URL) {
    this.#upload = upload;
    this.#source = source;
    this.#location = location;
  }

  async run(chunkBytes: number): Promise<'done' | 'unsupported'> {
    const { size } = this.#upload.descriptor;
    while (this.#sent < size) {
      // Outside of the recovery: what is wrong with the source is not the registry's doing.
      const chunk = await this.#source.read(this.#sent, chunkBytes);
      try {
        await this.#patch(chunk);
      } catch (error) {
        if (this.#sent === 0 && error instanceof OciError && NO_CHUNKS.has(error.fields.status)) return 'unsupported';
        await this.#recover(error);
      }
    }
    await this.#finish();
    return 'done';
  }

  async #patch(chunk: Uint8Array): Promise<void> {
    const { session, endpoint, scope, what, signal } = this.#upload;
    const end = this.#sent + chunk.length;
    const response = await session.sendOnce(endpoint, {
      method: 'PATCH',
      url: this.#location,
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Range': `${this.#sent}-${end - 1}` },
      body: { length: chunk.length, open: () => this.#pieces(chunk) },
      what,
      expect: [202, 204],
      scope,
      signal,
    });
    await response.discard();
    const received = this.#received(response) ?? end;
    if (received <= this.#sent) throw responseError(response.url, `it did not keep a chunk of ${chunk.length} bytes`);
    this.#advance(response, received);
    this.#failures = 0;
  }

  /** How much of the blob the registry has; more than was sent cannot be. */
  #received(response: HttpResponse): number | undefined {
    const received = receivedBytes(response);
    if (received !== undefined && received > this.#upload.descriptor.size) {
      throw responseError(
        response.url,
        `it has received ${received} bytes of a blob of ${this.#upload.descriptor.size}`,
      );
    }
    return received;
  }

  #advance(response: HttpResponse, received: number): void {
    if (response.header('location') !== undefined) this.#location = resolveLocation(response, 'sends the upload');
    this.#sent = received;
    this.#upload.progress(received);
  }

  /** Waits, and finds out where to go on. */
  async #recover(error: unknown): Promise<void> {
    const { session, endpoint, scope, what, signal } = this.#upload;
    signal?.throwIfAborted();
    this.#failures++;
    if (!isTransient(error) || this.#failures >= session.retry.attempts) throw error;
    await session.clock.sleep(retryDelay(error, this.#failures, session.retry, session.clock), signal);
    const expect = [200, 202, 204, 400, 404, 405, 416];
    const request = { method: 'GET', url: this.#location, what, expect, scope, signal };
    const response = await session.send(endpoint, request);
    await response.discard();
    const received = response.status < 300 ? this.#received(response) : undefined;
    // It does not know (any more): the failure goes up, and the upload begins anew.
    if (received === undefined) throw error;
    this.#advance(response, received);
  }

  async #finish(): Promise<void> {
    const { session, endpoint, descriptor, scope, what, signal } = this.#upload;
    const response = await session.sendOnce(endpoint, {
      method: 'PUT',
      url: withDigest(this.#location, descriptor.digest),
      what,
      expect: [200, 201, 204],
      scope,
      signal,
    });
    await response.discard();
  }

  /** A chunk in parts that a socket takes in its stride. */
  async *#pieces(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < chunk.length; at += PIECE) {
      yield chunk.subarray(at, at + PIECE);
      this.#upload.progress(this.#sent + Math.min(chunk.length, at + PIECE));
    }
  }
}
