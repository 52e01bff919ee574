import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Site } from '../build-site.ts';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Serves a written site below a prefix, as GitHub Pages does, and nothing beside it. */
export async function serveSite(
  directory: string,
  site: Site,
  prefix: string,
): Promise<{ server: Server; base: string }> {
  const known = new Set([...site.files.keys(), 'assets/site.css', 'assets/site.js', 'assets/icon.svg']);
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(prefix, '');
    if (!known.has(path)) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
    response.end(readFileSync(join(directory, path)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { server, base: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}` };
}
