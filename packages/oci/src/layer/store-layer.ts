import type { BlobInfo, BlobStore, BlobWriter, ExpectedBlob } from '../blob/blob-store.ts';
import { decompress, type DecompressOptions } from '../compression/compression.ts';
import { OciError } from '../spec/oci-error.ts';
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

/**
 * Stores a layer that may be compressed, from a source that fails at its end when its bytes are not those of its digest. Damaged bytes
 * are read to that end first, so that the digest is blamed and not what the damage did to a header or to the compressed data.
 * @throws OciError as the source, {@link decompress} and {@link storeLayer}; nothing is stored then
 */
export async function storePackedLayer(
  source: AsyncIterable<Uint8Array>,
  blobs: BlobStore,
  indexes: LayerIndexStore,
  expected: ExpectedBlob,
  options: DecompressOptions = {},
): Promise<BlobInfo> {
  const chunks = source[Symbol.asyncIterator]();
  // Leaving `for await` early would end the source before its check.
  const held: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: async () => await chunks.next() }),
  };
  try {
    return await storeLayer(decompress(held, options), blobs, indexes, expected);
  } catch (error) {
    if (error instanceof OciError && DAMAGE.has(error.code)) await readToTheEnd(chunks);
    throw error;
  } finally {
    await chunks.return?.();
  }
}

/** What bytes fail with that are not those that were meant. */
const DAMAGE: ReadonlySet<string> = new Set(['LAYER_INVALID', 'TAR_INVALID']);

/** @throws OciError `BLOB_CORRUPT` of the source; what else goes wrong now is not the reason */
async function readToTheEnd(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    while ((await chunks.next()).done !== true);
  } catch (error) {
    if (error instanceof OciError && error.code === 'BLOB_CORRUPT') throw error;
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
