import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { signatureFault, type TrustedKey } from '../../packages/builder/src/shared-cache/record/record-signature.ts';
import { ask, tagsOf } from './registry-reader.ts';
import { type Entry, NO_MANIFEST, readRecord, type StoredRecord } from './stored-record.ts';

/** A record's tag: `k1-` and the hex digits of its key. */
const RECORD_TAG = /^k1-[0-9a-f]{64}$/;

/** How strictly to look. */
export interface WalkOptions {
  /** Every record must be signed by one of these, for this scope. */
  readonly signed?: { readonly trusted: readonly TrustedKey[]; readonly scope: string };
  /** At most so many records, evenly spread. */
  readonly most?: number;
  /**
   * The registry was killed: it makes a tag's directory before the tag, lists that, and answers 404. Builders take it for no record,
   * and write one.
   */
  readonly wasKilled?: boolean;
}

/** The tags of a repository that stand for records. */
export async function recordTags(host: string, repository: string): Promise<readonly string[]> {
  return (await tagsOf(host, repository)).filter((tag) => RECORD_TAG.test(tag));
}

/**
 * Looks at every record of a repository: its manifest can be read, its key is its tag, and its blobs are there, with the
 * digests and diffIDs that are promised. @returns what is wrong
 */
export async function walkRecords(
  host: string,
  repository: string,
  { signed, most = Infinity, wasKilled = false }: WalkOptions = {},
): Promise<readonly string[]> {
  const tags = await recordTags(host, repository);
  const step = Math.max(1, Math.ceil(tags.length / most));
  const blobs = new Map<string, Promise<BlobFacts | undefined>>();
  const faults: string[] = [];
  for (const tag of tags.filter((_, i) => i % step === 0)) {
    const found = await readRecord(host, repository, tag);
    if (wasKilled && found === NO_MANIFEST) continue;
    const wrong = typeof found === 'string' ? [found] : await faultsOf(found, tag, (entry) => factsOf(entry));
    if (typeof found !== 'string' && signed !== undefined) {
      const fault = signatureFault(found.record, signed.scope, signed.trusted);
      if (fault !== undefined) wrong.push(fault);
    }
    faults.push(...wrong.map((fault) => `${repository}:${tag.slice(0, 15)}…: ${fault}`));
  }
  return faults;

  /** Each blob once, however many records name it. */
  function factsOf({ digest }: Entry): Promise<BlobFacts | undefined> {
    const known = blobs.get(digest) ?? blobFacts(host, repository, digest);
    blobs.set(digest, known);
    return known;
  }
}

interface BlobFacts {
  readonly digest: string;
  readonly size: number;
  /** Of the bytes unpacked; of no meaning for a config. */
  readonly diffID: string;
  readonly bytes: Buffer;
}

async function blobFacts(host: string, repository: string, digest: string): Promise<BlobFacts | undefined> {
  const { status, body } = await ask(host, 'GET', `${repository}/blobs/${digest}`);
  if (status !== 200) return undefined;
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  return {
    digest: sha256(body),
    size: body.length,
    diffID: isGzip ? sha256(gunzipSync(body)) : sha256(body),
    bytes: body,
  };
}

async function faultsOf(
  { manifest, record }: StoredRecord,
  tag: string,
  factsOf: (entry: Entry) => Promise<BlobFacts | undefined>,
): Promise<string[]> {
  const faults: string[] = [];
  if (tag !== `k1-${record.key.replace('sha256:', '')}`) faults.push('its key is another one');
  const diffIDs: string[] = [];
  for (const entry of [manifest.config, ...manifest.layers]) {
    const facts = await factsOf(entry);
    if (facts === undefined) faults.push(`blob ${entry.digest} is missing`);
    else if (facts.digest !== entry.digest || facts.size !== entry.size) faults.push(`blob ${entry.digest} is damaged`);
    else if (entry === manifest.config) diffIDs.push(...diffIDsOf(facts.bytes));
    else if (facts.diffID !== diffIDs[manifest.layers.indexOf(entry)])
      faults.push(`layer ${entry.digest} has another diffID than the config says`);
  }
  const { blob, sidecar } = record;
  const layers = manifest.layers.map(({ digest }) => digest);
  if (blob !== undefined && !layers.includes(blob.digest)) faults.push('no layer of it is the record’s blob');
  if (blob !== undefined && diffIDs[layers.indexOf(blob.digest)] !== record.diffID)
    faults.push('the record’s diffID is not its layer’s');
  if (sidecar !== undefined && !layers.includes(sidecar.blob.digest))
    faults.push('no layer of it is the record’s sidecar');
  return faults;
}

function diffIDsOf(config: Buffer): readonly string[] {
  return (JSON.parse(config.toString()) as { rootfs?: { diff_ids?: string[] } }).rootfs?.diff_ids ?? [];
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
