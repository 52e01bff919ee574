import { beforeAll, describe, expect, it } from 'vitest';
import type { JsonValue } from '../src/spec/canonical-json.ts';
import { sha256Digest } from '../src/spec/digest.ts';
import { imageOf } from '../src/image/image-value.ts';
import type { Image, ImageLayer } from '../src/image/image-value.ts';
import { withMediaTypes } from '../src/image/media-type-family.ts';
import { MediaType } from '../src/spec/media-type.ts';
import {
  appendLayers,
  withAnnotations,
  withConfig,
  withCreated,
  withLabels,
  withPlatform,
} from '../src/image/mutate.ts';
import { rebase } from '../src/image/rebase.ts';
import { dockerDocuments, sampleImage, sampleLayer } from '../testing/sample-image.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const parsed = (bytes: Uint8Array): Record<string, JsonValue> => JSON.parse(text(bytes)) as Record<string, JsonValue>;

let layers: readonly ImageLayer[];
let docker: Image;

beforeAll(async () => {
  layers = [await sampleLayer([{ name: 'a', content: 'a' }]), await sampleLayer([{ name: 'b', content: 'b' }])];
  const documents = dockerDocuments(layers);
  const rawConfig = new TextEncoder().encode(documents.config);
  const manifest = documents.manifestOf({ digest: sha256Digest(rawConfig), size: rawConfig.length });
  docker = imageOf({
    rawManifest: new TextEncoder().encode(manifest),
    rawConfig,
    openLayer: () => {
      throw new Error('nothing is to be read');
    },
  });
});

describe('a change', () => {
  it('that changes nothing gives the very image', () => {
    expect(withLabels(docker, {})).toBe(docker);
    expect(withConfig(docker, {})).toBe(docker);
    expect(withAnnotations(docker, {})).toBe(docker);
    expect(appendLayers(docker, [])).toBe(docker);
    expect(withMediaTypes(docker, 'docker')).toBe(docker);
  });

  it('of annotations leaves the config and its digest alone', () => {
    const image = withAnnotations(docker, { 'org.example': 'yes' });
    expect(image.rawConfig).toBe(docker.rawConfig);
    expect(image.manifest.annotations).toEqual({ 'org.example': 'yes' });
    expect(withAnnotations(image, { 'org.example': undefined }).descriptor.digest).toBe(docker.descriptor.digest);
  });

  it('of labels keeps what nobody here knows, to the character', () => {
    const image = withLabels(docker, { maintainer: 'me', '9': undefined });
    expect(image.config.config?.Labels).toEqual({ '10': 'ten', maintainer: 'me' });
    const config = text(image.rawConfig);
    expect(config).toContain('"Serial": 12345678901234567890');
    expect(config).toContain('"Unknown":1.50');
    expect(config).toContain('"9":1,"10":2');
    expect(config).toContain('{"created":"2020-01-01T00:00:00Z","x-step": 1.0}');
    const manifest = parsed(image.rawManifest);
    expect(manifest).toMatchObject({
      'x-manifest': ['kept'],
      config: { 'x-config': 1, mediaType: MediaType.dockerConfig },
    });
    expect(manifest['layers']).toEqual(parsed(docker.rawManifest)['layers']);
    expect(image.layers).toEqual(docker.layers);
    expect(image.manifest.config.digest).toBe(sha256Digest(image.rawConfig));
    expect(image.descriptor).toEqual({
      mediaType: MediaType.dockerManifest,
      digest: sha256Digest(image.rawManifest),
      size: image.rawManifest.length,
    });
  });

  it('of the container config sets and takes away', () => {
    const image = withConfig(docker, { User: 'app', Cmd: undefined });
    expect(image.config.config).toMatchObject({ User: 'app', Labels: { '9': 'nine' } });
    expect(image.config.config).not.toHaveProperty('Cmd');
  });

  it('of the time reaches every step of the history', () => {
    const image = withCreated(docker, new Date(0));
    expect(image.config.created).toBe('1970-01-01T00:00:00.000Z');
    expect(image.config.history?.map(({ created }) => created)).toEqual(Array(2).fill('1970-01-01T00:00:00.000Z'));
    expect(text(image.rawConfig)).toContain('"x-step":1.0');
    expect(withCreated(docker, '2021-02-03T04:05:06.123456789Z').config.created).toBe('2021-02-03T04:05:06.123456789Z');
  });

  it('of the platform takes the old variant away', () => {
    const arm = withPlatform(docker, { os: 'linux', architecture: 'arm', variant: 'v7' });
    expect(arm.config).toMatchObject({ architecture: 'arm', variant: 'v7' });
    expect(withPlatform(arm, { os: 'linux', architecture: 'amd64' }).config).not.toHaveProperty('variant');
  });

  it('of the media types changes types only, there and back', () => {
    const oci = withMediaTypes(docker, 'oci');
    expect(oci.manifest.mediaType).toBe(MediaType.ociManifest);
    expect(oci.manifest.config).toEqual({ ...docker.manifest.config, mediaType: MediaType.ociConfig });
    expect(oci.manifest.layers.map(({ mediaType }) => mediaType)).toEqual(Array(2).fill(MediaType.ociLayerGzip));
    expect(oci.rawConfig).toBe(docker.rawConfig);
    expect(withMediaTypes(oci, 'docker').manifest).toEqual(docker.manifest);
    const odd = {
      ...docker.layers[0],
      descriptor: { ...layers[0]?.descriptor, mediaType: 'application/x-odd' },
    } as ImageLayer;
    expect(() => withMediaTypes({ ...docker, layers: [odd] }, 'oci')).toThrow(/application\/x-odd has no counterpart/);
  });
});

describe('appendLayers', () => {
  it('adds descriptor, diffID and a step each', async () => {
    const layer = await sampleLayer([{ name: 'c', content: 'c' }]);
    const image = appendLayers(docker, [{ layer, history: { created_by: 'ADD c' } }]);
    expect(image.layers).toEqual([...docker.layers, layer]);
    expect(image.config.rootfs.diff_ids).toEqual([...docker.config.rootfs.diff_ids, layer.diffID]);
    expect(image.config.history?.at(-1)).toEqual({ created_by: 'ADD c' });
    expect(image.config.history).toHaveLength(3);
    expect(text(image.rawConfig)).toContain('"extra":true');
  });

  it('makes up steps for layers that no history speaks of', async () => {
    const bare = { ...docker.config, history: undefined };
    const { config, ...rest } = await sampleImage([[{ name: 'x' }]]);
    const { history: _, ...without } = config;
    const rawConfig = new TextEncoder().encode(JSON.stringify(without));
    const rawManifest = new TextEncoder().encode(
      JSON.stringify({
        ...rest.manifest,
        config: { ...rest.manifest.config, digest: sha256Digest(rawConfig), size: rawConfig.length },
      }),
    );
    const image = imageOf({ rawManifest, rawConfig, openLayer: () => rest.layers[0]?.open() ?? fail() });
    const more = appendLayers(image, [{ layer: await sampleLayer([{ name: 'y' }]) }]);
    expect(more.config.history).toEqual([{}, {}]);
    expect(bare.history).toBeUndefined();
  });
});

describe('rebase', () => {
  const member = (name: string) => [{ name, content: name }];

  it('exchanges the layers and the steps of the base', async () => {
    const oldBase = await sampleImage([member('base')]);
    const image = appendLayers(withLabels(oldBase, { app: '1' }), [
      { layer: await sampleLayer(member('app')), history: { created_by: 'COPY app' } },
    ]);
    const newBase = withMediaTypes(
      withCreated(await sampleImage([member('new'), member('newer')]), '2025-01-01T00:00:00Z'),
      'docker',
    );
    const result = rebase(image, oldBase, newBase);
    expect(result.layers.map(({ diffID }) => diffID)).toEqual(
      [...newBase.layers, ...image.layers.slice(1)].map(({ diffID }) => diffID),
    );
    expect(new Set(result.manifest.layers.map(({ mediaType }) => mediaType))).toEqual(
      new Set([MediaType.ociLayerGzip]),
    );
    expect(result.config.history).toEqual([...(newBase.config.history ?? []), { created_by: 'COPY app' }]);
    expect(result.config.config?.Labels).toEqual({ app: '1' });
  });

  it('refuses another base and another platform', async () => {
    const oldBase = await sampleImage([member('base')]);
    const other = await sampleImage([member('other')]);
    const image = appendLayers(oldBase, [{ layer: await sampleLayer(member('app')) }]);
    expect(() => rebase(image, other, oldBase)).toThrow(/not made from the old base: its layer 0 is sha256/);
    expect(() => rebase(oldBase, image, other)).toThrow(/the image has no such layer/);
    const arm = withPlatform(other, { os: 'linux', architecture: 'arm64' });
    expect(() => rebase(image, oldBase, arm)).toThrow(/the image is for linux\/amd64, the new base for linux\/arm64/);
  });
});

function fail(): never {
  throw new Error('no layer');
}
