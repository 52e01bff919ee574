import { OciError } from '../spec/oci-error.ts';
import { ChunkSource } from './chunk-source.ts';
import { receivedBytes } from './content-range.ts';
import type { HttpResponse } from './http-response.ts';
import { isTransient, retryDelay } from './retry.ts';
import { uploadLocation, withDigest } from './upload-request.ts';
import type { Upload } from './upload-request.ts';

const PIECE = 64 * 1024;

/** What says nothing of chunks: who may write, how much, and how often. */
const OTHER_REFUSALS: ReadonlySet<number> = new Set([401, 403, 408, 413, 429]);

/**
 * Sends a blob in chunks (distribution-spec, "Pushing a blob in chunks"). After an interruption the registry is asked how far it
 * got, and the upload goes on from there.
 * @returns `refused` when the registry does not take the chunks, be it the first, a later one (Google Artifact Registry) or
 *   what they come to: nothing has been stored then, and the blob has to go in one piece
 * @throws OciError transient ones when it cannot go on and has to begin anew
 */
export async function sendChunks(upload: Upload, location: URL, chunkBytes: number): Promise<'done' | 'refused'> {
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
  /** How many bytes the registry has. */
  #sent = 0;
  /** Where the chunk ends that was sent last. */
  #end = 0;
  #failures = 0;

  constructor(upload: Upload, source: ChunkSource, location: URL) {
    this.#upload = upload;
    this.#source = source;
    this.#location = location;
  }

  async run(chunkBytes: number): Promise<'done' | 'refused'> {
    const { size } = this.#upload.descriptor;
    while (this.#sent < size) {
      // Outside of the recovery: what is wrong with the source is not the registry's doing.
      const chunk = await this.#source.read(this.#sent, chunkBytes);
      try {
        await this.#patch(chunk);
      } catch (error) {
        if (isRefusal(error) || !(await this.#recover(error))) return 'refused';
      }
    }
    try {
      await this.#finish();
      return 'done';
    } catch (error) {
      if (isRefusal(error)) return 'refused';
      throw error;
    }
  }

  async #patch(chunk: Uint8Array): Promise<void> {
    const { session, endpoint, scope, what, signal } = this.#upload;
    this.#end = this.#sent + chunk.length;
    const response = await session.sendOnce(endpoint, {
      method: 'PATCH',
      url: this.#location,
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Range': `${this.#sent}-${this.#end - 1}` },
      body: { length: chunk.length, open: () => this.#pieces(chunk) },
      what,
      // 202 by the specification; Amazon ECR answers 201.
      expect: [200, 201, 202, 204],
      scope,
      signal,
    });
    await response.discard();
    // The registry may have kept less than the whole chunk. A Range that does not move says nothing: on Amazon ECR it is
    // that of the first chunk for ever. If chunks really are lost, the digest at the end tells.
    const received = receivedBytes(response);
    const moved = received !== undefined && received > this.#sent && received < this.#end;
    this.#advance(response, moved ? received : this.#end);
    this.#failures = 0;
  }

  #advance(response: HttpResponse, received: number): void {
    if (response.header('location') !== undefined) this.#location = uploadLocation(this.#upload.endpoint, response);
    this.#sent = received;
    this.#upload.progress(received);
  }

  /**
   * Waits, and finds out where to go on; false when the registry fails at this chunk each time.
   * @throws what went wrong, when the registry does not know (any more) how far it is
   */
  async #recover(error: unknown): Promise<boolean> {
    const { session, endpoint, scope, what, signal } = this.#upload;
    signal?.throwIfAborted();
    this.#failures++;
    if (!isTransient(error)) throw error;
    if (this.#failures >= session.retry.attempts) {
      // It answered: then one piece may be what it takes. A line that is cut each time is no better with larger ones.
      if (error instanceof OciError && error.fields.status !== undefined) return false;
      throw error;
    }
    await session.clock.sleep(retryDelay(error, this.#failures, session.retry, session.clock), signal);
    const expect = [200, 202, 204, 400, 404, 405, 416];
    const request = { method: 'GET', url: this.#location, what, expect, scope, signal };
    const response = await session.send(endpoint, request);
    await response.discard();
    const received = response.status < 300 ? receivedBytes(response) : undefined;
    // More than was sent cannot be there.
    if (received === undefined || received > this.#end) throw error;
    this.#advance(response, received);
    return true;
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

/** Whether the registry understood a request and does not want it so. */
function isRefusal(error: unknown): boolean {
  const status = error instanceof OciError ? Number(error.fields.status) : Number.NaN;
  return (status >= 400 && status < 500 && !OTHER_REFUSALS.has(status)) || status === 501;
}
