import { describe, expect, it } from 'vitest';
import type { Digest } from '../../src/spec/digest.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { describeBytes, failure, makeManifest, readAll, someBytes, sourceOf } from './content.ts';
import { answer, at, client, SECRET, server } from './hostile-registry.ts';
import type { Handler } from './hostile-registry.ts';
import type { WebServer } from './web-server.ts';

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
    expect((await failure(tags())).message).toMatch(/its list does not end/);
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
