import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FaultProxy } from '../../testing/fault-proxy.ts';
import { NO_REGISTRY, SKIP_REGISTRY, startDockerRegistry } from '../../testing/docker-registry.ts';
import type { DockerRegistry } from '../../testing/docker-registry.ts';
import { PROFILES } from '../../testing/quirky-registry/profiles/by-name.ts';
import type { ProfileName } from '../../testing/quirky-registry/profiles/by-name.ts';
import { QuirkyRegistry } from '../../testing/quirky-registry/server.ts';
import type { Descriptor } from '../../src/spec/descriptor.ts';
import { imageOf } from '../../src/image/image-value.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { toRegistry } from '../../src/registry/remote-image.ts';
import { describeBytes, failure, makeManifest, quietOptions, readAll, someBytes, sourceOf } from './content.ts';
import { pushImage } from './push-image.ts';

describe.each(Object.keys(PROFILES) as ProfileName[])('a registry like %s', (profile) => {
  let registry: QuirkyRegistry;
  let client: RegistryClient;
  beforeEach(async () => {
    registry = await QuirkyRegistry.start(profile);
    registry.repository('app');
    client = new RegistryClient(quietOptions());
  });
  afterEach(async () => {
    client.close();
    await registry[Symbol.asyncDispose]();
  });
  const named = (name: string) => parseReference(`${registry.host}/${name}`);
  const writes = (): string[] =>
    registry.seen.filter((line) => line.startsWith('P')).map((line) => line.split(' ')[0] ?? '');

  it('takes blobs larger than a chunk, and gives them back', async () => {
    for (const seed of ['one', 'two']) {
      const bytes = someBytes(1_000_001, seed);
      const pushed = client.pushBlob(named('app'), describeBytes(bytes), sourceOf(bytes), { chunkBytes: 100_000 });
      expect(await pushed).toBe('uploaded');
      expect((await readAll(client.blob(named('app'), describeBytes(bytes)))).equals(bytes)).toBe(true);
    }
    const chunked = ['POST', ...Array.from({ length: 11 }, () => 'PATCH'), 'PUT'];
    // Chunks are tried once, and then no more.
    const whole = ['POST', 'PATCH', 'PATCH', 'POST', 'PUT', 'POST', 'PUT'];
    expect(writes()).toEqual(registry.quirks.chunks === 'one' ? whole : [...chunked, ...chunked]);
  });

  it('takes an image, gives it back and lists it', async () => {
    const { descriptor, manifest } = await pushImage(client, named('app:1'));
    expect(await client.resolve(named('app:1'))).toEqual(descriptor);
    expect(Buffer.from((await client.manifest(named('app:1'))).bytes)).toEqual(manifest);
    expect(await readTags('app')).toEqual(['1']);
  });

  const readTags = async (name: string): Promise<string[]> => {
    const tags: string[] = [];
    for await (const tag of client.tags(named(name))) tags.push(tag);
    return tags;
  };

  it('has no tags at first', async () => {
    expect(await readTags('app')).toEqual([]);
  });

  it('takes a blob of another repository, mounted or sent', async () => {
    registry.repository('other');
    const bytes = someBytes(1000);
    await client.pushBlob(named('app'), describeBytes(bytes), sourceOf(bytes));
    const again = client.pushBlob(named('other'), describeBytes(bytes), sourceOf(bytes), { mountFrom: 'app' });
    expect(await again).toBe(registry.quirks.mounts ? 'mounted' : 'uploaded');
  });

  it('takes one blob from two at once', async () => {
    const bytes = someBytes(1000);
    const push = () => client.pushBlob(named('app'), describeBytes(bytes), sourceOf(bytes));
    for (const outcome of await Promise.all([push(), push()])) expect(['exists', 'uploaded']).toContain(outcome);
  });

  it('keeps referrers, by its API or by a tag', async () => {
    const { descriptor } = await pushImage(client, named('app:1'));
    const attached = await attach(descriptor);
    expect(await client.referrers(named('app:1'))).toEqual([expect.objectContaining({ digest: attached.digest })]);
    expect(await readTags('app')).toEqual(
      registry.quirks.referrers ? ['1'] : ['1', descriptor.digest.replace(':', '-')],
    );
  });

  /** Every registry knows the type of an image's config. */
  const attach = async (subject: Descriptor): Promise<Descriptor> => {
    const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');
    const configDescriptor = describeBytes(config, MediaType.ociConfig);
    await client.pushBlob(named('app'), configDescriptor, sourceOf(config));
    const knowsArtifacts = registry.quirks.otherTypes.test('application/x.sbom');
    const bytes = makeManifest(configDescriptor, [], {
      ...(knowsArtifacts && { artifactType: 'application/x.sbom' }),
      subject,
    });
    const attached = describeBytes(bytes, MediaType.ociManifest);
    await client.pushManifest(named(`app@${attached.digest}`), attached, bytes);
    return attached;
  };

  /** How an attempt ended: `done`, or the code of its error. */
  const outcomeOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'done',
      (error: { fields?: { registryCode?: string }; code: string }) => error.fields?.registryCode ?? error.code,
    );

  it('loses a referrer that is deleted', async () => {
    const { descriptor } = await pushImage(client, named('app:1'));
    const attached = await attach(descriptor);
    const deleted = await outcomeOf(client.delete(named(`app@${attached.digest}`)));
    const left = (await client.referrers(named('app:1'))).map(({ digest }) => digest);
    expect(left).toEqual(deleted === 'done' ? [] : [attached.digest]);
  });

  it('reads a tag that was moved just now, or says that it cannot be moved', async () => {
    const old = await pushImage(client, named('app:1'), 'old');
    const { immutable } = registry.quirks;
    const pushing = pushImage(client, named('app:1'), 'new').then(
      () => undefined,
      ({ fields }: { fields: { status: number } }) => fields.status,
    );
    expect(await pushing).toBe(immutable?.status);
    const { digest } = await client.resolve(named('app:1'));
    expect(digest === old.descriptor.digest).toBe(immutable !== undefined);
  });

  it('moves a tag that may be moved, and takes the same image again under one that may not', async () => {
    await pushImage(client, named('app:main'), 'old');
    const { descriptor } = await pushImage(client, named('app:main'), 'new');
    expect((await client.resolve(named('app:main'))).digest).toBe(descriptor.digest);
    await pushImage(client, named('app:1'), 'same');
    await pushImage(client, named('app:1'), 'same');
  });

  it('lists more tags than fit in a page', async () => {
    const { descriptor } = await pushImage(client, named('app:t0000'));
    const { tags } = registry.repository('app');
    for (let i = 1; i < 2500; i++) tags.set(`t${String(i).padStart(4, '0')}`, descriptor.digest);
    expect(await readTags('app')).toEqual([...tags.keys()]);
    const requests = registry.seen.filter((line) => line.includes('/tags/list'));
    expect(requests).toHaveLength(registry.quirks.pagesTags ? 3 : 1);
  });

  it('reads on when it is told to wait', async () => {
    const { descriptor } = await pushImage(client, named('app:1'));
    for (let i = 0; i < 5; i++) expect((await client.manifest(named('app:1'))).descriptor).toEqual(descriptor);
  });

  it('deletes, or says that it does not', async () => {
    const { descriptor } = await pushImage(client, named('app:1'));
    const { deletes } = registry.quirks;
    const byTag = await outcomeOf(client.delete(named('app:1')));
    expect(byTag).toBe(deletes === 'tags and digests' ? 'done' : 'UNSUPPORTED');
    const byDigest = await outcomeOf(client.delete(named(`app@${descriptor.digest}`)));
    expect(byDigest).toBe(deletes === 'nothing' ? 'UNSUPPORTED' : 'done');
    expect(await readTags('app')).toEqual(deletes === 'nothing' ? ['1'] : []);
  });

  it('refuses what it does not know, with a reason', async () => {
    const config = Buffer.from('{}');
    const type = 'application/x.unknown';
    await client.pushBlob(named('app'), describeBytes(config, type), sourceOf(config));
    const bytes = makeManifest(describeBytes(config, type), []);
    const pushing = client.pushManifest(named('app:odd'), describeBytes(bytes, MediaType.ociManifest), bytes);
    expect(await outcomeOf(pushing)).toBe(registry.quirks.configTypes.test(type) ? 'done' : 'MANIFEST_INVALID');
  });

  it('refuses an index of layers, or takes it', async () => {
    const { layerDescriptor } = await pushImage(client, named('app:1'));
    const document = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [layerDescriptor] };
    const bytes = Buffer.from(JSON.stringify(document));
    const pushing = client.pushManifest(named('app:index'), describeBytes(bytes, MediaType.ociIndex), bytes);
    expect(await outcomeOf(pushing)).toBe(registry.quirks.looseIndexes ? 'done' : 'MANIFEST_INVALID');
  });

  it('names the missing repository where the first push makes none', async () => {
    const { createsRepositories } = registry.quirks;
    expect(await outcomeOf(pushImage(client, named('new:1')))).toBe(createsRepositories ? 'done' : 'NAME_UNKNOWN');
  });
});

describe('a registry like nexus', () => {
  it('takes chunks on, after it refused the second of two that sent one blob', async () => {
    await using registry = await QuirkyRegistry.start('nexus');
    using client = new RegistryClient(quietOptions());
    const reference = parseReference(`${registry.host}/app`);
    const push = (seed: string): Promise<string> => {
      const bytes = someBytes(300_000, seed);
      return client.pushBlob(reference, describeBytes(bytes), sourceOf(bytes), { chunkBytes: 100_000 });
    };
    expect(await Promise.all([push('one'), push('one')])).toEqual(['uploaded', 'uploaded']);
    registry.seen.length = 0;
    expect(await push('two')).toBe('uploaded');
    expect(registry.seen.filter((line) => line.startsWith('PATCH'))).toHaveLength(3);
  });

  it('takes one blob for two repositories at once', async () => {
    await using registry = await QuirkyRegistry.start('nexus');
    using client = new RegistryClient(quietOptions());
    const bytes = someBytes(1000);
    const pushed = ['one', 'two'].map((name) =>
      client.pushBlob(parseReference(`${registry.host}/${name}`), describeBytes(bytes), sourceOf(bytes)),
    );
    expect(await Promise.all(pushed)).toEqual(['uploaded', 'uploaded']);
    for (const name of ['one', 'two']) expect(registry.repository(name).blobs.size).toBe(1);
  });
});

describe('a registry like hub', () => {
  it('says what is wrong when no more may be read, and still tells what a name stands for', async () => {
    await using registry = await QuirkyRegistry.start({ ...PROFILES.hub, pulls: 0, refusedPulls: Infinity });
    using client = new RegistryClient(quietOptions());
    const reference = parseReference(`${registry.host}/app:1`);
    const { descriptor } = await pushImage(client, reference);
    const error = await failure(client.manifest(reference));
    expect(error).toMatchObject({ code: 'REGISTRY_ERROR', fields: { status: 429, registryCode: 'TOOMANYREQUESTS' } });
    expect(error.message).toMatch(/too many requests: wait, or log in/);
    expect(await client.resolve(reference)).toEqual(descriptor);
  });
});

describe('the size of chunks', () => {
  it('is a choice of toRegistry', async () => {
    await using registry = await QuirkyRegistry.start('specification');
    using client = new RegistryClient(quietOptions());
    const layer = someBytes(100_000);
    const rawConfig = Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: [describeBytes(layer).digest] },
      }),
    );
    const rawManifest = makeManifest(describeBytes(rawConfig, MediaType.ociConfig), [
      describeBytes(layer, MediaType.ociLayer),
    ]);
    const image = imageOf({ rawManifest, rawConfig, openLayer: sourceOf(layer) });
    for (const [name, chunkBytes, patches] of [
      ['small', 40_000, 3],
      ['whole', Infinity, 0],
    ] as const) {
      await toRegistry(client, parseReference(`${registry.host}/${name}:1`), image, { chunkBytes });
      const of = registry.seen.filter((line) => line.startsWith(`PATCH /v2/${name}/`));
      expect(of).toHaveLength(patches);
    }
  });
});

describe.skipIf(SKIP_REGISTRY)(`a layer of 64 MiB${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let proxy: FaultProxy;
  beforeAll(async () => {
    registry = await startDockerRegistry();
    proxy = await FaultProxy.start(registry.host);
  });
  afterAll(async () => {
    await proxy.close();
    await registry.stop();
  });

  it('goes on after a cut where docker-registry has the chunks before it', async () => {
    using client = new RegistryClient(quietOptions());
    const bytes = Buffer.alloc(64 * 1024 * 1024, someBytes(1_000_003));
    proxy.script({ method: 'PATCH', skip: 5, fault: { kind: 'reset' } });
    const pushed = client.pushBlob(parseReference(`${proxy.host}/app`), describeBytes(bytes), sourceOf(bytes));
    expect(await pushed).toBe('uploaded');
    expect(proxy.pending).toBe(0);
    expect(proxy.seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
    // Eight chunks, one of them twice.
    expect(proxy.seen.filter(({ method }) => method === 'PATCH')).toHaveLength(9);
  });
});
