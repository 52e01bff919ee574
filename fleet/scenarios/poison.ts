import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type SigningKey, signRecord } from '../../packages/builder/src/shared-cache/record/record-signature.ts';
import { encodeSharedRecord, type SharedRecord } from '../../packages/builder/src/shared-cache/record/shared-record.ts';
import { putBlob, putManifest } from '../walker/registry-reader.ts';
import { type Entry, readRecord, type StoredRecord } from '../walker/stored-record.ts';

/** A way to poison the record under a tag. */
export interface Poison {
  readonly name: string;
  /** What a reader says of it; absent where that only shows when bytes are read. */
  readonly reason?: RegExp;
  /** The text in place of the record's. */
  text(record: SharedRecord, keys: PoisonKeys): string;
}

/** Who signs. */
export interface PoisonKeys {
  /** The key that readers trust. */
  readonly trusted: SigningKey;
  readonly stranger: SigningKey;
  readonly scope: string;
  /** Another record of the same place, as it is there. */
  readonly other: SharedRecord;
}

/** A layer with one file that no Dockerfile wrote. */
const EVIL_LAYER = gzipSync(Buffer.alloc(10_240, 'evil'));

/** What a reader with the policy `signed` must see through before it uses the record. */
export const FORGERIES: readonly Poison[] = [
  { name: 'unsigned', reason: /it is not signed/, text: (record) => encodeSharedRecord(unsigned(record)) },
  {
    name: 'signed by a stranger',
    reason: /not trusted/,
    text: (record, { stranger, scope }) => encodeSharedRecord(signRecord(evil(record), scope, stranger)),
  },
  { name: 'of another key', reason: /of another key/, text: (_, { other }) => encodeSharedRecord(other) },
  {
    name: 'of another repository',
    reason: /not of this record in this place/,
    text: (record, { trusted }) => encodeSharedRecord(signRecord(evil(record), 'fleet/elsewhere', trusted)),
  },
  {
    name: 'expired',
    reason: /expired/,
    text: (record, { trusted, scope }) => encodeSharedRecord(signRecord({ ...record, expires: 1 }, scope, trusted)),
  },
  { name: 'cut short', reason: /no JSON/, text: (record) => encodeSharedRecord(record).slice(0, 200) },
  {
    name: 'far too large',
    reason: /larger than/,
    text: (record) => `${encodeSharedRecord(record).slice(0, -1)},"x":"${'x'.repeat(2 ** 21)}"}`,
  },
  {
    name: 'with another result',
    reason: /not of this record in this place/,
    text: (record) => encodeSharedRecord(evil(record)),
  },
  {
    name: 'with another index',
    reason: /not of this record in this place|not signed/,
    text: (record, { other }) =>
      encodeSharedRecord(other.sidecar === undefined ? evil(record) : { ...record, sidecar: other.sidecar }),
  },
  { name: 'rubbish', reason: /its key is none/, text: () => '{"format":"tsbuild.record.v1"}' },
];

/** What only shows when the layer's bytes are read: somebody with the trusted key lies. */
export const LIES: readonly Poison[] = [
  {
    name: 'a layer that is another one',
    text: (record, { trusted, scope }) => encodeSharedRecord(signRecord(evil(record), scope, trusted)),
  },
  {
    name: 'a layer that does not end',
    text: (record, { trusted, scope }) =>
      encodeSharedRecord(signRecord({ ...record, blob: entryOf(BOMB) }, scope, trusted)),
  },
];

const ZEROS = gzipSync(Buffer.alloc(2 ** 20));

/** 256 MiB of zeros in a quarter of a MiB: 256 members of a MiB each, which unpack as one stream (RFC 1952, 2.2). */
const BOMB = Buffer.concat(Array.from({ length: 256 }, () => ZEROS));

/** The same record, with a layer of the attacker's and the signature that it had. */
function evil(record: SharedRecord): SharedRecord {
  return { ...record, blob: entryOf(EVIL_LAYER) };
}

function unsigned(record: SharedRecord): SharedRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== 'signature')) as unknown as SharedRecord;
}

/** Puts the layers that poisoned records name. */
export async function putPoisonedLayers(host: string, repository: string): Promise<void> {
  for (const bytes of [EVIL_LAYER, BOMB]) await putBlob(host, repository, entryOf(bytes).digest, bytes);
}

/** Puts what is poisoned in the place of the record under a tag. @returns its text */
export async function poisonRecord(
  host: string,
  repository: string,
  tag: string,
  poison: Poison,
  keys: PoisonKeys,
): Promise<string> {
  const found = await readRecord(host, repository, tag);
  if (typeof found === 'string') throw new Error(`${tag}: ${found}`);
  const text = poison.text(found.record, keys);
  await putManifest(host, repository, tag, manifestOf(found, text));
  return text;
}

/** The record's image with another text. */
function manifestOf({ manifest, annotation }: StoredRecord, text: string): Uint8Array {
  return Buffer.from(JSON.stringify({ ...manifest, annotations: { ...manifest.annotations, [annotation]: text } }));
}

function entryOf(bytes: Uint8Array): Entry & { readonly digest: `sha256:${string}` } {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const;
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: bytes.length };
}
