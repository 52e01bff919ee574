import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findProgram, makeCertificates } from '../../testing/docker-registry.ts';
import type { TestCertificates } from '../../testing/docker-registry.ts';
import type { Digest } from '../../src/digest.ts';
import { MediaType } from '../../src/media-type.ts';
import { parseReference } from '../../src/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import type { RegistryOptions } from '../../src/registry/options.ts';
import { describeBytes, failure, makeManifest, quietOptions, readAll, someBytes, sourceOf } from './content.ts';
import { startServer } from './web-server.ts';
import type { WebServer } from './web-server.ts';

const SECRET = 'canary-password';
const CREDENTIAL = { username: 'alice', password: SECRET };
const BASIC = Buffer.from(`alice:${SECRET}`).toString('base64');
const NO_OPENSSL = findProgram('openssl') === undefined ? ' (skipped: openssl is not installed)' : '';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

async function server(handler: Handler, tls?: { key: string; cert: string }): Promise<WebServer> {
  const made = await startServer((request, response) => {
    // The question how the host is reached.
    if (request.url === '/v2/' && request.headers.authorization === undefined) response.writeHead(200).end();
    else handler(request, response);
  }, tls);
  open.push(made);
  return made;
}

function client(options: RegistryOptions = {}): RegistryClient {
  const made = new RegistryClient(quietOptions({ credentials: async () => CREDENTIAL, ...options }));
  open.push(made);
  return made;
}

const at = ({ host }: WebServer, name = 'app:1') => parseReference(`${host}/${name}`);
const answer =
  (body: string | Uint8Array, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    response.writeHead(200, { 'Content-Length': Buffer.byteLength(body), ...headers }).end(body);

/** Wants basic authentication; with it, does what `then` does. */
const guarded =
  (then: Handler, challenge = 'Basic realm="x"'): Handler =>
  (request, response) =>
    request.headers.authorization === undefined
      ? response.writeHead(401, { 'WWW-Authenticate': challenge }).end()
      : then(request, response);

function expectNoSecret(...servers: WebServer[]): void {
  for (const { seen } of servers) {
    const all = JSON.stringify(seen);
    for (const secret of [SECRET, BASIC, 'canary-token']) expect(all).not.toContain(secret);
    for (const { headers } of seen) expect(headers.authorization).toBeUndefined();
  }
}

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

describe('CVE-2021-41190: a document that two readers understand differently', () => {
  const config = describeBytes(Buffer.from('{}'), MediaType.ociConfig);
  const good = JSON.parse(makeManifest(config, []).toString()) as Record<string, unknown>;
  const documents: [string, unknown, string][] = [
    ['both manifests and layers', { ...good, manifests: [] }, MediaType.ociManifest],
    [
      'an index with a config',
      { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [], config },
      MediaType.ociIndex,
    ],
    ['a mediaType that is not the Content-Type', good, MediaType.ociIndex],
    ['a mediaType that is not the Content-Type (Docker)', good, MediaType.dockerManifest],
    [
      'schema version 1',
      { schemaVersion: 1, fsLayers: [], history: [] },
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
    ],
    ['schema version 1 under a new type', { schemaVersion: 1, fsLayers: [] }, MediaType.ociManifest],
    ['another case of a key', { ...good, Layers: [] }, MediaType.ociManifest],
    ['no image at all', { schemaVersion: 2 }, 'text/html'],
    [
      'a Content-Type that says nothing, and both shapes',
      { schemaVersion: 2, config, layers: [], manifests: [] },
      'application/json',
    ],
  ];
  it.each(documents)('%s', async (_, document, type) => {
    const registry = await server(answer(JSON.stringify(document), { 'Content-Type': type }));
    expect((await failure(client().manifest(at(registry)))).code).toMatch(/^(?:MANIFEST|INDEX)_INVALID$/);
  });

  it('a Content-Type that says nothing is no attack', async () => {
    for (const type of ['application/json; charset=utf-8', 'text/plain', 'application/octet-stream']) {
      const registry = await server(answer(JSON.stringify(good), { 'Content-Type': type }));
      expect((await client().manifest(at(registry))).descriptor.mediaType).toBe(MediaType.ociManifest);
    }
  });
});

describe('CVE-2024-3727: digests and names are checked before they become paths', () => {
  const never = { host: '127.0.0.1:1' };
  const bad = [
    'sha256:../../x',
    'sha256:abc',
    `sha256:${'A'.repeat(64)}`,
    `md5:${'0'.repeat(32)}`,
    `sha256:${'0'.repeat(64)}/../x`,
    '',
    `sha256:${'0'.repeat(63)}\n`,
  ];

  it.each(bad)('the digest %j', async (digest) => {
    const reference = parseReference(`${never.host}/app`);
    const descriptor = { mediaType: 'x', digest: digest as Digest, size: 1 };
    const c = client();
    for (const work of [
      () => readAll(c.blob(reference, descriptor)),
      () => c.hasBlob(reference, descriptor.digest),
      () => c.pushBlob(reference, descriptor, sourceOf(new Uint8Array(1))),
      () => c.pushManifest(reference, descriptor, new Uint8Array(1)),
      () => c.manifest({ ...reference, digest: descriptor.digest }),
      () => c.delete({ ...reference, digest: descriptor.digest }),
      () => c.referrers({ ...reference, digest: descriptor.digest }),
    ]) {
      expect((await failure(work())).code).toMatch(/^(?:DIGEST|REFERENCE)_INVALID$/);
    }
  });

  it.each(['a/../b', '../x', 'a//b', 'A', 'a?x', 'a#b', '%2e%2e/x', 'a'.repeat(300), 'ä', 'a b', ''])(
    'the repository %j',
    async (repository) => {
      const reference = { registry: never.host, repository, tag: 'x' };
      expect(await failure(client().manifest(reference))).toMatchObject({ code: 'REFERENCE_INVALID' });
      expect(await failure(readAll(client().blob(reference, describeBytes(new Uint8Array(1)))))).toMatchObject({
        code: 'REFERENCE_INVALID',
      });
      const mount = client().pushBlob(
        { ...reference, repository: 'fine' },
        describeBytes(new Uint8Array(1)),
        sourceOf(new Uint8Array(1)),
        {
          mountFrom: repository,
        },
      );
      expect(await failure(mount)).toMatchObject({ code: 'REFERENCE_INVALID' });
    },
  );

  it.each(['user@host', 'host/path', 'a b', 'host?x', 'host#x', '', 'host:port'])(
    'the registry %j',
    async (registry) => {
      expect((await failure(client().manifest({ registry, repository: 'a', tag: 'x' }))).code).toBe(
        'REFERENCE_INVALID',
      );
    },
  );

  it.each(['../x', 'sha256:../../x', 'abc', 'a\r\nb'])('the header Docker-Content-Digest: %j', async (digest) => {
    const registry = await server((_, response) => {
      response.socket?.end(
        `HTTP/1.1 200 OK\r\nContent-Type: ${MediaType.ociManifest}\r\nContent-Length: 2\r\nDocker-Content-Digest: ${digest}\r\n\r\n{}`,
      );
    });
    expect((await failure(client().resolve(at(registry)))).code).toMatch(/^REGISTRY_(?:RESPONSE|INTERRUPTED)$/);
  });
});

describe('answers without end (CVE-2023-25153)', () => {
  /** Sends `unit` until the other side has enough. */
  const endless =
    (headers: Record<string, string>, status = 200): Handler =>
    (_, response) => {
      response.writeHead(status, headers);
      const unit = Buffer.alloc(65_536, 'x');
      const more = (): void => {
        while (!response.destroyed && response.write(unit));
      };
      response.on('drain', more);
      more();
    };

  it('a manifest', async () => {
    const registry = await server(endless({ 'Content-Type': MediaType.ociManifest }));
    expect(await failure(client().manifest(at(registry)))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('a manifest that announces its size', async () => {
    const registry = await server(endless({ 'Content-Type': MediaType.ociManifest, 'Content-Length': '9000000000' }));
    expect(await failure(client().manifest(at(registry)))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('a list of tags', async () => {
    const registry = await server(endless({}));
    const tags = async (): Promise<void> => {
      for await (const _ of client().tags(at(registry)));
    };
    expect(await failure(tags())).toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('a token', async () => {
    const registry: WebServer = await server((request, response) =>
      request.url?.startsWith('/token') === true
        ? endless({})(request, response)
        : response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="http://${registry.host}/token"` }).end(),
    );
    expect(await failure(client().manifest(at(registry)))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('an error', async () => {
    const registry = await server(endless({}, 403));
    expect(await failure(client().manifest(at(registry)))).toMatchObject({ code: 'REGISTRY_DENIED' });
  });

  it('a list of pages', async () => {
    const registry = await server((request, response) =>
      answer('{"tags":["a"]}', {
        Link: `<${request.url?.includes('last=1') === true ? '?last=2' : '?last=1'}>; rel=next`,
      })(request, response),
    );
    const tags = async (): Promise<void> => {
      for await (const _ of client().tags(at(registry)));
    };
    expect((await failure(tags())).message).toMatch(/its list has no end/);
  });

  it('a blob', async () => {
    const registry = await server(endless({}));
    expect(await failure(readAll(client().blob(at(registry), describeBytes(someBytes(1000)))))).toMatchObject({
      code: 'BLOB_CORRUPT',
    });
  });
});

describe('what a registry says is repeated without harm', () => {
  it('control characters and unknown codes', async () => {
    const evil = '\u001b]0;title\u0007\u001b[2J\r\nINJECTED \u202edrow \u0000';
    const body = JSON.stringify({ errors: [{ code: `EVIL${evil}`, message: evil.repeat(100) }] });
    const registry = await server((_, response) =>
      response.writeHead(403, { 'Content-Type': 'application/json' }).end(body),
    );
    const error = await failure(client().manifest(at(registry)));
    expect(error.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(error.message.length).toBeLessThan(700);
    expect(error.fields).not.toHaveProperty('registryCode');
  });

  it.each([
    '[]',
    'null',
    '{"errors":null}',
    '{"errors":[null]}',
    '{"errors":[{"code":1,"message":{}}]}',
    '<html>',
    '\u0000',
  ])('an error document of %j', async (body) => {
    const registry = await server((_, response) => response.writeHead(403).end(body));
    expect(await failure(client().manifest(at(registry)))).toMatchObject({
      code: 'REGISTRY_DENIED',
      fields: { status: 403 },
    });
  });

  it('no query of a signed URL', async () => {
    const storage = await server((_, response) => response.writeHead(403).end());
    const registry = await server((_, response) =>
      response.writeHead(307, { Location: `http://${storage.host}/x?X-Amz-Signature=${SECRET}` }).end(),
    );
    const error = await failure(client().manifest(at(registry)));
    expect(JSON.stringify([error.message, error.fields])).not.toContain(SECRET);
  });

  it.each([
    'HTTP/9.9 200 OK\r\n\r\n',
    'garbage',
    'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
  ])('no HTTP: %.40j', async (bytes) => {
    const registry = await server((_, response) => void response.socket?.end(bytes));
    expect((await failure(client().manifest(at(registry)))).code).toMatch(
      /^REGISTRY_(?:RESPONSE|INTERRUPTED|UNREACHABLE)$/,
    );
  });
});

describe('a digest that is not the content', () => {
  const manifest = makeManifest(describeBytes(Buffer.from('{}'), MediaType.ociConfig), []);
  const { digest } = describeBytes(manifest);
  const other = describeBytes(Buffer.from('other')).digest;

  it('of a manifest by digest', async () => {
    const registry = await server(answer(manifest, { 'Content-Type': MediaType.ociManifest }));
    expect(await failure(client().manifest(at(registry, `app@${other}`)))).toMatchObject({ code: 'BLOB_CORRUPT' });
    expect((await client().manifest(at(registry, `app@${digest}`))).descriptor.digest).toBe(digest);
  });

  it('in the header Docker-Content-Digest', async () => {
    const registry = await server(
      answer(manifest, { 'Content-Type': MediaType.ociManifest, 'Docker-Content-Digest': other }),
    );
    expect(await failure(client().manifest(at(registry)))).toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await failure(client().resolve(at(registry, `app@${digest}`)))).toMatchObject({ code: 'BLOB_CORRUPT' });
  });

  it('of a manifest that is stored', async () => {
    const registry = await server((_, response) => response.writeHead(201, { 'Docker-Content-Digest': other }).end());
    const descriptor = describeBytes(manifest, MediaType.ociManifest);
    expect(await failure(client().pushManifest(at(registry), descriptor, manifest))).toMatchObject({
      code: 'REGISTRY_RESPONSE',
    });
    expect(
      await failure(client().pushManifest(at(registry), { ...descriptor, digest: other }, manifest)),
    ).toMatchObject({ code: 'BLOB_CORRUPT' });
  });
});
