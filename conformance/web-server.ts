import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';

/** A web server on loopback. */
export interface WebServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves `folder/CASE/web/FILE` as `/CASE/FILE`, with the file's time as Last-Modified unless its name says `undated`. */
export async function startWebServer(folder: string): Promise<WebServer> {
  const server = createServer((request, response) => {
    const [, name = '', ...rest] = normalize(
      decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname),
    ).split('/');
    const file = join(folder, name, 'web', ...rest);
    Promise.all([readFile(file), stat(file)]).then(
      ([content, { mtime }]) => {
        if (!file.includes('undated')) response.setHeader('Last-Modified', mtime.toUTCString());
        response.end(request.method === 'HEAD' ? undefined : content);
      },
      () => {
        response.statusCode = 404;
        response.end();
      },
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
