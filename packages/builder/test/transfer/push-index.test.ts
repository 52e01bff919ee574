import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encodeImageConfig,
  formatPlatform,
  MediaType,
  parsePlatform,
  parseReference,
  sha256Digest,
  type Digest,
} from '@tsbuild/oci';
import {
  hostPlatform,
  type ImageContent,
  indexFromRegistry,
  RegistryClient,
  type RegistryOptions,
} from '@tsbuild/oci/node';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../../../oci/testing/docker-registry.ts';
import { makeTar } from '../../../oci/testing/make-tar.ts';
import { pullImage } from '../../src/transfer/pull.ts';
import { pushImage } from '../../src/transfer/push.ts';
import { silentReporter } from '../../src/progress/reporter.ts';
import { StoreSource } from '../../src/source/store-source.ts';
import { Store } from '../../src/store/store.ts';

const signal = new AbortController().signal;
const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/s390x'];
const freshStore = async (): Promise<Store> => Store.open(await mkdtemp(join(tmpdir(), 'tsbuild-push-index-')));

async function imageFor(store: Store, platform: string): Promise<ImageContent> {
  const layers = [];
  for (const content of ['shared', platform]) {
    const bytes = makeTar([{ name: content.replace('/', '-'), content, mode: 0o644 }]);
    layers.push({ mediaType: MediaType.ociLayer, ...(await store.layout.blobs.put(bytes)) });
  }
  const config = encodeImageConfig({
    ...parsePlatform(platform),
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  });
  return { config, layers, annotations: { for: platform } };
}

describe.skipIf(SKIP_REGISTRY)(`indexes and a real registry${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let options: RegistryOptions;
  let publisher: Store;
  let stored: Digest;
  let client: RegistryClient;
  const transfer = (store: Store) => ({ store, registry: options, reporter: silentReporter, signal });
  const at = (name: string) => `${registry.host}/${name}`;
  const documentOf = async (name: string) => (await client.manifest(parseReference(at(name)))).bytes;

  beforeAll(async () => {
    registry = await startDockerRegistry();
    options = { environment: {} };
    client = new RegistryClient(options);
    publisher = await freshStore();
    const members = [];
    for (const platform of PLATFORMS) members.push({ manifest: await imageFor(publisher, platform) });
    const { descriptor } = await publisher.layout.addIndex({ members, annotations: { a: 'index' } }, [
      parseReference(at('app:1')),
    ]);
    stored = descriptor.digest;
  });
  afterAll(async () => {
    client?.close();
    await registry?.stop();
  });

  it('pushes an index with all its images, and pulls the same index', async () => {
    const pushed = await pushImage(at('app:1'), transfer(publisher));
    expect(sha256Digest(await documentOf('app:1'))).toBe(pushed.digest);
    const index = await indexFromRegistry(client, parseReference(at('app:1')));
    expect(index.index.annotations).toEqual({ a: 'index' });
    expect(index.index.manifests.map(({ platform }) => platform && formatPlatform(platform))).toEqual(PLATFORMS);
    const store = await freshStore();
    const pulled = await pullImage(at('app:1'), { ...transfer(store), platforms: 'all' });
    expect(pulled).toMatchObject({ digest: pushed.digest, upToDate: false });
    const found = await store.layout.resolve(at('app:1'));
    // The store's own form, with plain layers, is the publisher's.
    expect(found.index?.descriptor.digest).toBe(stored);
    expect((await store.layout.members(found)).map(({ config }) => config.architecture)).toEqual([
      'amd64',
      'arm64',
      's390x',
    ]);
    expect(await pullImage(at('app:1'), { ...transfer(store), platforms: 'all' })).toMatchObject({ upToDate: true });
    for (const from of [store, publisher]) {
      const again = await pushImage(at('app:1'), { ...transfer(from), as: at('copy:2') });
      expect(again.digest).toBe(pushed.digest);
    }
    const source = new StoreSource(store.layout);
    expect((await source.resolve(at('app:1'), parsePlatform('linux/arm64')))?.config.architecture).toBe('arm64');
    expect(await source.resolve(at('app:1'), parsePlatform('linux/riscv64'))).toBe(undefined);
  });

  it('keeps the bytes of a foreign index, and its attestations', async () => {
    const own = await indexFromRegistry(client, parseReference(at('app:1')));
    const [first] = own.index.manifests;
    if (first === undefined) throw new Error('an image');
    const statement = Buffer.from('{"_type":"https://in-toto.io/Statement/v0.1"}');
    const put = async (bytes: Buffer) => {
      const blob = { mediaType: MediaType.ociLayer, digest: sha256Digest(bytes), size: bytes.length };
      await client.pushBlob({ ...parseReference(at('app')), digest: blob.digest }, blob, async function* () {
        yield bytes;
      });
      return blob;
    };
    const attestation = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MediaType.ociManifest,
        config: { ...(await put(Buffer.from('{"architecture":"unknown"}'))), mediaType: MediaType.ociConfig },
        layers: [{ ...(await put(statement)), mediaType: 'application/vnd.in-toto+json' }],
      }),
    );
    const entry = { mediaType: MediaType.ociManifest, digest: sha256Digest(attestation), size: attestation.length };
    await client.pushManifest({ ...parseReference(at('app')), digest: entry.digest }, entry, attestation);
    const annotations = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': first.digest,
    };
    const unknown = { os: 'unknown', architecture: 'unknown' };
    const raw = Buffer.from(
      JSON.stringify(
        {
          mediaType: MediaType.ociIndex,
          schemaVersion: 2,
          'x-foreign': 1,
          manifests: [...own.index.manifests, { ...entry, annotations, platform: unknown }],
        },
        null,
        3,
      ),
    );
    const descriptor = { mediaType: MediaType.ociIndex, digest: sha256Digest(raw), size: raw.length };
    await client.pushManifest(parseReference(at('app:foreign')), descriptor, raw);

    const store = await freshStore();
    const pulled = await pullImage(at('app:foreign'), { ...transfer(store), platforms: 'all' });
    expect(pulled.digest).toBe(descriptor.digest);
    const found = await store.layout.resolve(at('app:foreign'));
    const index = await store.layout.index(found);
    const [stays] = index?.images ?? [];
    expect(index?.index.manifests.at(-1)?.annotations?.['vnd.docker.reference.digest']).toBe(stays?.manifest.digest);
    const collected = await store.collect();
    expect(collected.deleted).toEqual([]);
    const pushed = await pushImage(at('app:foreign'), { ...transfer(store), as: at('other/copy:1') });
    expect(pushed.digest).toBe(descriptor.digest);
    expect(Buffer.from(await documentOf('other/copy:1'))).toEqual(raw);
    expect(await client.manifest({ ...parseReference(at('other/copy')), digest: entry.digest })).toBeDefined();
  });

  it('pulls a part of an index, whose push takes the rest from where it is', async () => {
    const store = await freshStore();
    const pulled = await pullImage(at('app:1'), { ...transfer(store), platforms: ['linux/arm64'] });
    const found = await store.layout.resolve(at('app:1'));
    expect(found.config.architecture).toBe('arm64');
    expect(await store.layout.members(found)).toHaveLength(1);
    const pushed = await pushImage(at('app:1'), { ...transfer(store), as: at('part/copy:1') });
    expect(pushed.digest).toBe(pulled.digest);
    const whole = await pullImage(at('part/copy:1'), { ...transfer(await freshStore()), platforms: 'all' });
    expect(whole.image.index?.descriptor.digest).toBe(stored);
  });

  it('says what is missing where the rest is nowhere', async () => {
    const store = await freshStore();
    const image = await store.layout.addUnlisted(await imageFor(store, 'linux/amd64'));
    const absent = { mediaType: MediaType.ociManifest, digest: sha256Digest('absent'), size: 6 };
    await store.layout.addIndex(
      {
        isForeign: true,
        members: [{ manifest: image.manifest }, { manifest: absent, platform: parsePlatform('linux/ppc64le') }],
      },
      [parseReference('partial')],
    );
    await expect(pushImage('partial', { ...transfer(store), as: at('partial:1') })).rejects.toMatchObject({
      code: 'PLATFORM_INVALID',
      message: expect.stringContaining('its image for linux/ppc64le is neither in the store nor in the registry'),
    });
    const platform = parsePlatform('linux/amd64');
    const pushed = await pushImage('partial', { ...transfer(store), as: at('partial:1'), platform });
    expect((await pullImage(at('partial:1'), transfer(await freshStore()))).digest).toBe(pushed.digest);
  });

  it('takes an image for one platform where all are asked for, and refuses what is not there', async () => {
    const store = await freshStore();
    await pushImage(at('app:1'), { ...transfer(publisher), as: at('one:1'), platform: hostPlatform() });
    const { image } = await pullImage(at('one:1'), { ...transfer(store), platforms: 'all' });
    expect(image.index).toBe(undefined);
    const asked = pullImage(at('app:1'), { ...transfer(store), platforms: ['linux/arm64', 'linux/mips'] });
    await expect(asked).rejects.toMatchObject({
      code: 'PLATFORM_INVALID',
      message: 'there is no image for linux/mips; available: linux/amd64, linux/arm64, linux/s390x',
    });
  });
});
