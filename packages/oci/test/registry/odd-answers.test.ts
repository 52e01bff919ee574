import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../testing/quirky-registry/profiles/by-name.ts';
import { QuirkyRegistry } from '../../testing/quirky-registry/server.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { describeBytes, failure, makeManifest } from './content.ts';
import { at, client, server } from './hostile-registry.ts';
import type { WebServer } from './web-server.ts';

const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}): unknown =>
  response.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value));

describe('catalog()', () => {
  const catalog = async (registry: WebServer): Promise<string[]> => {
    const names: string[] = [];
    for await (const name of client().catalog(registry.host)) names.push(name);
    return names;
  };

  it('follows pages', async () => {
    const registry = await server((request, response) =>
      request.url?.includes('last=') === true
        ? json(response, { repositories: ['c/d'] })
        : json(response, { repositories: ['a', 'b'] }, { Link: '</v2/_catalog?last=b>; rel="next"' }),
    );
    expect(await catalog(registry)).toEqual(['a', 'b', 'c/d']);
  });

  it('is empty, refused or hostile', async () => {
    expect(await catalog(await server((_, response) => json(response, { repositories: null })))).toEqual([]);
    const without = await server((_, response) => response.writeHead(404).end());
    expect(await failure(catalog(without))).toMatchObject({ code: 'UNSUPPORTED' });
    const hostile = await server((_, response) => json(response, { repositories: ['../x'] }));
    expect(await failure(catalog(hostile))).toMatchObject({ code: 'REGISTRY_RESPONSE' });
  });
});

describe('what refers to a subject, in a list kept by clients', () => {
  const subject = { mediaType: MediaType.ociManifest, digest: `sha256:${'a'.repeat(64)}` as const, size: 3 };
  const tag = subject.digest.replace(':', '-');
  const readList = (registry: QuirkyRegistry): unknown =>
    JSON.parse(registry.repository('app').manifest(tag).bytes.toString());

  it('may be an index', async () => {
    await using registry = await QuirkyRegistry.start('dist3');
    const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, artifactType: 'x/sbom', manifests: [], subject };
    const bytes = Buffer.from(JSON.stringify(index));
    const described = describeBytes(bytes, MediaType.ociIndex);
    await client().pushManifest(parseReference(`${registry.host}/app@${described.digest}`), described, bytes);
    expect(readList(registry)).toMatchObject({ manifests: [{ ...described, artifactType: 'x/sbom' }] });
  });

  it('keeps what others wrote, when it grows and when it shrinks', async () => {
    await using registry = await QuirkyRegistry.start({ ...PROFILES.dist3, looseIndexes: true });
    const repository = registry.repository('app');
    const [other, empty] = [Buffer.from('{"schemaVersion":2}'), Buffer.from('{}')];
    repository.manifests.set(describeBytes(other).digest, { bytes: other, type: MediaType.ociManifest });
    repository.blobs.set(describeBytes(empty).digest, empty);
    const entry = { ...describeBytes(other, MediaType.ociManifest), artifactType: 'x/y', data: 'e30=', later: [1] };
    const list = { schemaVersion: 2, mediaType: MediaType.ociIndex, annotations: { owner: 'me' }, manifests: [entry] };
    repository.putManifest(tag, Buffer.from(JSON.stringify(list)), MediaType.ociIndex);
    const bytes = makeManifest(describeBytes(empty, MediaType.ociConfig), [], { subject });
    const described = describeBytes(bytes, MediaType.ociManifest);
    const name = parseReference(`${registry.host}/app@${described.digest}`);
    await client().pushManifest(name, described, bytes);
    expect(readList(registry)).toMatchObject({
      annotations: { owner: 'me' },
      manifests: [entry, { digest: described.digest }],
    });
    await client().delete(name);
    expect(readList(registry)).toEqual(list);
  });
});

describe('tokens', () => {
  it.each([
    [{ token: '', access_token: 'T' }],
    [{ token: null, access_token: 'T' }],
    [{ token: 'T', access_token: '' }],
  ])('are taken where there is one: %j', async (answer) => {
    const registry: WebServer = await server((request, response) => {
      if (request.url?.startsWith('/token') === true) return json(response, answer);
      if (request.headers.authorization === 'Bearer T') return json(response, { tags: null });
      const challenge = `Bearer realm="http://${registry.host}/token",service="s"`;
      return response.writeHead(401, { 'WWW-Authenticate': challenge }).end();
    });
    const tags: string[] = [];
    for await (const tag of client().tags(at(registry))) tags.push(tag);
    expect(tags).toEqual([]);
  });
});
