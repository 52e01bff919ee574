import { Agent, createServer, request as forward } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { changedHeaders, type Fault, sendBody } from '../../packages/oci/testing/fault-proxy.ts';
import type { Exchange } from './exchange.ts';
import type { FaultPlan } from './fault-plan.ts';
import { routeOf } from './route.ts';

/** How far a socket was counted. */
interface Counted {
  read: number;
  written: number;
}

/**
 * A proxy before a registry, with a port (a lane) for each builder: it writes down what each one asks, delays, and fails by
 * a plan.
 */
export class CountingProxy implements AsyncDisposable {
  readonly exchanges: Exchange[] = [];
  /** Where requests go; changed when the registry comes back at another port. */
  upstream: string;
  /** Milliseconds before each answer: a round trip. */
  latency = 0;
  plan: FaultPlan | undefined;
  readonly #lanes = new Map<string, Server>();
  readonly #counted = new WeakMap<Socket, Counted>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(upstream: string) {
    this.upstream = upstream;
  }

  /** `127.0.0.1:<port>` of a builder's lane, opened when it is new. */
  async lane(name: string): Promise<string> {
    let server = this.#lanes.get(name);
    if (server === undefined) {
      const opened = createServer((request, response) => {
        this.#serve(name, request, response).catch(() => response.destroy());
      });
      await new Promise<void>((resolve) => opened.listen(0, '127.0.0.1', resolve));
      this.#lanes.set(name, opened);
      server = opened;
    }
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async closeLane(name: string): Promise<void> {
    const server = this.#lanes.get(name);
    if (server === undefined) return;
    this.#lanes.delete(name);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  /** What went through since `from`, of one lane or of all. */
  since(from: number, lane?: string): readonly Exchange[] {
    return this.exchanges.slice(from).filter((exchange) => lane === undefined || exchange.lane === lane);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#lanes.keys()) await this.closeLane(name);
    this.#agent.destroy();
  }

  async #serve(lane: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', socket } = request;
    const route = routeOf(url);
    const fault = this.plan?.next({ ...route, lane, method });
    let status = 0;
    try {
      if (this.latency > 0) await delay(this.latency);
      status = await this.#answer(request, response, fault);
    } finally {
      const bytes = this.#count(socket);
      this.exchanges.push({ ...route, lane, method, status, ...bytes, ...(fault ? { fault: fault.kind } : {}) });
    }
  }

  /** @returns the status that the builder saw; 0 when it saw none */
  async #answer(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): Promise<number> {
    if (fault?.kind === 'silence') {
      request.resume();
      await new Promise((resolve) => response.once('close', resolve));
      return 0;
    }
    if (fault?.kind === 'reset') {
      response.destroy();
      return 0;
    }
    if (fault?.kind === 'status') {
      request.resume();
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return fault.status;
    }
    const answer = await this.#forward(request);
    if (fault?.kind === 'lose-answer') {
      answer.resume();
      response.destroy();
      return 0;
    }
    const status = answer.statusCode ?? 500;
    response.writeHead(status, changedHeaders(answer, fault));
    await sendBody(answer, response, fault);
    return status;
  }

  async #forward(request: IncomingMessage): Promise<IncomingMessage> {
    const [hostname, port] = this.upstream.split(':');
    const { method, url: path, headers } = request;
    const sent = forward({ hostname, port, method, path, headers, agent: this.#agent });
    return await new Promise((resolve, reject) => {
      sent.once('response', resolve);
      sent.once('error', reject);
      request.once('error', () => sent.destroy());
      request.once('close', () => {
        if (!request.complete) sent.destroy();
      });
      request.pipe(sent);
    });
  }

  #count(socket: Socket): { up: number; down: number } {
    const before = this.#counted.get(socket) ?? { read: 0, written: 0 };
    const now = { read: socket.bytesRead, written: socket.bytesWritten };
    this.#counted.set(socket, now);
    return { up: now.read - before.read, down: now.written - before.written };
  }
}
