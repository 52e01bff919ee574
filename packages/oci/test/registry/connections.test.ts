import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findProgram, makeCertificates } from '../../testing/docker-registry.ts';
import type { TestCertificates } from '../../testing/docker-registry.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import type { RegistryOptions } from '../../src/registry/options.ts';
import { describeBytes, failure, makeManifest, quietOptions, readAll, someBytes, sourceOf } from './content.ts';
import { startServer } from './web-server.ts';

const NO_OPENSSL = findProgram('openssl') === undefined ? ' (skipped: openssl is not installed)' : '';
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});
const keep = <T extends { close(): unknown }>(one: T): T => {
  open.push(one);
  return one;
};
const client = (options: RegistryOptions = {}): RegistryClient => keep(new RegistryClient(quietOptions(options)));

const manifest = makeManifest(describeBytes(Buffer.from('{}'), MediaType.ociConfig), []);
const headers = { 'Content-Type': MediaType.ociManifest, 'Content-Length': manifest.length };

/** An HTTP proxy that takes CONNECT for any host to one port of loopback, and plain requests for any host. */
async function startProxy(
  port: number,
): Promise<{ url: string; seen: { line: string; headers: IncomingHttpHeaders }[]; close(): unknown }> {
  const seen: { line: string; headers: IncomingHttpHeaders }[] = [];
  const server: Server = createServer((request, response) => {
    seen.push({ line: `${request.method} ${request.url}`, headers: request.headers });
    response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : manifest);
  });
  server.on('connect', (request, socket) => {
    seen.push({ line: `CONNECT ${request.url}`, headers: request.headers });
    if (request.headers['proxy-authorization'] !== `Basic ${Buffer.from('me:pä:ss').toString('base64')}`) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const target = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, seen, close: () => server.closeAllConnections() };
}

describe('connections', () => {
  it('are kept and used again, also after errors, HEAD and blobs', async () => {
    const blob = someBytes(100_000);
    const server = keep(
      await startServer((request, response) => {
        if (request.url?.includes('/blobs/') === true)
          response.writeHead(200, { 'Content-Length': blob.length }).end(request.method === 'HEAD' ? undefined : blob);
        else if (request.url?.includes('/none') === true) response.writeHead(404).end('{}');
        else response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : manifest);
      }),
    );
    const c = client();
    const reference = parseReference(`${server.host}/app:1`);
    for (let i = 0; i < 3; i++) {
      await c.manifest(reference);
      await failure(c.manifest(parseReference(`${server.host}/app:none`)));
      await c.hasBlob(reference, describeBytes(blob).digest);
      await readAll(c.blob(reference, describeBytes(blob)));
    }
    expect(server.seen).toHaveLength(13);
    expect(server.connections()).toBe(1);
  });

  it('that the server closes in between are opened anew', async () => {
    const server = keep(
      await startServer((request, response) => {
        response
          .writeHead(200, headers)
          .end(request.method === 'HEAD' ? undefined : manifest, () => request.socket.destroy());
      }),
    );
    const c = client();
    for (let i = 0; i < 3; i++) await c.manifest(parseReference(`${server.host}/app:1`));
    expect(server.seen.filter(({ line }) => line.includes('manifests'))).toHaveLength(3);
  });

  it('are no more for blobs than allowed, and given up with the iteration', async () => {
    let now = 0;
    let most = 0;
    const blob = someBytes(1_000_000);
    const server = keep(
      await startServer((request, response) => {
        if (request.url === '/v2/') return response.writeHead(200).end();
        most = Math.max(most, ++now);
        response.on('close', () => now--);
        return setTimeout(() => response.writeHead(200, { 'Content-Length': blob.length }).end(blob), 20);
      }),
    );
    const c = client({ parallel: 2 });
    const reference = parseReference(`${server.host}/app:1`);
    await Promise.all(Array.from({ length: 6 }, () => readAll(c.blob(reference, describeBytes(blob)))));
    expect(most).toBe(2);
    for (let i = 0; i < 5; i++) for await (const _ of c.blob(reference, describeBytes(blob))) break;
    expect(await server.open()).toBeLessThanOrEqual(3);
  });

  it('are closed with the client', async () => {
    const server = keep(await startServer((_, response) => response.writeHead(200, headers).end(manifest)));
    const c = client();
    await c.manifest(parseReference(`${server.host}/app:1`));
    c.close();
    for (let i = 0; i < 50 && (await server.open()) > 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await server.open()).toBe(0);
    expect(await failure(c.manifest(parseReference(`${server.host}/app:1`)))).toMatchObject({
      code: 'REGISTRY_INTERRUPTED',
    });
  });

  it('to nobody fail with a name', async () => {
    const error = await failure(client().manifest(parseReference('127.0.0.1:1/app:1')));
    expect(error).toMatchObject({ code: 'REGISTRY_UNREACHABLE', fields: { errno: 'ECONNREFUSED' } });
    expect(error.message).toBe(
      'cannot reach 127.0.0.1:1: the connection was refused; is the registry running, and is the port right?',
    );
  });

  it('end where a refusal comes before the whole body is sent', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (data) => {
        if (data.toString('latin1').startsWith('GET /v2/'))
          return socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        if (data.toString('latin1').startsWith('HEAD'))
          return socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
        if (data.toString('latin1').startsWith('POST'))
          return socket.end('HTTP/1.1 202 Accepted\r\nLocation: /u\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        return socket.write('HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    keep({ close: () => server.close() });
    const bytes = someBytes(5_000_000);
    const reference = parseReference(`127.0.0.1:${(server.address() as AddressInfo).port}/app`);
    const error = await failure(client().pushBlob(reference, describeBytes(bytes), sourceOf(bytes)));
    expect(error).toMatchObject({ code: 'REGISTRY_ERROR', fields: { status: 413 } });
    expect(error.message).toMatch(/does not accept bodies of this size/);
  });

  it('to an insecure host may be plain HTTP', async () => {
    const server = keep(await startServer((_, response) => response.writeHead(200, headers).end(manifest)));
    const c = client({ insecure: [server.host] });
    expect((await c.manifest(parseReference(`${server.host}/app:1`))).bytes).toHaveLength(manifest.length);
  });
});

describe.skipIf(NO_OPENSSL !== '')(`proxies${NO_OPENSSL}`, () => {
  let directory: string;
  let certificates: TestCertificates;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'connections-'));
    certificates = makeCertificates(directory, ['registry.example']);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('HTTPS goes through a tunnel, and the certificate is that of the registry', async () => {
    const tls = { key: readFileSync(certificates.key, 'utf8'), cert: readFileSync(certificates.certificate, 'utf8') };
    const server = keep(await startServer((_, response) => response.writeHead(200, headers).end(manifest), tls));
    const proxy = keep(await startProxy(Number(server.host.split(':')[1])));
    const environment = { HTTPS_PROXY: `http://me:p%C3%A4:ss@${proxy.url}` };
    const c = client({ environment, caFiles: [certificates.ca] });
    const [registry, other] = ['registry.example', 'registry2.example'].map((host) =>
      parseReference(`${host}:5443/app:1`),
    );
    if (registry === undefined || other === undefined) throw new Error('unreachable');
    for (let i = 0; i < 3; i++) expect((await c.manifest(registry)).bytes).toHaveLength(manifest.length);
    expect(proxy.seen.map(({ line }) => line)).toEqual(['CONNECT registry.example:5443']);
    // The proxy sees no header of the requests, and the registry none of the proxy's.
    expect(server.seen[0]?.headers['proxy-authorization']).toBeUndefined();
    expect((await failure(c.manifest(other))).message).toMatch(/its certificate is for another host name/);
    expect((await failure(client({ environment }).manifest(registry))).message).toMatch(/unknown authority/);
  });

  it('a tunnel that the proxy refuses is an error with a name, and no password', async () => {
    const proxy = keep(await startProxy(1));
    const c = client({ environment: { HTTPS_PROXY: `http://me:wrong-canary@${proxy.url}` } });
    const error = await failure(c.manifest(parseReference('registry.example/app:1')));
    expect(error).toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    expect(error.message).toMatch(
      /the proxy refused the connection with status 407 \(it requires a user name and password\)/,
    );
    expect(JSON.stringify([error.message, error.fields])).not.toContain('canary');
  });

  it('a plain token server of another host is asked only when that is listed as insecure', async () => {
    const challenge = 'Bearer realm="http://auth.example/token"';
    const proxy = keep(
      await startServer((request, response) => {
        if (request.url?.includes('//auth.example/') === true) response.writeHead(200).end('{"token":"t"}');
        else if (request.headers.authorization === 'Bearer t') response.writeHead(200, headers).end(manifest);
        else response.writeHead(401, { 'WWW-Authenticate': challenge }).end();
      }),
    );
    const environment = { HTTP_PROXY: `http://${proxy.host}`, HTTPS_PROXY: 'http://127.0.0.1:1' };
    const reference = parseReference('registry.example/app:1');
    const careful = client({ environment, insecure: ['registry.example'] });
    expect(await failure(careful.manifest(reference))).toMatchObject({ code: 'REGISTRY_UNSAFE' });
    expect(proxy.seen.some(({ line }) => line.includes('auth.example'))).toBe(false);
    const told = client({ environment, insecure: ['registry.example', 'auth.example'] });
    expect((await told.manifest(reference)).bytes).toHaveLength(manifest.length);
  });

  it('plain HTTP asks the proxy for the whole URL', async () => {
    const proxy = keep(await startProxy(1));
    const environment = { HTTP_PROXY: `http://me:p@${proxy.url}`, HTTPS_PROXY: 'http://127.0.0.1:1' };
    const c = client({ environment, insecure: ['registry.example'] });
    expect((await c.manifest(parseReference('registry.example/app:1'))).bytes).toHaveLength(manifest.length);
    expect(proxy.seen.at(-1)?.line).toBe('GET http://registry.example/v2/app/manifests/1');
    expect(proxy.seen.at(-1)?.headers).toMatchObject({
      host: 'registry.example',
      'proxy-authorization': 'Basic bWU6cA==',
    });
  });
});
