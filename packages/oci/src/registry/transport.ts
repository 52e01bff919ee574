import http from 'node:http';
import type { ClientRequest } from 'node:http';
import https from 'node:https';
import { OciError } from '../spec/oci-error.ts';
import { onAbort } from './abortable.ts';
import { Agents } from './agents.ts';
import type { AgentOptions } from './agents.ts';
import { HttpResponse } from './http-response.ts';
import type { Watch } from './http-response.ts';
import { idleError, networkError, unsafe } from './network-error.ts';

/** A body that can be sent more than once. `length` is in bytes. */
export interface RequestBody {
  readonly length: number;
  open(): AsyncIterable<Uint8Array>;
}

/** One request to one host. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly signal?: AbortSignal;
  /** A redirect on the way here left the origin of the first URL, whose credentials are not sent any more. */
  readonly strayed?: boolean;
}

/** A registry may have to move and hash gigabytes before it answers to a write. */
const WRITE_PATIENCE = 10;

/**
 * Sends requests over connections that are kept alive. It follows no redirects, tries nothing twice (but for reading over a
 * kept connection that turns out to be closed) and knows no credentials.
 */
export class Transport {
  readonly #agents: Agents;
  readonly #idle: number;
  readonly #closed = new AbortController();

  constructor(options: AgentOptions & { readonly idleMilliseconds: number }) {
    this.#agents = new Agents(options);
    this.#idle = options.idleMilliseconds;
  }

  /** Ends whatever is under way; later requests fail. */
  close(): void {
    this.#closed.abort(new OciError('REGISTRY_INTERRUPTED', 'the registry client was closed'));
    this.#agents.close();
  }

  /**
   * One request and the head of its answer.
   * @throws OciError `REGISTRY_UNREACHABLE`, `REGISTRY_INTERRUPTED`, `REGISTRY_TIMEOUT`, `REGISTRY_RESPONSE`,
   *   `REGISTRY_UNSAFE`; the signal's reason; what the body's source throws
   */
  async exchange(request: HttpRequest): Promise<HttpResponse> {
    const first = await this.#attempt(request);
    if (first !== 'stale') return first;
    const second = await this.#attempt(request);
    if (second !== 'stale') return second;
    throw networkError(request.url, Object.assign(new Error('connection reset'), { code: 'ECONNRESET' }));
  }

  async #attempt(request: HttpRequest): Promise<HttpResponse | 'stale'> {
    request.signal?.throwIfAborted();
    this.#closed.signal.throwIfAborted();
    const sent = this.#start(request);
    const exchange = new Exchange(sent, request, this.#idle, this.#closed.signal);
    try {
      return await exchange.response();
    } catch (error) {
      if (exchange.cause !== undefined) throw exchange.cause;
      // The server closed a kept connection just as it was taken: nobody's fault. What is written may have arrived all the
      // same, so whoever writes must find out first.
      if (sent.reusedSocket && isReading(request) && isReset(error)) return 'stale';
      throw networkError(request.url, error);
    }
  }

  #start(request: HttpRequest): ClientRequest {
    const { method, url, body } = request;
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw unsafe(url, `${url.protocol} is not a protocol for registries`);
    }
    const { secure, options } = this.#agents.route(url);
    const headers: http.OutgoingHttpHeaders = {
      'User-Agent': 'tsbuild-oci',
      'Accept-Encoding': 'identity',
      ...(options.headers as http.OutgoingHttpHeaders | undefined),
      ...request.headers,
    };
    if (body !== undefined) headers['Content-Length'] = body.length;
    else if (method !== 'GET' && method !== 'HEAD') headers['Content-Length'] = 0;
    return (secure ? https : http).request({ ...options, method, headers });
  }
}

function isReading({ method }: HttpRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

/** One request under way: sends its body, waits for the head of the answer, and watches signal and clock. */
class Exchange implements Watch {
  /** Why it was stopped from this side; what Node reports then is only the consequence. */
  cause: unknown;
  readonly #sent: ClientRequest;
  readonly #request: HttpRequest;
  readonly #idle: number;
  readonly #signals: readonly (AbortSignal | undefined)[];
  #stay: (() => void)[] = [];
  #message: http.IncomingMessage | undefined;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(sent: ClientRequest, request: HttpRequest, idle: number, closed: AbortSignal) {
    this.#sent = sent;
    this.#request = request;
    this.#idle = idle;
    this.#signals = [closed, request.signal];
  }

  async response(): Promise<HttpResponse> {
    this.#stay = this.#signals.map((signal) => onAbort(signal, (reason) => this.#stop(reason)));
    try {
      const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
        this.#sent.once('response', resolve);
        this.#sent.on('error', reject);
        // A protocol switch is nothing that anyone asked for.
        this.#sent.once('upgrade', (_, socket) => socket.destroy());
      });
      answered.catch(() => {});
      // An answer may come before the whole body is sent: a refusal.
      await Promise.race([answered, this.#send()]);
      this.#watch(this.#patience());
      const message = await answered;
      this.#message = message;
      message.on('error', () => {}); // an abort between here and the reading of the body is reported by that
      return new HttpResponse(message, this.#request, this.#idle, this);
    } catch (error) {
      this.finish();
      this.#sent.destroy();
      throw error;
    } finally {
      clearTimeout(this.#timer);
    }
  }

  #patience(): number {
    return isReading(this.#request) ? this.#idle : this.#idle * WRITE_PATIENCE;
  }

  async #send(): Promise<void> {
    const { body } = this.#request;
    const sent = this.#sent;
    if (body === undefined) {
      sent.end();
      return;
    }
    let answered = false;
    sent.once('response', () => {
      answered = true;
    });
    try {
      for await (const chunk of body.open()) {
        if (answered || sent.destroyed) return;
        if (!sent.write(chunk)) await this.#drained();
      }
      sent.end();
    } catch (error) {
      if (answered) return; // a refusal; what the source has to say no longer matters
      this.#stop(error);
      throw error;
    }
  }

  /** Only waiting for the peer counts against the idle limit, not waiting for the source. */
  async #drained(): Promise<void> {
    const sent = this.#sent;
    this.#watch(this.#idle);
    await new Promise<void>((resolve) => {
      const events = ['drain', 'close', 'error', 'response'] as const;
      const go = (): void => {
        for (const event of events) sent.off(event, go);
        resolve();
      };
      for (const event of events) sent.on(event, go);
    });
    clearTimeout(this.#timer);
  }

  #watch(milliseconds: number): void {
    clearTimeout(this.#timer);
    if (this.#over) return;
    this.#timer = setTimeout(
      () => this.#stop(idleError(this.#request.url, milliseconds, 'after a request')),
      milliseconds,
    );
  }

  #stop(why: unknown): void {
    this.cause ??= why;
    const error = why instanceof Error ? why : new Error('stopped', { cause: why });
    if (this.#message === undefined) this.#sent.destroy(error);
    else this.#message.destroy(error);
  }

  /** The end of the whole exchange, answer included. */
  finish(): void {
    this.#over = true;
    // A refusal came before all was sent: that connection is of no more use.
    if (!this.#sent.writableFinished) this.#sent.destroy();
    for (const stay of this.#stay.splice(0)) stay();
  }
}
