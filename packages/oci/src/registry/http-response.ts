import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { OciError } from '../spec/oci-error.ts';
import { idleError, networkError, responseError } from './network-error.ts';
import { plainUrl } from './plain-text.ts';

/** Fewer bytes than this in one idle period count as silence: a byte every ten seconds is an attack, not a slow line. */
const TRICKLE = 1024;

/** What is read of an answer that nobody wants, to keep its connection for the next request. */
const DISCARD_LIMIT = 64 * 1024;

/** Whoever watches over the exchange that an answer belongs to. */
export interface Watch {
  /** Why the exchange was stopped from this side, if it was. */
  readonly cause: unknown;
  /** Called when the body has ended or was dropped; may be called again. */
  finish(): void;
}

/** The answer to one request. Exactly one of `chunks`, `bytes` and `discard` must be called, or the connection leaks. */
export class HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** Whether a redirect on the way left the origin of the first URL: its credentials are not for `url`. */
  readonly strayed: boolean;
  readonly #message: IncomingMessage;
  readonly #idle: number;
  readonly #bodiless: boolean;
  readonly #watch: Watch;

  constructor(
    message: IncomingMessage,
    request: { readonly method: string; readonly url: URL; readonly strayed?: boolean },
    idle: number,
    watch: Watch,
  ) {
    this.#message = message;
    this.#idle = idle;
    this.#bodiless = request.method === 'HEAD';
    this.#watch = watch;
    this.status = message.statusCode ?? 0;
    this.headers = message.headers;
    this.url = request.url;
    this.strayed = request.strayed === true;
  }

  /** A header that must occur at most once; undefined when absent. */
  header(name: string): string | undefined {
    const value = this.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** The announced length of the body in bytes. */
  get length(): number | undefined {
    const text = this.header('content-length');
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  /**
   * The body. Only the time spent waiting for the peer counts against the idle limit, so a slow reader harms nobody.
   * @throws OciError `REGISTRY_INTERRUPTED`, `REGISTRY_TIMEOUT`; the signal's reason
   */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    const message = this.#message;
    const source = message[Symbol.asyncIterator]();
    let waited = 0;
    let received = 0;
    try {
      for (;;) {
        const started = performance.now();
        const left = Math.max(1, this.#idle - waited);
        const timer = setTimeout(
          () => message.destroy(idleError(this.url, this.#idle, 'in the middle of an answer')),
          left,
        );
        const { value, done } = await source.next().finally(() => clearTimeout(timer));
        if (done === true) break;
        const chunk = value as Buffer;
        received += chunk.length;
        waited += performance.now() - started;
        if (received >= TRICKLE) [received, waited] = [0, 0];
        yield chunk;
      }
    } catch (error) {
      throw this.#watch.cause ?? networkError(this.url, error);
    } finally {
      message.destroy();
      this.#watch.finish();
    }
    // Node ends a body without complaint when it knows no length; it always knows whether the message was whole.
    if (!message.complete) {
      throw networkError(this.url, Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' }));
    }
  }

  /** The whole body, for documents. @throws OciError `LIMIT_EXCEEDED` */
  async bytes(limit: number): Promise<Uint8Array> {
    const tooLong = (): OciError =>
      new OciError(
        'LIMIT_EXCEEDED',
        `${this.url.host} answers with more than ${limit} bytes, the limit for a document`,
        {
          fields: { url: plainUrl(this.url), limit },
        },
      );
    if ((this.length ?? 0) > limit) {
      this.destroy();
      throw tooLong();
    }
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.chunks()) {
      size += chunk.length;
      if (size > limit) throw tooLong();
      parts.push(chunk);
    }
    const encoding = this.header('content-encoding');
    const body = Buffer.concat(parts, size);
    // Some servers name an encoding and send the document as it is.
    if (encoding !== undefined && encoding !== 'identity' && body[0] !== 0x7b) {
      throw responseError(this.url, 'it is compressed, but no compression was requested');
    }
    return body;
  }

  /** At most `limit` bytes of the body, whatever happens to it: for error messages. */
  async some(limit: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of this.chunks()) {
        parts.push(chunk);
        size += chunk.length;
        if (size >= limit) break;
      }
    } catch {
      // The status says what went wrong; a body that breaks off adds nothing to it.
    }
    return Buffer.concat(parts).subarray(0, limit);
  }

  /** Reads a short body away, or drops the connection. */
  async discard(): Promise<void> {
    if (!this.#bodiless && (this.length ?? 0) > DISCARD_LIMIT) this.destroy();
    else await this.some(DISCARD_LIMIT);
  }

  /** Drops the connection. */
  destroy(): void {
    this.#message.destroy();
    this.#watch.finish();
  }
}
