import type { BlobStore } from '../src/blob/blob-store.ts';
import { MemoryBlobStore } from '../src/blob/memory.ts';
import type { ContainerConfig } from '../src/spec/image-config.ts';
import type { Image, ImageLayer } from '../src/image/image-value.ts';
import { emptyImage } from '../src/image/image-value.ts';
import { compressLayer } from '../src/compression/compress.ts';
import { MediaType } from '../src/spec/media-type.ts';
import type { LayerCompression } from '../src/spec/media-type.ts';
import { appendLayers, withConfig, withCreated } from '../src/image/mutate.ts';
import type { Platform } from '../src/spec/platform.ts';
import { chunked, makeTar } from './make-tar.ts';
import type { RawMember } from './make-tar.ts';

/** What an image for tests is to be like. */
export interface SampleOptions {
  readonly blobs?: BlobStore;
  readonly compression?: LayerCompression;
  readonly platform?: Platform;
  readonly config?: ContainerConfig;
}

/** An image whose layers hold these members or bytes, in a blob store in memory unless another is given. */
export async function sampleImage(
  layers: readonly (Uint8Array | readonly RawMember[])[],
  options: SampleOptions = {},
): Promise<Image> {
  const additions: { layer: ImageLayer; history: { created_by: string } }[] = [];
  for (const [i, layer] of layers.entries()) {
    additions.push({ layer: await sampleLayer(layer, options), history: { created_by: `COPY ${i}` } });
  }
  const base = emptyImage(options.platform ?? { os: 'linux', architecture: 'amd64' });
  const image = withConfig(appendLayers(base, additions), options.config ?? { Cmd: ['/bin/app'] });
  return withCreated(image, '2024-01-02T03:04:05Z');
}

/** A layer value of these members or bytes. */
export async function sampleLayer(
  layer: Uint8Array | readonly RawMember[],
  options: SampleOptions = {},
): Promise<ImageLayer> {
  const blobs = options.blobs ?? new MemoryBlobStore();
  const bytes = layer instanceof Uint8Array ? layer : makeTar(layer);
  const compressed = await compressLayer(chunked(bytes), options.compression ?? 'gzip', await blobs.create());
  const { descriptor, diffID } = compressed;
  return { descriptor, diffID, open: () => blobs.open(descriptor.digest) };
}

/** An image in the words of old engines: Docker's media types, a config with members that nobody here knows. */
export function dockerDocuments(layers: readonly ImageLayer[]): {
  config: string;
  manifestOf: (config: object) => string;
} {
  const diffIds = layers.map(({ diffID }) => JSON.stringify(diffID)).join(', ');
  return {
    // Blanks, order and great numbers are on purpose.
    config: `{ "os":"linux",  "architecture":"amd64", "docker_version":"1.2", "9": 1, "10": 2,
  "container_config": {"Serial": 12345678901234567890, "Cmd": null},
  "config": {"Labels": {"9":"nine","10":"ten"}, "Unknown": 1.50, "Cmd": ["sh"]},
  "history": [${layers.map((_, i) => `{"created":"2020-01-01T00:00:00Z","x-step": ${i}.0}`).join(',')}],
  "rootfs": {"type":"layers","diff_ids":[${diffIds}], "extra": true} }`,
    manifestOf: (config) =>
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MediaType.dockerManifest,
        config: { mediaType: MediaType.dockerConfig, ...config, 'x-config': 1 },
        layers: layers.map(({ descriptor }) => ({
          ...descriptor,
          mediaType: MediaType.dockerLayerGzip,
          'x-layer': 'kept',
        })),
        'x-manifest': ['kept'],
      }),
  };
}
