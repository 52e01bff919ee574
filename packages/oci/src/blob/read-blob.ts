import type { Descriptor } from '../descriptor.ts';
import { OciError } from '../errors.ts';
import { DOCUMENT_SIZE_LIMIT } from '../json-document.ts';
import type { BlobStore } from './blob-store.ts';
import { checkBlob } from './verify.ts';

/**
 * Reads a small blob (a manifest, a config) whole and verified.
 * @throws OciError `BLOB_NOT_FOUND`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED`
 */
export async function readBlob(
  blobs: BlobStore,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  limit = DOCUMENT_SIZE_LIMIT,
): Promise<Uint8Array> {
  // The descriptor is what was promised; a larger blob behind it must not fill the memory before that shows.
  if (size > limit) {
    throw new OciError('LIMIT_EXCEEDED', `blob ${digest} has ${size} bytes, the limit for a document is ${limit}`);
  }
  const out = new Uint8Array(size);
  let at = 0;
  for await (const chunk of blobs.open(digest)) {
    if (at + chunk.length <= size) out.set(chunk, at);
    at += chunk.length;
    if (at > limit) break;
  }
  checkBlob({ digest, size: at }, { digest, size });
  return out;
}
