import type { Descriptor, Digest } from '@tsbuild/oci';
import { decodeSharedRecord } from './shared-record.ts';

/** The blobs that a record names, and the digests of what they unpack to; none of a text that is no record. */
export function blobsOfRecord(text: string): readonly { readonly blob: Descriptor; readonly diffID: Digest }[] {
  const record = decodeSharedRecord(text);
  if (typeof record === 'string') return [];
  const { blob, diffID, sidecar } = record;
  return [...(blob === undefined ? [] : [{ blob, diffID }]), ...(sidecar === undefined ? [] : [sidecar])];
}
