import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type PageParts, POLICY_OF_PARTS } from './page-html.ts';

const TYPES: Readonly<Record<keyof PageParts, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'data.js': 'text/javascript; charset=utf-8',
};

/** A page that this machine alone can read. */
export interface ServedPage extends AsyncDisposable {
  readonly url: string;
}

/**
 * Serves a page on 127.0.0.1. Other users of the machine and pages of other sites must not read it: its address has a token that
 * nobody can guess, and requests for any other host than this address are refused, because the name of an attacker's site may
 * resolve to 127.0.0.1 (DNS rebinding). Nothing of it is shared with other origins or can be framed.
 * @param port 0 for any that is free
 * @throws the system's error for a port that is taken
 */
export async function servePage(parts: PageParts, port: number): Promise<ServedPage> {
  const token = randomBytes(16).toString('hex');
  const server = createServer((request, response) => answer(request, response, { parts, token, server }));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${portOf(server)}/${token}/`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Site {
  readonly parts: PageParts;
  readonly token: string;
  readonly server: Server;
}

function answer(request: IncomingMessage, response: ServerResponse, { parts, token, server }: Site): void {
  const headers = {
    'Content-Security-Policy': `${POLICY_OF_PARTS}; frame-ancestors 'none'`,
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  };
  const refuse = (status: number): void => void response.writeHead(status, headers).end();
  if (request.headers.host !== `127.0.0.1:${portOf(server)}`) return refuse(421);
  if (request.method !== 'GET') return refuse(405);
  const [, given = '', name = '', ...more] = (request.url ?? '').split('/');
  if (!isSame(given, token) || more.length > 0) return refuse(404);
  const part = name === '' ? 'index.html' : name;
  if (!isPart(part)) return refuse(404);
  response.writeHead(200, { ...headers, 'Content-Type': TYPES[part] }).end(parts[part]);
}

function isPart(name: string): name is keyof PageParts {
  return Object.hasOwn(TYPES, name);
}

/** Without telling by the time it takes how much of the token was right. */
function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo | null)?.port ?? 0;
}
