import type { Descriptor, Digest } from '@tsbuild/oci';
import { decodeSharedRecord, type SharedRecord } from './shared-record.ts';

/** A blob that a record names. */
export interface NamedBlob {
  readonly blob: Descriptor;
  /** Of what it unpacks to. */
  readonly diffID: Digest;
}

/** The blobs that a record names. */
export function namedBlobs({ blob, diffID, sidecar }: SharedRecord): readonly NamedBlob[] {
  return [...(blob === undefined ? [] : [{ blob, diffID }]), ...(sidecar === undefined ? [] : [sidecar])];
}

/** The same of a record's text; none of a text that is no record. */
export function blobsOfRecord(text: string): readonly NamedBlob[] {
  const record = decodeSharedRecord(text);
  return typeof record === 'string' ? [] : namedBlobs(record);
}
