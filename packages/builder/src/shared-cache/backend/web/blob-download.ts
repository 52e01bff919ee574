import { type Descriptor, digestAlgorithm, OciError } from '@tsbuild/oci';
import { nodeHasher, verified } from '@tsbuild/oci/internal';

/** Interruptions in a row after which a download is given up. */
const MOST_INTERRUPTIONS = 3;

/**
 * The bytes of a blob, verified; a connection that breaks is taken up where it broke.
 * @param from asks for the bytes from an offset on
 * @throws OciError `BLOB_CORRUPT`, and what `from` throws
 */
export function downloadedBlob(
  { digest, size }: Descriptor,
  from: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
): AsyncIterable<Uint8Array> {
  return verified(resumed(from), { digest, size }, nodeHasher(digestAlgorithm(digest)));
}

async function* resumed(
  from: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let offset = 0;
  for (let interruptions = 0; ; interruptions++) {
    const chunks = await from(offset);
    try {
      for await (const chunk of chunks) {
        interruptions = 0;
        offset += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      const isCut = error instanceof OciError && /^REGISTRY_(?:INTERRUPTED|TIMEOUT)$/.test(error.code);
      if (!isCut || interruptions >= MOST_INTERRUPTIONS) throw error;
    }
  }
}
