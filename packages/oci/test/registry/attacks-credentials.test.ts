import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram, makeCertificates } from '../../testing/docker-registry.ts';
import type { TestCertificates } from '../../testing/docker-registry.ts';
import { describeBytes, failure, readAll, someBytes, sourceOf } from './content.ts';
import { answer, at, client, expectNoSecret, guarded, server } from './hostile-registry.ts';
import type { WebServer } from './web-server.ts';

const NO_OPENSSL = findProgram('openssl') === undefined ? ' (skipped: openssl is not installed)' : '';

describe('CVE-2020-15157: credentials go to the registry only', () => {
  const blob = someBytes(1000);

  it.each([301, 302, 303, 307, 308])('a %i to another host gets none', async (status) => {
    const storage = await server(answer(blob));
    const registry = await server(
      guarded((_, response) => response.writeHead(status, { Location: `http://${storage.host}/x?sig=1` }).end()),
    );
    expect((await readAll(client().blob(at(registry), describeBytes(blob)))).equals(blob)).toBe(true);
    expect(storage.seen).toHaveLength(1);
    expectNoSecret(storage);
  });

  it('the same address by another name is another host', async () => {
    const registry = await server(
      guarded((request, response) => {
        const host = String(request.headers.host);
        if (host.startsWith('localhost')) return answer(blob)(request, response);
        return response.writeHead(307, { Location: `http://${host.replace('127.0.0.1', 'localhost')}/x` }).end();
      }),
    );
    // The other name asks for authorization too, and must not get it.
    expect(await failure(readAll(client().blob(at(registry), describeBytes(blob))))).toMatchObject({
      code: 'REGISTRY_DENIED',
    });
    const other = registry.seen.filter(({ headers }) => String(headers.host).startsWith('localhost'));
    expect(other).toHaveLength(1);
    expect(other[0]?.headers.authorization).toBeUndefined();
  });

  it('a redirect target that asks for them gets none', async () => {
    const thief = await server((_, response) =>
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="give"' }).end(),
    );
    const registry = await server(
      guarded((_, response) => response.writeHead(307, { Location: `http://${thief.host}/` }).end()),
    );
    expect(await failure(client().manifest(at(registry)))).toMatchObject({ code: 'REGISTRY_DENIED' });
    expect(thief.seen).toHaveLength(1);
    expectNoSecret(thief);
  });

  it('they do not come back after a way over another host', async () => {
    const between: WebServer = await server((_, response) =>
      response.writeHead(307, { Location: `http://${registry.host}/back` }).end(),
    );
    const registry: WebServer = await server(
      guarded((request, response) =>
        request.url === '/back'
          ? answer(blob)(request, response)
          : response.writeHead(307, { Location: `http://${between.host}/` }).end(),
      ),
    );
    await failure(readAll(client().blob(at(registry), describeBytes(blob))));
    expect(
      registry.seen.filter(({ line }) => line === 'GET /back').map(({ headers }) => headers.authorization),
    ).toEqual([undefined]);
    expectNoSecret(between);
  });

  it('foreign layer urls are never asked', async () => {
    const thief = await server(answer(blob));
    const registry = await server((_, response) => response.writeHead(404).end());
    const descriptor = { ...describeBytes(blob), urls: [`http://${thief.host}/layer`] };
    expect(await failure(readAll(client().blob(at(registry), descriptor)))).toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
    });
    expect(thief.seen).toHaveLength(0);
  });

  it('an upload that goes on at another host gets the blob, and no credential', async () => {
    const storage = await server((_, response) => response.writeHead(201).end());
    const registry = await server(
      guarded((request, response) =>
        request.method === 'POST'
          ? response.writeHead(202, { Location: `http://${storage.host}/upload?signature=1` }).end()
          : response.writeHead(404).end(),
      ),
    );
    expect(await client().pushBlob(at(registry), describeBytes(blob), sourceOf(blob))).toBe('uploaded');
    expect(storage.seen.map(({ line }) => line)).toEqual([
      `PUT /upload?signature=1&digest=${encodeURIComponent(describeBytes(blob).digest)}`,
    ]);
    expectNoSecret(storage);
  });

  it('an upload that goes on at another host cannot be sent back from there', async () => {
    const storage: WebServer = await server((_, response) =>
      response.writeHead(202, { Location: `http://${registry.host}/v2/victim/manifests/latest` }).end(),
    );
    const registry: WebServer = await server(
      guarded((request, response) =>
        request.method === 'POST'
          ? response.writeHead(202, { Location: `http://${storage.host}/upload` }).end()
          : response.writeHead(404).end(),
      ),
    );
    const pushing = client().pushBlob(at(registry), describeBytes(blob), sourceOf(blob), { chunkBytes: 100 });
    expect(await failure(pushing)).toMatchObject({ code: 'REGISTRY_UNSAFE' });
    expect(registry.seen.filter(({ line }) => line.includes('victim'))).toEqual([]);
    expectNoSecret(storage);
  });

  it('neither is an upload whose beginning was redirected', async () => {
    const storage: WebServer = await server((_, response) =>
      response.writeHead(202, { Location: `http://${registry.host}/v2/victim/manifests/latest` }).end(),
    );
    const registry: WebServer = await server(
      guarded((request, response) =>
        request.method === 'POST'
          ? response.writeHead(307, { Location: `http://${storage.host}/start` }).end()
          : response.writeHead(404).end(),
      ),
    );
    expect(await failure(client().pushBlob(at(registry), describeBytes(blob), sourceOf(blob)))).toMatchObject({
      code: 'REGISTRY_UNSAFE',
    });
    expect(registry.seen.filter(({ line }) => line.includes('victim'))).toEqual([]);
  });

  it('a list that goes on at another host is refused', async () => {
    const thief = await server(answer('{"tags":[]}'));
    const registry = await server(
      guarded(answer('{"tags":["a"]}', { Link: `<http://${thief.host}/v2/app/tags/list?last=a>; rel="next"` })),
    );
    const tags = async (): Promise<void> => {
      for await (const _ of client().tags(at(registry)));
    };
    expect(await failure(tags())).toMatchObject({ code: 'REGISTRY_UNSAFE' });
    expect(thief.seen).toHaveLength(0);
  });

  it('one registry never gets the token of another', async () => {
    const make = (token: string) =>
      server((request, response) => {
        if (request.url?.startsWith('/token') === true) return answer(JSON.stringify({ token }))(request, response);
        const challenge = `Bearer realm="http://${String(request.headers.host)}/token",service="s"`;
        if (request.headers.authorization === undefined)
          return response.writeHead(401, { 'WWW-Authenticate': challenge }).end();
        return response.writeHead(404).end();
      });
    const [one, two] = [await make('token-one'), await make('token-two')];
    const c = client();
    for (const registry of [one, two, one]) await failure(c.manifest(at(registry)));
    expect(JSON.stringify(one.seen)).not.toContain('token-two');
    expect(JSON.stringify(two.seen)).not.toContain('token-one');
  });
});

describe('a token realm that leads astray', () => {
  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://metadata.example/token',
    'file:///etc/passwd',
    'ftp://127.0.0.1/',
    'gopher://127.0.0.1/',
  ])('%s gets nothing', async (realm) => {
    const registry = await server((_, response) =>
      response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="${realm}"` }).end(),
    );
    expect(await failure(client().manifest(at(registry)))).toMatchObject({ code: 'REGISTRY_UNSAFE' });
    expectNoSecret(registry);
  });

  it.each(['not a url', '', '//x', 'http://user:pass@127.0.0.1/'])('%j is refused', async (realm) => {
    const registry = await server((_, response) =>
      response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="${realm}"` }).end(),
    );
    expect(await failure(client().manifest(at(registry)))).toMatchObject({ code: 'REGISTRY_RESPONSE' });
    expectNoSecret(registry);
  });

  it('a token request follows no redirect', async () => {
    const thief = await server(answer('{"token":"x"}'));
    const registry: WebServer = await server((request, response) =>
      request.url?.startsWith('/token') === true
        ? response.writeHead(307, { Location: `http://${thief.host}/` }).end()
        : response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="http://${registry.host}/token"` }).end(),
    );
    expect((await failure(client().manifest(at(registry)))).message).toMatch(/cannot get a token .* answered 307/);
    await failure(client({ credentials: async () => ({ identityToken: 'canary-token' }) }).manifest(at(registry)));
    expect(thief.seen).toHaveLength(0);
  });

  it('a token that would split the header is refused', async () => {
    const registry: WebServer = await server((request, response) =>
      request.url?.startsWith('/token') === true
        ? answer(JSON.stringify({ token: 'x\r\nX-Evil: 1' }))(request, response)
        : response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="http://${registry.host}/token"` }).end(),
    );
    expect(await failure(client().manifest(at(registry)))).toMatchObject({ code: 'REGISTRY_RESPONSE' });
  });

  it('a registry that always says 401 is asked a second time, and no third', async () => {
    const registry = await server((_, response) =>
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end(),
    );
    expect(await failure(client().manifest(at(registry)))).toMatchObject({
      code: 'REGISTRY_DENIED',
      fields: { status: 401 },
    });
    expect(registry.seen.filter(({ line }) => line.includes('manifests'))).toHaveLength(2);
  });
});

describe.skipIf(NO_OPENSSL !== '')(`an HTTPS registry${NO_OPENSSL}`, () => {
  let directory: string;
  let certificates: TestCertificates;
  let tls: { key: string; cert: string };
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'attacks-'));
    certificates = makeCertificates(directory);
    tls = { key: readFileSync(certificates.key, 'utf8'), cert: readFileSync(certificates.certificate, 'utf8') };
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('may not lead to plain HTTP', async () => {
    const plain = await server(answer('{}'));
    const registry = await server(
      guarded((_, response) => response.writeHead(307, { Location: `http://${plain.host}/` }).end()),
      tls,
    );
    for (const options of [{ caFiles: [certificates.ca] }, { insecure: [registry.host] }]) {
      const error = await failure(client(options).manifest(at(registry)));
      expect(error).toMatchObject({ code: 'REGISTRY_UNSAFE' });
      expect(error.message).toMatch(/from HTTPS to plain HTTP/);
    }
    expect(plain.seen).toHaveLength(0);
  });

  it('may not have a plain token server', async () => {
    const plain = await server(answer('{"token":"x"}'));
    const challenge = `Bearer realm="http://${plain.host}/token"`;
    const registry = await server(
      (_, response) => response.writeHead(401, { 'WWW-Authenticate': challenge }).end(),
      tls,
    );
    expect(await failure(client({ caFiles: [certificates.ca] }).manifest(at(registry)))).toMatchObject({
      code: 'REGISTRY_UNSAFE',
    });
    expect(plain.seen).toHaveLength(0);
    expectNoSecret(registry);
  });

  it('may not send an upload to plain HTTP', async () => {
    const plain = await server((_, response) => response.writeHead(201).end());
    const registry = await server(
      (request, response) =>
        request.method === 'POST'
          ? response.writeHead(202, { Location: `http://${plain.host}/u` }).end()
          : response.writeHead(404).end(),
      tls,
    );
    const blob = someBytes(10);
    const work = client({ caFiles: [certificates.ca] }).pushBlob(at(registry), describeBytes(blob), sourceOf(blob));
    expect(await failure(work)).toMatchObject({ code: 'REGISTRY_UNSAFE' });
    expect(plain.seen).toHaveLength(0);
  });
});

describe('redirects', () => {
  it('end after ten', async () => {
    const registry: WebServer = await server((request, response) =>
      response.writeHead(307, { Location: `${request.url}x` }).end(),
    );
    expect((await failure(client().manifest(at(registry)))).message).toMatch(/redirects more than 10 times/);
    expect(registry.seen.filter(({ line }) => line.includes('manifests'))).toHaveLength(11);
  });

  it.each(['file:///etc/passwd', 'ftp://127.0.0.1/x', 'data:text/plain,x', 'unix:/run/docker.sock', 'javascript:1'])(
    'do not lead to %s',
    async (location) => {
      const registry = await server((_, response) => response.writeHead(302, { Location: location }).end());
      expect(await failure(client().manifest(at(registry)))).toMatchObject({ code: 'REGISTRY_UNSAFE' });
    },
  );

  it.each(['http://', 'http://[::1', undefined])('to %s are no redirects', async (location) => {
    const registry = await server((_, response) =>
      response.writeHead(302, location === undefined ? {} : { Location: location }).end(),
    );
    expect(await failure(client().manifest(at(registry)))).toMatchObject({ code: 'REGISTRY_RESPONSE' });
  });
});
