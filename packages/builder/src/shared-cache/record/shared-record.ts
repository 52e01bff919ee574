import { canonicalJson, type Descriptor, type Digest, isDigest, type JsonValue, sha256Digest } from '@tsbuild/oci';
import { fieldsOf, isListOf, isText, isTime } from '../../disk/json-members.ts';

/** The version of the format. A record of another one is a miss. */
const FORMAT = 'tsbuild.record.v1';

/** Bytes of a record's text that a reader looks at. Honest ones have some 2 KiB. */
export const RECORD_LIMIT = 64 * 1024;

/**
 * What builders tell each other of a step: that the step with this key made this layer. The reader computes the key itself;
 * whoever writes records controls only what a key stands for, and the signature says who that was.
 */
export interface SharedRecord {
  /** The key of the step, or of a layer of a base image ({@link baseLayerKey}). */
  readonly key: Digest;
  /** `run`, `copy`, `workdir`, …; `base` of a layer that no step made. */
  readonly operation: string;
  /** The layer, uncompressed: its diffID and its size in bytes. */
  readonly diffID: Digest;
  readonly size: number;
  /** Bytes of all files in the layer, as Docker counts an image's size. */
  readonly contentSize: number;
  /** The layer as it is packed; absent of a layer of a base image, which stays where it is. */
  readonly blob?: Descriptor;
  /** The layer's index and the listings behind the step's inputs, in one blob: see `sidecar.ts`. */
  readonly sidecar?: Sidecar;
  /** When the step was executed, milliseconds since 1970, and how long that took. */
  readonly created: number;
  readonly milliseconds: number;
  /** When somebody who used it wrote it again, so that registries which remove old content keep it; milliseconds since 1970. */
  readonly touched?: number;
  /** Milliseconds since 1970; from then on it is a miss. */
  readonly expires?: number;
  /** Where the step stands, for explanations: nothing of it is trusted. */
  readonly step?: SharedStep;
  readonly signature?: RecordSignature;
}

/** A blob beside a layer. */
export interface Sidecar {
  readonly blob: Descriptor;
  /** Of the unpacked blob, which an image's config must name. */
  readonly diffID: Digest;
  /** Of the index in it, which may be had elsewhere, too. */
  readonly index?: Digest;
}

/** A step as others may know it: names, and what says whether two values are the same, but no value (docs/shared-cache.md). */
export interface SharedStep {
  /** The same for steps at one place of one Dockerfile. */
  readonly place: string;
  readonly stage: string;
  /** The instruction as written, secrets masked. */
  readonly source: string;
  /** The preimage of the key with a short tag in place of each value. */
  readonly definition: JsonValue;
  readonly inputs: readonly { readonly name: string; readonly id: Digest }[];
  /** Names of variables that are ARGs. */
  readonly arguments: readonly string[];
  /** The base image by its name, and the steps above. */
  readonly base: { readonly name: string; readonly id: Digest };
  readonly above: readonly { readonly id: string; readonly source: string; readonly layer: Digest }[];
}

/** Who vouches for a record. */
interface RecordSignature {
  /** The first 16 digits of the public key's sha256. */
  readonly kid: string;
  readonly alg: 'ed25519';
  /** Base64. */
  readonly value: string;
}

/** The key under which the facts of a base image's layer are shared: no step has it. */
export function baseLayerKey(diffID: Digest): Digest {
  return sha256Digest(canonicalJson({ format: 'tsbuild.base.v1', diffID }));
}

/** The record's one text; what is signed is this without the signature. */
export function encodeSharedRecord(record: SharedRecord): string {
  return canonicalJson({ format: FORMAT, ...record } as unknown as JsonValue);
}

/** Reads a record of anybody's. @returns the record, or what is wrong with it, for people */
export function decodeSharedRecord(text: string): SharedRecord | string {
  if (Buffer.byteLength(text) > RECORD_LIMIT) return `it is larger than ${RECORD_LIMIT} bytes`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is no JSON document';
  }
  const fields = fieldsOf(value);
  if (fields['format'] !== FORMAT) return 'its format is another one';
  return faultOf(fields) ?? recordOf(fields);
}

function faultOf(fields: Fields): string | undefined {
  const { key, operation, diffID, size, contentSize, blob, sidecar, created, milliseconds, expires, touched, step } =
    fields;
  if (!isDigest(key)) return 'its key is none';
  if (typeof operation !== 'string') return 'its operation is none';
  if (!isDigest(diffID) || !isSize(size) || !isSize(contentSize)) return 'its layer is none';
  if (blob !== undefined && !isBlob(blob)) return 'its blob is none';
  if (sidecar !== undefined && !isSidecar(sidecar)) return 'its sidecar is none';
  if (![created, milliseconds, expires ?? 0, touched ?? 0].every(isTime)) return 'its times are none';
  if (step !== undefined && !isStep(step)) return 'its step is none';
  const { signature } = fields;
  return signature === undefined || isSignature(signature) ? undefined : 'its signature is none';
}

/** Only the members that this version knows: the rest is nobody's word. */
function recordOf(fields: Fields): SharedRecord {
  const names = ['key', 'operation', 'diffID', 'size', 'contentSize', 'blob', 'sidecar', 'created', 'milliseconds'];
  const optional = ['expires', 'touched', 'step', 'signature'];
  const known = [...names, ...optional].flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]]));
  return Object.fromEntries(known) as SharedRecord;
}

type Fields = Readonly<Record<string, unknown>>;

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isBlob(value: unknown): boolean {
  const { mediaType, digest, size, ...rest } = fieldsOf(value);
  // No `urls`: a record must not send its reader elsewhere.
  return typeof mediaType === 'string' && isDigest(digest) && isSize(size) && Object.keys(rest).length === 0;
}

function isSidecar(value: unknown): boolean {
  const { blob, diffID, index } = fieldsOf(value);
  return isBlob(blob) && isDigest(diffID) && (index === undefined || isDigest(index));
}

function isSignature(value: unknown): boolean {
  const { kid, alg, value: signature } = fieldsOf(value);
  return typeof kid === 'string' && alg === 'ed25519' && typeof signature === 'string';
}

function isStep(value: unknown): boolean {
  const { place, stage, source, definition, inputs, arguments: words, base, above } = fieldsOf(value);
  const texts = [place, stage, source, fieldsOf(base)['name']];
  return (
    texts.every(isText) &&
    definition !== undefined &&
    isDigest(fieldsOf(base)['id']) &&
    isListOf(words, isText) &&
    isListOf(inputs, isInput) &&
    isListOf(above, isLayerAbove)
  );
}

function isInput(value: unknown): value is SharedStep['inputs'][number] {
  const { name, id } = fieldsOf(value);
  return isText(name) && isDigest(id);
}

function isLayerAbove(value: unknown): value is SharedStep['above'][number] {
  const { id, source, layer } = fieldsOf(value);
  return isText(id) && isText(source) && isDigest(layer);
}
