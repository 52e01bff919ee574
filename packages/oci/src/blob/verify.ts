import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import type { BlobInfo, ExpectedBlob } from './blob-store.ts';

/** A running digest over bytes. */
export interface Hasher {
  update(chunk: Uint8Array): void;
  /** Ends it; call once. */
  digest(): Digest;
}

/** A hasher without `node:crypto`, for browsers; an order of magnitude slower than that. */
export function portableHasher(algorithm: 'sha256' | 'sha512'): Hasher {
  const hash = algorithm === 'sha256' ? sha256.create() : sha512.create();
  return {
    update: (chunk) => void hash.update(chunk),
    digest: () => `${algorithm}:${bytesToHex(hash.digest())}`,
  };
}

/**
 * Passes the bytes of a blob on and checks them: never yields more than `expected.size` bytes, and fails at the end when
 * size or digest differ. What was yielded before the end must not be acted upon until then.
 * @throws OciError `BLOB_CORRUPT`
 */
export async function* verified(
  source: AsyncIterable<Uint8Array>,
  expected: BlobInfo,
  hasher: Hasher,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > expected.size) break;
    hasher.update(chunk);
    yield chunk;
  }
  if (size > expected.size) {
    throw corrupt(expected.digest, `it is longer than ${expected.size} bytes`);
  }
  checkBlob({ digest: hasher.digest(), size }, expected);
}

/** Compares what was read or written with what it should be; `host` for what it sent. @throws OciError `BLOB_CORRUPT` */
export function checkBlob(actual: BlobInfo, expected: ExpectedBlob, host?: string): void {
  const name = expected.digest ?? actual.digest;
  if (expected.size !== undefined && actual.size !== expected.size) {
    throw corrupt(name, `it has ${actual.size} bytes instead of ${expected.size}`, host);
  }
  if (expected.digest !== undefined && actual.digest !== expected.digest) {
    throw corrupt(name, `its content has the digest ${actual.digest}`, host);
  }
}

/** The error for a blob that is not what its name says; `host` when that sent it. */
export function corrupt(digest: Digest, why: string, host?: string): OciError {
  const from = host === undefined ? '' : ` as ${host} sends it`;
  const fields = { digest, ...(host !== undefined && { host }) };
  return new OciError('BLOB_CORRUPT', `blob ${digest} is corrupt${from}: ${why}`, { fields });
}

/** The error for a blob that is not there. */
export function notFound(digest: Digest): OciError {
  return new OciError('BLOB_NOT_FOUND', `blob ${digest} is not in the store`, { fields: { digest } });
}
