import type { BlobInfo, BlobStore, BlobWriter, ExpectedBlob } from '../blob/blob-store.ts';
import type { LayerIndexStore } from './layer-index-store.ts';
import { indexLayer } from './read-layer.ts';

/**
 * Stores an uncompressed layer that comes from elsewhere, and its index, in one pass: what is no layer, or a hostile one,
 * shows now and not at the first build on it.
 * `lowest`: nothing lies below, as below a root filesystem; its hard links mean its own files.
 * @throws OciError as `indexLayer` and `BlobStore.put`; nothing is stored then
 */
export async function storeLayer(
  source: AsyncIterable<Uint8Array>,
  blobs: BlobStore,
  indexes: LayerIndexStore,
  { lowest = false, ...expected }: ExpectedBlob & { readonly lowest?: boolean } = {},
): Promise<BlobInfo> {
  const writer = await blobs.create();
  try {
    // The reader reads to the very end, so every byte passes the writer.
    const { index } = await indexLayer(copying(source, writer), { lowest });
    const info = await writer.commit(expected);
    await indexes.put(info.digest, index);
    return info;
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

async function* copying(
  source: AsyncIterable<Uint8Array>,
  writer: BlobWriter,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    writer.write(chunk);
    yield chunk;
  }
}
