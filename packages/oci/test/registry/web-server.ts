import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

/** A server on loopback that does what a test says, and keeps what it was sent. */
export interface WebServer {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  readonly seen: { readonly line: string; readonly headers: IncomingMessage['headers']; readonly body: string }[];
  /** How many connections were made. */
  connections(): number;
  /** How many connections are open. */
  open(): Promise<number>;
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** `handler` is called when the request has been read. */
export async function startServer(
  handler: Handler,
  tls?: { readonly key: string; readonly cert: string },
): Promise<WebServer> {
  const seen: WebServer['seen'] = [];
  const listener: RequestListener = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString('latin1');
      seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
      handler(request, response, body);
    });
  };
  const server: Server | https.Server = tls === undefined ? createServer(listener) : https.createServer(tls, listener);
  let connections = 0;
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    connections: () => connections,
    open: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
