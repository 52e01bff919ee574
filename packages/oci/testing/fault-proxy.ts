import { createServer, request as forward } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** One thing that goes wrong. Byte counts are of the body. */
export type Fault =
  /** The connection is cut after so many bytes of the answer. */
  | { readonly kind: 'drop'; readonly after: number }
  /** The connection is cut after so many bytes of the request; the registry sees the cut too. */
  | { readonly kind: 'drop-request'; readonly after: number }
  /** The registry gets the whole request, and its answer is lost. */
  | { readonly kind: 'lose-answer' }
  /** The answer ends in order, but too early. */
  | { readonly kind: 'truncate'; readonly after: number }
  | { readonly kind: 'trickle'; readonly bytes: number; readonly everyMilliseconds: number }
  | { readonly kind: 'silence' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: OutgoingHttpHeaders; readonly body?: string }
  /** One byte of the answer is another. */
  | { readonly kind: 'flip'; readonly at: number }
  /** Content-Length is off by so much; the body is cut, or filled with zeros. */
  | { readonly kind: 'length'; readonly by: number }
  /** More bytes follow, with no Content-Length. */
  | { readonly kind: 'extra'; readonly bytes: number }
  | { readonly kind: 'ignore-range' }
  /** Content-Range says that the part begins so many bytes later. */
  | { readonly kind: 'wrong-range'; readonly by: number }
  | { readonly kind: 'relative-location' }
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> };

/** When a fault happens: for matching requests, after letting `skip` of them pass, `times` (default 1) times. */
export interface FaultRule {
  readonly method?: string;
  readonly path?: RegExp;
  readonly skip?: number;
  readonly times?: number;
  readonly fault: Fault;
}

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

interface ActiveRule {
  readonly rule: FaultRule;
  skip: number;
  left: number;
}

/** A server that hands requests on to a registry on loopback, and makes faults by a script. */
export class FaultProxy {
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;
  readonly #upstream: string;
  #rules: ActiveRule[] = [];

  constructor(upstream: string) {
    this.#upstream = upstream;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  /** Puts a proxy before `upstream` (`127.0.0.1:<port>`). */
  static async start(upstream: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(upstream);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** `127.0.0.1:<port>` */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Replaces the script, and forgets what was seen. */
  script(...rules: readonly FaultRule[]): void {
    this.#rules = rules.map((rule) => ({ rule, skip: rule.skip ?? 0, left: rule.times ?? 1 }));
    this.seen.length = 0;
  }

  /** How many faults of the script have not happened. */
  get pending(): number {
    return this.#rules.filter(({ left, rule }) => left > 0 && rule.times !== Infinity).length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #next(method: string, url: string): Fault | undefined {
    for (const active of this.#rules) {
      const { rule } = active;
      const fits = (rule.method ?? method) === method && (rule.path?.test(url) ?? true);
      if (!fits || active.left === 0) continue;
      if (active.skip > 0) {
        active.skip--;
        continue;
      }
      active.left--;
      return rule.fault;
    }
    return undefined;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    this.seen.push({ method, url, headers: request.headers });
    const fault = this.#next(method, url);
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'reset') return void response.destroy();
    if (fault?.kind === 'status') {
      request.resume();
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    const answer = await this.#ask(request, fault);
    if (answer === undefined || fault?.kind === 'lose-answer') {
      answer?.resume();
      response.destroy();
      return;
    }
    response.writeHead(answer.statusCode ?? 500, changedHeaders(answer, fault));
    await sendBody(answer, response, fault);
  }

  /** The registry's answer; undefined when the request was cut. */
  async #ask(request: IncomingMessage, fault: Fault | undefined): Promise<IncomingMessage | undefined> {
    const headers = { ...request.headers };
    if (fault?.kind === 'ignore-range') delete headers.range;
    const [hostname, port] = this.#upstream.split(':');
    const upstream = forward({ hostname, port, method: request.method, path: request.url, headers });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      upstream.once('response', resolve);
      upstream.on('error', reject);
    });
    answered.catch(() => {});
    let sent = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      const part = fault?.kind === 'drop-request' ? chunk.subarray(0, fault.after - sent) : chunk;
      sent += part.length;
      if (!upstream.write(part)) await new Promise((resolve) => upstream.once('drain', resolve));
      if (part.length < chunk.length || (fault?.kind === 'drop-request' && sent === fault.after)) {
        await delay(20); // let what was sent arrive
        upstream.destroy();
        return undefined;
      }
    }
    upstream.end();
    return await answered;
  }
}

/** The head of an answer as a fault makes it. */
export function changedHeaders(answer: IncomingMessage, fault: Fault | undefined): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...answer.headers };
  const length = Number(headers['content-length'] ?? 0);
  if (fault?.kind === 'length') headers['content-length'] = length + fault.by;
  if (fault?.kind === 'truncate' || fault?.kind === 'extra') delete headers['content-length'];
  if (fault?.kind === 'headers') Object.assign(headers, fault.headers);
  if (fault?.kind === 'relative-location') headers.location = String(headers.location).replace(/^https?:\/\/[^/]*/, '');
  if (fault?.kind === 'wrong-range') {
    headers['content-range'] = String(headers['content-range'] ?? '').replace(
      /(\d+)-/,
      (_, first: string) => `${Number(first) + fault.by}-`,
    );
  }
  return headers;
}

/** Sends the body of an answer as a fault makes it. */
export async function sendBody(
  answer: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (!response.write(bytes)) await drained(response);
  };
  const limit = fault?.kind === 'drop' || fault?.kind === 'truncate' ? fault.after : Infinity;
  const keep = fault?.kind === 'length' && fault.by < 0 ? Number(answer.headers['content-length']) + fault.by : limit;
  let at = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (fault?.kind === 'flip' && fault.at >= at && fault.at < at + chunk.length) {
      chunk[fault.at - at] = (chunk[fault.at - at] ?? 0) ^ 0xff;
    }
    const part = chunk.subarray(0, Math.max(0, keep - at));
    at += part.length;
    if (fault?.kind === 'trickle') await trickle(response, part, fault);
    else if (part.length > 0) await write(part);
    if (response.destroyed) return;
    if (at >= keep) break;
  }
  answer.resume();
  if (fault?.kind === 'drop') {
    await delay(20); // what was written should arrive before the cut does
    response.destroy();
    return;
  }
  if (fault?.kind === 'extra') await write(Buffer.alloc(fault.bytes));
  if (fault?.kind === 'length' && fault.by > 0) await write(Buffer.alloc(fault.by));
  response.end();
}

async function drained(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const go = (): void => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.once('drain', go).once('close', go);
  });
}

async function trickle(
  response: ServerResponse,
  bytes: Uint8Array,
  fault: { bytes: number; everyMilliseconds: number },
): Promise<void> {
  for (let at = 0; at < bytes.length && !response.destroyed; at += fault.bytes) {
    response.write(bytes.subarray(at, at + fault.bytes));
    await delay(fault.everyMilliseconds);
  }
}
