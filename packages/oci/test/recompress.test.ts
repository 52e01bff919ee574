import { describe, expect, it } from 'vitest';
import { MemoryBlobStore } from '../src/blob/memory.ts';
import { contentOf } from '../src/image/content-source.ts';
import { copyContent } from '../src/image/copy-content.ts';
import { blobSink } from '../src/layout/layout-image.ts';
import { withMediaTypes } from '../src/image/media-type-family.ts';
import { MediaType } from '../src/spec/media-type.ts';
import { appendLayers } from '../src/image/mutate.ts';
import { withCompression } from '../src/image/recompress.ts';
import { validateImage } from '../src/validation/validate.ts';
import { sampleImage, sampleLayer } from '../testing/sample-image.ts';

describe('withCompression', () => {
  it('packs what is not packed so, and keeps the image ID', async () => {
    const plain = await sampleImage([[{ name: 'a', content: 'a'.repeat(9000) }]], { compression: 'none' });
    const image = appendLayers(plain, [{ layer: await sampleLayer([{ name: 'b' }]) }]);
    const blobs = new MemoryBlobStore();
    const packed = await withCompression(image, 'gzip', blobs);
    expect(packed.layers[1]).toBe(image.layers[1]);
    expect(packed.layers.map(({ descriptor }) => descriptor.mediaType)).toEqual(Array(2).fill(MediaType.ociLayerGzip));
    expect(packed.rawConfig).toBe(image.rawConfig);
    expect(await withCompression(packed, 'gzip', blobs)).toBe(packed);
    await copyContent(contentOf(packed), packed.descriptor, blobSink(blobs));
    expect(await validateImage(blobs, packed.descriptor)).toEqual([]);
    const docker = await withCompression(withMediaTypes(packed, 'docker'), 'none', blobs);
    expect(docker.layers.map(({ descriptor }) => descriptor.mediaType)).toEqual(Array(2).fill(MediaType.dockerLayer));
    expect(docker.layers.map(({ descriptor }) => descriptor.digest)).toEqual(image.config.rootfs.diff_ids);
  });

  it('refuses a layer that is not what the config says, and stays within limits', async () => {
    const [image, other] = [await sampleImage([[{ name: 'a' }]]), await sampleLayer([{ name: 'b' }])];
    const wrong = { ...image, layers: image.layers.map((layer) => ({ ...layer, open: other.open })) };
    await expect(withCompression(wrong, 'none', new MemoryBlobStore())).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    await expect(withCompression(image, 'none', new MemoryBlobStore(), { maxBytes: 9 })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
  });
});
