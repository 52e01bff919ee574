import type { Descriptor } from '../spec/descriptor.ts';
import { parseDigest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { formatReference, parseReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';

/**
 * Values of these types may have been made by hand, and they become parts of URLs: `a/../b` or `sha256:../../x` must
 * not get that far (CVE-2024-3727).
 * @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID`
 */
export function checkReference(reference: Reference): void {
  const parsed = parseReference(formatReference(reference));
  if (parsed.registry === reference.registry && parsed.repository === reference.repository) return;
  throw new OciError(
    'REFERENCE_INVALID',
    `invalid reference: "${formatReference(reference)}" does not match its parts`,
  );
}

/** @throws OciError `DIGEST_INVALID`, `MANIFEST_INVALID` */
export function checkDescriptor({ digest, size }: Pick<Descriptor, 'digest' | 'size'>): void {
  parseDigest(digest);
  if (Number.isSafeInteger(size) && size >= 0) return;
  throw new OciError('MANIFEST_INVALID', `the size of ${digest} must be a non-negative integer, not ${size}`);
}

/** What stands for the manifest in URLs: the digest where there is one. @throws OciError `REFERENCE_INVALID` */
export function manifestName(reference: Reference): string {
  const name = reference.digest ?? reference.tag;
  if (name !== undefined) return name;
  throw new OciError('REFERENCE_INVALID', `"${formatReference(reference)}" has neither a tag nor a digest`);
}
