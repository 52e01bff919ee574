import { decodeSharedRecord, type SharedRecord } from '../../packages/builder/src/shared-cache/record/shared-record.ts';
import { ask } from './registry-reader.ts';

/** A descriptor in a manifest. */
export interface Entry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** A manifest as a registry has it. */
export interface Manifest {
  readonly config: Entry;
  readonly layers: readonly Entry[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A record's image, taken apart. */
export interface StoredRecord {
  readonly manifest: Manifest;
  /** The annotation that holds the record. */
  readonly annotation: string;
  readonly record: SharedRecord;
}

/** What is wrong with a tag that is listed and leads nowhere. */
export const NO_MANIFEST = 'its manifest is 404';

/** Reads the record under a tag. @returns what is wrong when there is none */
export async function readRecord(host: string, repository: string, tag: string): Promise<StoredRecord | string> {
  const { status, body } = await ask(host, 'GET', `${repository}/manifests/${tag}`);
  if (status !== 200) return `its manifest is ${status}`;
  let manifest: Manifest;
  try {
    manifest = JSON.parse(body.toString()) as Manifest;
  } catch {
    return 'its manifest is no JSON';
  }
  for (const [annotation, text] of Object.entries(manifest.annotations ?? {})) {
    if (!text.startsWith('{')) continue;
    const record = decodeSharedRecord(text);
    return typeof record === 'string' ? `its record: ${record}` : { manifest, annotation, record };
  }
  return 'no annotation of it holds a record';
}
