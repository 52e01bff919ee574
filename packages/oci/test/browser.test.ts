import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { tourOfTheCore } from '../testing/core-tour.ts';
import { findProgram } from '../testing/docker-registry.ts';
import { scratchFolders } from '../testing/scratch.ts';

const folder = scratchFolders();
const chromium = findProgram('chromium');
const note = chromium === undefined ? ' (skipped: chromium not installed)' : '';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
];

/** The tour as a script that needs nothing but a browser. */
async function pageScript(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { tourOfTheCore } from './core-tour.ts';
        const send = (result) => fetch('/result', { method: 'POST', body: JSON.stringify(result) });
        tourOfTheCore().then(send, (error) => send({ failed: String(error.stack) }));`,
      resolveDir: join(import.meta.dirname, '../testing'),
      loader: 'ts',
    },
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
}

/** Opens a page with the script in Chromium, and returns what the script sends back. */
async function runInBrowser(script: string): Promise<unknown> {
  const { promise, resolve, reject } = resolvers<unknown>();
  const server = createServer((request, response) => {
    response.setHeader('content-security-policy', "default-src 'none'; script-src 'self'; connect-src 'self'");
    if (request.method === 'POST') {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.end();
        resolve(JSON.parse(Buffer.concat(parts).toString()));
      });
    } else if (request.url === '/') {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end('<!doctype html><script type="module" src="/script.js"></script>');
    } else {
      response.setHeader('content-type', 'text/javascript; charset=utf-8');
      response.end(script);
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const args = [...FLAGS, `--user-data-dir=${folder()}`, `http://127.0.0.1:${port}/`];
  // A group of its own, so that all of its processes can be ended.
  const browser = spawn(chromium ?? 'chromium', args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let log = '';
  browser.stderr.on('data', (part: Buffer) => {
    log = (log + part.toString()).slice(-5000);
  });
  const exited = new Promise<void>((done) => browser.once('exit', () => done()));
  browser.once('error', reject);
  void exited.then(() => reject(new Error(`chromium ended:\n${log}`)));
  try {
    return await promise;
  } finally {
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL');
    await exited;
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

function resolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

it('the tour of the core finds what it should, here', async () => {
  expect(await tourOfTheCore()).toMatchObject({
    digest: 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
    references: ['my-app:latest', 'localhost:5000/a/b:c', 'ghcr.io/a/b:latest'],
    refused: ['DIGEST_INVALID', 'REFERENCE_INVALID'],
    rebased: [expect.stringMatching(/^sha256:/), expect.stringMatching(/^sha256:/)],
    members: ['etc/name 3000000 -1.5 12', 'big/file 3000000 -1.5 100000'],
    problems: [],
    damaged: 'BLOB_CORRUPT',
    selected: 'linux/amd64',
    decoded: { '9': 'nine', team: 'wéb' },
    gzip: [[], ['layers[0]']],
  });
});

it.skipIf(chromium === undefined && process.env.CI !== 'true')(
  `the core does the same in a browser as in Node${note}`,
  async () => {
    const script = await pageScript();
    expect(await runInBrowser(script)).toEqual(JSON.parse(JSON.stringify(await tourOfTheCore())));
  },
  60_000,
);
