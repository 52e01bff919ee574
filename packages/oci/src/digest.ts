import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { OciError } from './errors.ts';

/** A content digest as the OCI image-spec writes it (descriptor.md, "Digests"): `algorithm:lowercase-hex`. */
export type Digest = `sha256:${string}` | `sha512:${string}`;

const PATTERN = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** True when `text` is a well-formed digest of a registered algorithm. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && PATTERN.test(text);
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

/** The algorithm part of a digest. */
export function digestAlgorithm(digest: Digest): 'sha256' | 'sha512' {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
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
