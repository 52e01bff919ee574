import type { Descriptor } from '../spec/descriptor.ts';
import { type Digest, digestAlgorithm, sha256Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { DOCUMENT_SIZE_LIMIT } from '../spec/json-document.ts';
import type { BlobStore } from './blob-store.ts';
import { checkBlob, portableHasher } from './verify.ts';

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
  const reader = blobs.openReader(digest);
  try {
    const out = new Uint8Array(size);
    const filled = reader.read(out, 0);
    checkBlob({ digest: digestOf(out.subarray(0, filled), digest), size: reader.size }, { digest, size });
    return out;
  } finally {
    reader.close();
  }
}

/** The digest of `bytes`, by the algorithm of `digest`. */
function digestOf(bytes: Uint8Array, digest: Digest): Digest {
  if (digestAlgorithm(digest) === 'sha256') return sha256Digest(bytes);
  const hasher = portableHasher('sha512');
  hasher.update(bytes);
  return hasher.digest();
}
