import { describe, expect, it } from 'vitest';
import { MemoryBlobStore } from '../src/blob/memory.ts';
import { blobContent, contentOf, fromBlobs } from '../src/image/content-source.ts';
import type { ContentSource } from '../src/image/content-source.ts';
import { copyContent } from '../src/image/copy-content.ts';
import type { Image } from '../src/image/image-value.ts';
import { indexOf, indexOfImages } from '../src/image/index-building.ts';
import { blobSink } from '../src/layout/layout-image.ts';
import { sampleImage } from '../testing/sample-image.ts';

const members = (text: string) => [{ name: text, content: text.repeat(1000) }];
const sample = (): Promise<Image> => sampleImage([members('a'), members('b')]);

describe('copyContent', () => {
  it('ends with the first failure and names nothing that is not there', async () => {
    const image = await sample();
    const blobs = new MemoryBlobStore();
    const broken = {
      ...image,
      layers: image.layers.map((layer, i) => (i === 1 ? { ...layer, open: () => failing() } : layer)),
    };
    await expect(copyContent(contentOf(broken), image.descriptor, blobSink(blobs))).rejects.toThrow('medium broke');
    await expect(fromBlobs(blobs, image.descriptor)).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
  });

  it('opens no blob that is there', async () => {
    const image = await sample();
    const blobs = new MemoryBlobStore();
    await copyContent(contentOf(image), image.descriptor, blobSink(blobs));
    const closed = { ...image, layers: image.layers.map((layer) => ({ ...layer, open: never })) };
    await copyContent(contentOf(closed), image.descriptor, blobSink(blobs));
    expect((await fromBlobs(blobs, image.descriptor)).rawConfig).toEqual(image.rawConfig);
  });

  it('takes an index that names blobs, as the cache that BuildKit exports does', async () => {
    const from = new MemoryBlobStore();
    const [layer, config] = [new TextEncoder().encode('layer'), new TextEncoder().encode('{}')];
    const entries = [
      { mediaType: 'application/vnd.oci.image.layer.v1.tar', ...(await from.put(layer)) },
      { mediaType: 'application/vnd.buildkit.cacheconfig.v0', ...(await from.put(config)) },
    ];
    const root = await from.put(new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, manifests: entries })));
    const to = new MemoryBlobStore();
    await copyContent(
      blobContent(from),
      { mediaType: 'application/vnd.oci.image.index.v1+json', ...root },
      blobSink(to),
    );
    for (const { digest, size } of [...entries, root]) expect(await to.has(digest)).toMatchObject({ size });
  });

  it('stops when it is told', async () => {
    const image = await sample();
    const options = { signal: AbortSignal.abort() };
    await expect(
      copyContent(contentOf(image), image.descriptor, blobSink(new MemoryBlobStore()), options),
    ).rejects.toThrow(/abort/);
  });

  it('refuses indexes that lead on for ever', async () => {
    let index = indexOfImages([await sample()]);
    for (let depth = 0; depth < 6; depth++) {
      const { content, descriptor, rawIndex } = index;
      const document: ContentSource['document'] = async (wanted) =>
        wanted.digest === descriptor.digest ? rawIndex : content.document(wanted);
      const text = JSON.stringify({ schemaVersion: 2, manifests: [descriptor] });
      index = indexOf(new TextEncoder().encode(text), { ...content, document });
    }
    const { content, descriptor, rawIndex } = index;
    const document: ContentSource['document'] = async (wanted) =>
      wanted.digest === descriptor.digest ? rawIndex : content.document(wanted);
    const copy = copyContent({ ...content, document }, descriptor, blobSink(new MemoryBlobStore()));
    await expect(copy).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

async function* failing(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(1);
  throw new Error('medium broke');
}

function never(): never {
  throw new Error('this is not to be read');
}
