import { spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MemoryBlobStore } from '../src/blob/memory.ts';
import { copyContent } from '../src/image/copy-content.ts';
import type { Descriptor } from '../src/spec/descriptor.ts';
import { sha256Digest } from '../src/spec/digest.ts';
import { assembleImage } from '../src/image/image.ts';
import type { ImageConfig } from '../src/spec/image-config.ts';
import { indexOfImages } from '../src/image/index-building.ts';
import type { MultiPlatformImage } from '../src/image/index-building.ts';
import { blobSink } from '../src/layout/layout-image.ts';
import { MediaType } from '../src/spec/media-type.ts';
import { validateImage } from '../src/validation/validate.ts';
import { validateImage as validateAnything } from '../src/validation/validate-node.ts';
import { sampleImage } from '../testing/sample-image.ts';

const plain = [Buffer.from('layer one'), Buffer.from('layer two')] as const;
const zipped = plain.map((layer) => gzipSync(layer));

async function stored(
  change: { layers?: readonly Descriptor[]; config?: Partial<ImageConfig> } = {},
): Promise<{ blobs: MemoryBlobStore; manifest: Descriptor }> {
  const blobs = new MemoryBlobStore();
  for (const bytes of [...plain, ...zipped]) await blobs.put(bytes);
  const { config, manifest, manifestDescriptor } = assembleImage({
    config: {
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: plain.map((layer) => sha256Digest(layer)) },
      history: [{ created_by: 'a' }, { created_by: 'b', empty_layer: true }, { created_by: 'c' }],
      ...change.config,
    },
    layers: change.layers ?? plain.map((layer) => of(MediaType.ociLayer, layer)),
  });
  await blobs.put(config);
  await blobs.put(manifest);
  return { blobs, manifest: manifestDescriptor };
}

function of(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: sha256Digest(bytes), size: bytes.length };
}

async function problemsOf(change: Parameters<typeof stored>[0]): Promise<readonly string[]> {
  const { blobs, manifest } = await stored(change);
  return (await validateImage(blobs, manifest)).map(({ where, message }) => `${where}: ${message}`);
}

async function toBlobs(index: MultiPlatformImage, blobs: MemoryBlobStore, without?: string): Promise<void> {
  const document: typeof index.content.document = async (descriptor) =>
    descriptor.digest === index.descriptor.digest ? index.rawIndex : index.content.document(descriptor);
  const sink = blobSink(blobs);
  await copyContent({ ...index.content, document }, index.descriptor, {
    ...sink,
    blob: async (descriptor, open) => (descriptor.digest === without ? undefined : sink.blob(descriptor, open)),
  });
}

describe('validateImage()', () => {
  it('finds nothing wrong with sound images, plain or gzip', async () => {
    expect(await problemsOf({})).toEqual([]);
    expect(await problemsOf({ layers: zipped.map((layer) => of(MediaType.dockerLayerGzip, layer)) })).toEqual([]);
  });

  it('collects every problem', async () => {
    const problems = await problemsOf({
      layers: [
        of(MediaType.ociLayer, plain[1]),
        of('text/plain', plain[0]),
        of(MediaType.ociLayer, Buffer.from('gone')),
      ],
      config: { history: [], architecture: '' },
    });
    expect(problems).toEqual([
      'config: rootfs.diff_ids lists 2 layers, the manifest 3',
      'config: the history has 0 entries with a layer, but there are 2 layers',
      'config: the architecture is missing',
      expect.stringMatching(/^layers\[0\]: its digest is .* but the config's diffID is/),
      'layers[1]: the media type text/plain is not the type of a layer',
      expect.stringMatching(/^layers\[2\]: blob .* is not in the store/),
    ]);
  });

  it('checks the uncompressed digest of gzip layers', async () => {
    const swapped = zipped.toReversed().map((layer) => of(MediaType.ociLayerGzip, layer));
    expect(await problemsOf({ layers: swapped })).toEqual([
      expect.stringMatching(/^layers\[0\]: its uncompressed digest is/),
      expect.stringMatching(/^layers\[1\]: its uncompressed digest is/),
    ]);
    const notGzip = plain.map((layer) => of(MediaType.ociLayerGzip, layer));
    expect(await problemsOf({ layers: notGzip })).toEqual([
      expect.stringMatching(/^layers\[0\]: the gzip stream is damaged/),
      expect.stringMatching(/^layers\[1\]: the gzip stream is damaged/),
    ]);
  });

  it('takes an image value and an index with all its images', async () => {
    const image = await sampleImage([[{ name: 'a', content: 'a' }]]);
    const arm = await sampleImage([[{ name: 'a', content: 'b' }]], {
      platform: { os: 'linux', architecture: 'arm64' },
    });
    expect(await validateImage(image)).toEqual([]);
    const index = indexOfImages([image, arm]);
    expect(await validateImage(index)).toEqual([]);
    const whole = new MemoryBlobStore();
    await toBlobs(index, whole);
    expect(await validateImage(whole, index.descriptor)).toEqual([]);
    const broken = new MemoryBlobStore();
    await toBlobs(index, broken, arm.layers[0]?.descriptor.digest);
    for (const layers of [true, false]) {
      expect(await validateImage(broken, index.descriptor, { layers })).toMatchObject([
        { where: 'linux/arm64: layers[0]', message: expect.stringContaining('not in the store') },
      ]);
    }
  });

  it.skipIf(spawnSync('zstd', ['--version']).error !== undefined)(
    'knows zstd in the Node entry (needs zstd)',
    async () => {
      const tar = [{ name: 'a', content: 'a' }];
      const image = await sampleImage([tar], { compression: 'zstd' });
      expect(await validateAnything(image)).toEqual([]);
      expect(await validateImage(image)).toMatchObject([{ message: expect.stringContaining('zstd') }]);
      const other = await sampleImage([[{ name: 'b', content: 'b' }]], { compression: 'zstd' });
      const swapped = { ...image, rawManifest: other.rawManifest, descriptor: other.descriptor };
      expect(await validateAnything({ ...swapped, layers: other.layers })).not.toEqual([]);
    },
  );

  it('checks sizes and the manifest itself', async () => {
    const layer = of(MediaType.ociLayer, plain[0]);
    expect(await problemsOf({ layers: [{ ...layer, size: 1 }, of(MediaType.ociLayer, plain[1])] })).toEqual([
      expect.stringMatching(/^layers\[0\]: blob .* it has 9 bytes instead of 1/),
    ]);
    const { blobs, manifest } = await stored();
    expect(await validateImage(blobs, { ...manifest, size: 3 })).toMatchObject([{ where: 'manifest' }]);
    expect(await validateImage(blobs, { ...manifest, digest: sha256Digest('x') })).toMatchObject([
      { where: 'manifest' },
    ]);
    expect(await validateImage(blobs, { ...manifest, mediaType: 'text/plain' })).toMatchObject([
      { message: expect.stringContaining('text/plain') },
    ]);
  });
});
