import type { Digest } from '../spec/digest.ts';

/** The name of a blob in a layout and in its archives: `blobs/sha256/<hex>` (image-spec image-layout.md). */
export function blobName(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** The digest that a name of this form promises; undefined for free names. */
export function digestOfName(name: string): Digest | undefined {
  const hex = /(?:^|\/)blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}
