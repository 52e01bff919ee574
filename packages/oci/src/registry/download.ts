import { nodeHasher } from '../blob/directory-writer.ts';
import { checkBlob, corrupt } from '../blob/verify.ts';
import type { Hasher } from '../blob/verify.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { digestAlgorithm } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import type { Reference } from '../spec/reference.ts';
import { checkDescriptor, checkReference } from './checked-input.ts';
import { contentStart } from './content-range.ts';
import type { HttpResponse } from './http-response.ts';
import { responseError } from './network-error.ts';
import { isTransient, retryDelay } from './retry.ts';
import { pullScope } from './scope.ts';
import type { Session } from './session.ts';

/** Bringing at least this many bytes makes an attempt a success: only attempts that bring less are counted as failures. */
const WORTHWHILE = 1024 * 1024;

/**
 * The bytes of a blob. A transfer that breaks off goes on where it stopped, from a mirror or the registry; whatever the
 * servers do, the bytes together have the descriptor's digest and size, or the iteration ends with an error. The
 * `urls` of a descriptor ("foreign layers") are never asked (CVE-2020-15157).
 * @throws OciError `BLOB_CORRUPT`, `REGISTRY_*`
 */
export async function* downloadBlob(
  session: Session,
  reference: Reference,
  descriptor: Descriptor,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  checkReference({ ...reference, tag: 'latest' });
  checkDescriptor(descriptor);
  const leave = await session.downloads.enter(signal);
  try {
    yield* new Download(session, reference, descriptor, signal).bytes();
  } finally {
    leave();
  }
}

class Download {
  readonly #session: Session;
  readonly #reference: Reference;
  readonly #descriptor: Descriptor;
  readonly #signal: AbortSignal | undefined;
  readonly #hosts: readonly string[];
  readonly #hasher: Hasher;
  /** Bytes handed on so far. */
  #at = 0;
  #host = 0;
  #failures = 0;
  /** Whether to ask for the rest only; given up when the server gets that wrong. */
  #ranges = true;

  constructor(session: Session, reference: Reference, descriptor: Descriptor, signal: AbortSignal | undefined) {
    this.#session = session;
    this.#reference = reference;
    this.#descriptor = descriptor;
    this.#signal = signal;
    this.#hosts = session.readingHosts(reference.registry);
    this.#hasher = nodeHasher(digestAlgorithm(descriptor.digest));
  }

  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const { digest, size } = this.#descriptor;
    for (let complete = false; !complete; ) {
      const before = this.#at;
      try {
        const rest = await this.#open();
        if (rest !== undefined) {
          yield* this.#read(rest.response, rest.start);
          complete = true;
        }
      } catch (error) {
        this.#signal?.throwIfAborted();
        // All the bytes are there; how the connection ends after them is nothing to us.
        if (this.#at === size && size > 0 && isTransient(error)) break;
        await this.#recover(error, this.#at - before);
      }
    }
    checkBlob({ digest: this.#hasher.digest(), size: this.#at }, { digest, size }, this.#sender());
    this.#progress(true);
  }

  #sender(): string {
    return this.#hosts[this.#host] ?? this.#reference.registry;
  }

  /** Asks for what is missing; undefined when the server's answer to the range was of no use and it is to be asked for all. */
  async #open(): Promise<{ readonly response: HttpResponse; readonly start: number } | undefined> {
    const { digest, size } = this.#descriptor;
    const endpoint = await this.#session.endpoint(this.#sender(), this.#signal);
    const ranged = this.#at > 0 && this.#ranges;
    const response = await this.#session.sendOnce(endpoint, {
      method: 'GET',
      url: new URL(`${this.#reference.repository}/blobs/${digest}`, endpoint.base),
      headers: ranged ? { Range: `bytes=${this.#at}-` } : {},
      what: `cannot read blob ${digest} of ${this.#reference.registry}/${this.#reference.repository}`,
      expect: ranged ? [200, 206, 416] : [200, 206],
      scope: pullScope(this.#reference.repository),
      signal: this.#signal,
    });
    const start = contentStart(response, size);
    if (start === 0 || (ranged && start === this.#at)) {
      this.#checkHead(response, size - start);
      return { response, start };
    }
    response.destroy();
    if (!ranged)
      throw responseError(
        response.url,
        `it sends a part of the blob that was not requested (status ${response.status})`,
      );
    this.#ranges = false;
    return undefined;
  }

  /** `Content-Encoding` is not looked at: object stores name the one that the blob itself has; the digest decides. */
  #checkHead(response: HttpResponse, expected: number): void {
    if (response.length === undefined || response.length === expected) return;
    response.destroy();
    const { digest } = this.#descriptor;
    throw corrupt(
      digest,
      `${response.url.host} announces ${response.length} bytes (Content-Length) instead of ${expected}`,
      response.url.host,
    );
  }

  async *#read(response: HttpResponse, start: number): AsyncGenerator<Uint8Array, void, undefined> {
    const { digest, size } = this.#descriptor;
    // A server without ranges sends all again; what is here already is skipped.
    let skip = this.#at - start;
    for await (const chunk of response.chunks()) {
      const skipped = Math.min(skip, chunk.length);
      skip -= skipped;
      const fresh = skipped === 0 ? chunk : chunk.subarray(skipped);
      if (fresh.length === 0) continue;
      if (this.#at + fresh.length > size)
        throw corrupt(digest, `${response.url.host} sends more than the expected ${size} bytes`, response.url.host);
      this.#hasher.update(fresh);
      this.#at += fresh.length;
      this.#session.downloads.moved();
      this.#progress(false);
      yield fresh;
    }
    if (this.#at === size) return;
    throw new OciError(
      'REGISTRY_INTERRUPTED',
      `blob ${digest} ended after ${this.#at} of ${size} bytes at ${response.url.host}`,
      {
        fields: { digest, received: this.#at, size, host: response.url.host },
      },
    );
  }

  /** Waits for the next attempt, or goes on to the next host; throws when there is nothing left to try. */
  async #recover(error: unknown, gained: number): Promise<void> {
    this.#failures = gained >= WORTHWHILE ? 1 : this.#failures + 1;
    const { retry, clock } = this.#session;
    if (isTransient(error) && this.#failures < retry.attempts) {
      await clock.sleep(retryDelay(error, this.#failures, retry, clock), this.#signal);
      return;
    }
    const next = this.#host + 1;
    if (next >= this.#hosts.length) throw error;
    this.#session.mirrorFailed(this.#hosts[this.#host] ?? '', error);
    this.#host = next;
    this.#failures = 0;
    this.#ranges = true;
  }

  #progress(done: boolean): void {
    const { digest, size } = this.#descriptor;
    this.#session.onProgress({ kind: 'download', digest, transferred: this.#at, total: size, done });
  }
}
