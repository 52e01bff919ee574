import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, expect } from 'vitest';
import { parseReference } from '../../src/spec/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import type { RegistryOptions } from '../../src/registry/options.ts';
import { quietOptions } from './content.ts';
import { startServer } from './web-server.ts';
import type { WebServer } from './web-server.ts';

export const SECRET = 'canary-password';
export const CREDENTIAL = { username: 'alice', password: SECRET };
export const BASIC = Buffer.from(`alice:${SECRET}`).toString('base64');

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

export async function server(handler: Handler, tls?: { key: string; cert: string }): Promise<WebServer> {
  const made = await startServer((request, response) => {
    // The question how the host is reached.
    if (request.url === '/v2/' && request.headers.authorization === undefined) response.writeHead(200).end();
    else handler(request, response);
  }, tls);
  open.push(made);
  return made;
}

export function client(options: RegistryOptions = {}): RegistryClient {
  const made = new RegistryClient(quietOptions({ credentials: async () => CREDENTIAL, ...options }));
  open.push(made);
  return made;
}

export const at = ({ host }: WebServer, name = 'app:1') => parseReference(`${host}/${name}`);
export const answer =
  (body: string | Uint8Array, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    response.writeHead(200, { 'Content-Length': Buffer.byteLength(body), ...headers }).end(body);

/** Wants basic authentication; with it, does what `then` does. */
export const guarded =
  (then: Handler, challenge = 'Basic realm="x"'): Handler =>
  (request, response) =>
    request.headers.authorization === undefined
      ? response.writeHead(401, { 'WWW-Authenticate': challenge }).end()
      : then(request, response);

export function expectNoSecret(...servers: WebServer[]): void {
  for (const { seen } of servers) {
    const all = JSON.stringify(seen);
    for (const secret of [SECRET, BASIC, 'canary-token']) expect(all).not.toContain(secret);
    for (const { headers } of seen) expect(headers.authorization).toBeUndefined();
  }
}
