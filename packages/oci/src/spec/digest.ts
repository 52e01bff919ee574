import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { OciError } from './oci-error.ts';

/** A content digest as the OCI image-spec writes it (descriptor.md, "Digests"): `algorithm:lowercase-hex`. */
export type Digest = `sha256:${string}` | `sha512:${string}`;

const PATTERN = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** True when `text` is a well-formed digest of a registered algorithm. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && PATTERN.test(text);
}

/** image-spec descriptor.md, "Digests"; no part of it can lead anywhere as a file name. */
const GRAMMAR = /^(?!sha(?:256|512):)[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+$/;

/**
 * True for a digest whose algorithm nobody here knows but that follows the grammar: it may be passed on in documents, but
 * nothing can be checked against it.
 */
export function isForeignDigest(text: unknown): text is Digest {
  return typeof text === 'string' && GRAMMAR.test(text);
}

/**
 * Checks `text` and returns it as a {@link Digest}. Strict on purpose: a digest becomes a file name in a layout, so
 * `sha256:../../x` must never pass (CVE-2024-3727).
 * @throws OciError `DIGEST_INVALID`
 */
export function parseDigest(text: unknown): Digest {
  if (isDigest(text)) return text;
  throw new OciError(
    'DIGEST_INVALID',
    `invalid digest ${JSON.stringify(text)}: expected sha256: and 64 lower-case hexadecimal digits`,
  );
}

/** The algorithm part of a digest. @throws OciError `UNSUPPORTED` for one that nobody here knows */
export function digestAlgorithm(digest: Digest): 'sha256' | 'sha512' {
  if (digest.startsWith('sha512:')) return 'sha512';
  if (digest.startsWith('sha256:')) return 'sha256';
  throw new OciError('UNSUPPORTED', `the algorithm of the digest ${digest} is not supported: use sha256 or sha512`);
}

/** The hexadecimal part of a digest. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/**
 * The sha256 digest of some bytes; portable (no `node:` import), and at Node's speed where Node is. For bulk data use the Node
 * entry's hashing writers.
 */
export function sha256Digest(content: Uint8Array | string): Digest {
  const { process } = globalThis as { readonly process?: NodeProcess };
  const native = process?.getBuiltinModule?.('crypto');
  if (native !== undefined) return `sha256:${native.hash('sha256', content)}`;
  return `sha256:${bytesToHex(nobleSha256(typeof content === 'string' ? new TextEncoder().encode(content) : content))}`;
}

/** What of Node's `process` is used here, and missing in browsers. */
interface NodeProcess {
  readonly getBuiltinModule?: (name: 'crypto') => { hash(algorithm: 'sha256', data: Uint8Array | string): string };
}
