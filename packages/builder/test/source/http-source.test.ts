import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BlobStore, MemoryBlobStore, readBlob, sha256Digest } from '@tsbuild/oci';
import { WebClient } from '@tsbuild/oci/node';
import { afterEach, describe, expect, it } from 'vitest';
import { startServer, type WebServer } from '../../../oci/test/registry/web-server.ts';
import { HttpSource } from '../../src/source/http-source.ts';

const signal = new AbortController().signal;
const DIGEST = sha256Digest('hello');
const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Bench {
  readonly server: WebServer;
  readonly source: HttpSource;
  readonly blobs: BlobStore;
  readonly directory: string;
  url(path: string, userinfo?: string): string;
}

async function bench(handler: Parameters<typeof startServer>[0], maxBytes?: number): Promise<Bench> {
  const server = await startServer(handler);
  const client = new WebClient({ environment: {} });
  closing.push(
    () => client[Symbol.dispose](),
    () => server.close(),
  );
  const blobs = new MemoryBlobStore();
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-http-'));
  const source = new HttpSource({ client: () => client, blobs, directory, ...(maxBytes && { maxBytes }) });
  return { server, source, blobs, directory, url: (path, userinfo = '') => `http://${userinfo}${server.host}${path}` };
}

/** The same store in the next build. */
function again({ blobs, directory }: Bench): HttpSource {
  const client = new WebClient({ environment: {} });
  closing.push(() => client[Symbol.dispose]());
  return new HttpSource({ client: () => client, blobs, directory });
}

describe('files of web servers', () => {
  it('come with digest, size and time, and lie in the blob store', async () => {
    const { source, blobs, url } = await bench((_, response) =>
      response.writeHead(200, { 'Last-Modified': 'Sat, 03 Feb 2001 04:05:06 GMT' }).end('hello'),
    );
    const file = await source.resolve(url('/x'), undefined, signal);
    expect(file).toEqual({ digest: DIGEST, size: 5, modified: 981_173_106 });
    expect(Buffer.from(await readBlob(blobs, file)).toString()).toBe('hello');
  });

  it('are 1970 old when the server does not say', async () => {
    const { source, url } = await bench((_, response) => response.end('hello'));
    expect(await source.resolve(url('/x'), undefined, signal)).toMatchObject({ modified: 0 });
  });

  it.each([
    ['etag', { ETag: '"v1"' }, { 'if-none-match': '"v1"' }],
    [
      'last-modified',
      { 'Last-Modified': 'Sat, 03 Feb 2001 04:05:06 GMT' },
      { 'if-modified-since': 'Sat, 03 Feb 2001 04:05:06 GMT' },
    ],
  ])('are not sent again while they stay the same (%s)', async (name, headers, asked) => {
    const condition = Object.keys(asked)[0] ?? '';
    const made = await bench((request, response) => {
      if (request.headers[condition] === undefined) response.writeHead(200, headers).end('hello');
      else response.writeHead(304).end();
    });
    const first = await made.source.resolve(made.url('/x'), undefined, signal);
    expect(await again(made).resolve(made.url('/x'), undefined, signal), name).toMatchObject({ digest: first.digest });
    expect(made.server.seen[1]?.headers).toMatchObject(asked);
  });

  it('are asked for once by several steps of a build', async () => {
    const { server, source, url } = await bench((_, response) => response.end('hello'));
    await Promise.all([1, 2, 3].map(() => source.resolve(url('/x'), undefined, signal)));
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    ['packed though nobody asked for it', 'gzip', gzipSync('hello'), 'hello'],
    ['with a header that is wrong', 'gzip', Buffer.from('hello'), 'hello'],
    [
      'in an encoding that is part of the file',
      'x-gzip',
      Buffer.from('\x1f\x8b\x08 tgz', 'latin1'),
      '\x1f\x8b\x08 tgz',
    ],
  ])('sent %s are what the server means', async (_, encoding, body, content) => {
    const { source, blobs, url } = await bench((__, response) =>
      response.writeHead(200, { 'Content-Encoding': encoding, 'Content-Length': body.length }).end(body),
    );
    const file = await source.resolve(url('/x'), undefined, signal);
    expect(Buffer.from(await readBlob(blobs, file)).toString('latin1')).toBe(content);
  });

  it('may be empty (204), but are no part (206)', async () => {
    const { source, url } = await bench((request, response) =>
      request.url === '/none' ? response.writeHead(204).end() : response.writeHead(206).end('part'),
    );
    expect(await source.resolve(url('/none'), undefined, signal)).toMatchObject({ size: 0 });
    await expect(source.resolve(url('/part'), undefined, signal)).rejects.toThrow(/answered 206/);
  });

  it('sent packed are no larger than others may be', async () => {
    const { source, url } = await bench(
      (_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(Buffer.alloc(100_000))),
      999,
    );
    await expect(source.resolve(url('/x'), undefined, signal)).rejects.toThrow(/more than 999 bytes/);
  });

  it('are found through redirects, ten at most', async () => {
    const { source, url } = await bench((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end('hello');
      else response.writeHead(302, { Location: `/${left - 1}` }).end();
    });
    expect(await source.resolve(url('/10'), undefined, signal)).toMatchObject({ digest: DIGEST });
    await expect(source.resolve(url('/11'), undefined, signal)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('redirects more than 10 times'),
    });
  });

  it('are not looked for on this machine, whatever a redirect says', async () => {
    const { source, url } = await bench((_, response) =>
      response.writeHead(302, { Location: 'file:///etc/passwd' }).end(),
    );
    await expect(source.resolve(url('/x'), undefined, signal)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
  });

  it('that are missing, cut short or too large are refused, and nothing is kept', async () => {
    const made = await bench((request, response) => {
      if (request.url === '/missing') response.writeHead(404).end('no');
      else if (request.url === '/cut')
        response.writeHead(200, { 'Content-Length': '10' }).write('hello', () => response.destroy());
      else if (request.url === '/said') response.writeHead(200, { 'Content-Length': '1000' }).end('x'.repeat(1000));
      else response.write('x'.repeat(900), () => response.end('x'.repeat(900)));
    }, 999);
    const { source, url, blobs, directory } = made;
    const refused = (path: string, message: RegExp): Promise<void> =>
      expect(source.resolve(url(path), undefined, signal)).rejects.toMatchObject({
        code: 'DOWNLOAD_FAILED',
        message: expect.stringMatching(message),
      });
    await refused(
      '/missing',
      /cannot download http:\/\/127\.0\.0\.1:\d+\/missing: 127\.0\.0\.1:\d+ answered 404 Not Found/,
    );
    await refused('/cut', /was cut off/);
    await refused('/said', /more than 999 bytes/);
    await refused('/silent', /more than 999 bytes/);
    for await (const { digest } of blobs.list()) expect.fail(`${digest} was kept`);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('--checksum', () => {
  it('is held', async () => {
    const { source, url } = await bench((_, response) => response.end('hello'));
    expect(await source.resolve(url('/x'), DIGEST, signal)).toMatchObject({ digest: DIGEST });
    await expect(source.resolve(url('/x'), sha256Digest('other'), signal)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('does not match --checksum'),
    });
  });

  it('of a file that was fetched before asks nobody', async () => {
    const made = await bench((_, response) => response.end('hello'));
    const first = await made.source.resolve(made.url('/x'), undefined, signal);
    await made.server.close();
    expect(await again(made).resolve(made.url('/x'), first.digest, signal)).toMatchObject({ digest: DIGEST });
  });
});

describe('the content', () => {
  it('is fetched again when it is no longer stored, and must be the same', async () => {
    let text = 'hello';
    const made = await bench((_, response) => response.end(text));
    const file = await made.source.resolve(made.url('/x'), undefined, signal);
    await made.blobs.delete(file.digest);
    await made.source.ensure(made.url('/x'), file, signal);
    expect(await made.blobs.has(DIGEST)).toBeDefined();
    await made.blobs.delete(file.digest);
    text = 'other';
    await expect(made.source.ensure(made.url('/x'), file, signal)).rejects.toMatchObject({ code: 'FILE_CHANGED' });
  });
});

describe('user names and passwords', () => {
  it('go to their host, and into no record or message', async () => {
    const made = await bench((request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401).end();
      else response.writeHead(request.url === '/x' ? 200 : 500).end('hello');
    });
    const { source, url, server, directory } = made;
    await source.resolve(url('/x', 'me:s3cret%21@'), undefined, signal);
    expect(server.seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:s3cret!').toString('base64')}`);
    const failure = await source.resolve(url('/fails?token=s3cret', 'me:s3cret%21@'), undefined, signal).catch(String);
    expect(failure).toContain('500');
    const records = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));
    expect(records).toHaveLength(1);
    expect(JSON.stringify([records, failure])).not.toContain('s3cret');
  });

  it('do not follow a redirect to another host', async () => {
    const other = await startServer((_, response) => response.end('hello'));
    closing.push(() => other.close());
    const { source, url } = await bench((_, response) =>
      response.writeHead(302, { Location: `http://${other.host}/` }).end(),
    );
    await source.resolve(url('/x', 'me:s3cret@'), undefined, signal);
    expect(other.seen[0]?.headers.authorization).toBeUndefined();
  });
});
