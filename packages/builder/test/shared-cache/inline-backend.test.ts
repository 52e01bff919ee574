import {
  assembleImage,
  type Descriptor,
  type Digest,
  type ImageConfig,
  parseReference,
  sha256Digest,
} from '@tsbuild/oci';
import { hostPlatform, RegistryClient } from '@tsbuild/oci/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../../../oci/testing/docker-registry.ts';
import { inlineAnnotation } from '../../src/shared-cache/backend/hint-texts.ts';
import { InlineBackend } from '../../src/shared-cache/backend/inline/inline-backend.ts';
import { digestOfAll, type SampleBlob, sampleBlob, sampleRecord } from '../../testing/shared-records.ts';

const { signal } = new AbortController();
const INDEX = 'application/vnd.oci.image.index.v1+json';

describe.skipIf(SKIP_REGISTRY)(`an inline cache${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let client: RegistryClient;
  beforeAll(async () => {
    registry = await startDockerRegistry();
    client = new RegistryClient({ credentials: async () => undefined });
  });
  afterAll(async () => {
    client.close();
    await registry.stop();
  });

  const name = (tag: string): string => `${registry.host}/team/app:${tag}`;
  const once = (bytes: Uint8Array) =>
    async function* () {
      yield bytes;
    };
  const push = async (
    tag: string,
    layer: SampleBlob,
    options: { annotations?: Record<string, string>; more?: object },
  ) => {
    const reference = parseReference(name(tag));
    const rootfs = { type: 'layers', diff_ids: [layer.diffID] } as const;
    const config = { architecture: 'amd64', os: 'linux', rootfs, ...options.more } as ImageConfig;
    const image = assembleImage({ config, layers: [layer.blob], annotations: options.annotations ?? {} });
    const blob = (descriptor: Descriptor, bytes: Uint8Array) =>
      client.pushBlob({ ...reference, digest: descriptor.digest }, descriptor, once(bytes), {});
    await blob(layer.blob, layer.bytes);
    await blob(image.configDescriptor, image.config);
    await client.pushManifest(reference, image.manifestDescriptor, image.manifest);
    return image.manifestDescriptor;
  };
  const cacheOf = (tag: string): InlineBackend => {
    const spec = { type: 'inline', attributes: new Map([['ref', name(tag)]]) } as const;
    const own = (): RegistryClient => new RegistryClient({ credentials: async () => undefined });
    return new InlineBackend(spec, { client: own, environment: {}, directory: '/', now: Date.now });
  };
  const layer = sampleBlob('layer-a');
  const [a, b] = [sampleRecord('a', layer), sampleRecord('b')];

  it('is read from the annotations of an image, with its layers', async () => {
    const [key, value] = inlineAnnotation([a, b]);
    await push('one', layer, { annotations: { [key]: value } });
    await using backend = cacheOf('one');
    expect(await backend.hints(signal)).toEqual({ kind: 'hints', texts: [a.text, b.text] });
    expect(await backend.find(a.key, signal)).toBe(a.text);
    expect(await backend.find(sampleRecord('c').key, signal)).toBeUndefined();
    expect(await digestOfAll(backend.open(layer.blob, signal))).toBe(layer.blob.digest);
    await expect(backend.put()).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
  });

  it("is this machine's in an image for several platforms", async () => {
    const [key, value] = inlineAnnotation([a]);
    const mine = await push('mine', layer, { annotations: { [key]: value } });
    const other = await push('other', sampleBlob('layer-b'), {});
    const manifests = [
      { ...other, platform: { os: 'plan9', architecture: 'mips' } },
      { ...mine, platform: hostPlatform() },
    ];
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }));
    const digest: Digest = sha256Digest(bytes);
    await client.pushManifest(parseReference(name('index')), { mediaType: INDEX, digest, size: bytes.length }, bytes);
    await using backend = cacheOf('index');
    expect(await backend.hints(signal)).toEqual({ kind: 'hints', texts: [a.text] });
  });

  it("is none in other images, and BuildKit's is named", async () => {
    await push('plain', layer, {});
    await push('buildkit', layer, { more: { 'moby.buildkit.cache.v0': 'W10=' } });
    const found = async (tag: string) => {
      await using backend = cacheOf(tag);
      return await backend.hints(signal);
    };
    expect(await found('plain')).toEqual({ kind: 'nothing' });
    expect(await found('missing')).toEqual({ kind: 'nothing' });
    expect(await found('buildkit')).toEqual({ kind: 'foreign', what: "BuildKit's inline cache" });
  });

  it('needs a reference', () => {
    const access = { client: () => client, environment: {}, directory: '/', now: Date.now };
    expect(() => new InlineBackend({ type: 'inline', attributes: new Map() }, access)).toThrow(
      'type=inline needs ref=',
    );
  });
});
