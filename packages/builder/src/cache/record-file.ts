import { createHash } from 'node:crypto';
import { type Digest, isDigest, type JsonValue } from '@tsbuild/oci';
import { sealJson, unsealJson } from '@tsbuild/oci/internal';
import { fieldsOf, isListOf, isText, isTime } from '../disk/json-members.ts';
import { type KeyPreimage, preimageText } from './cache-key.ts';
import type { CacheRecord } from './cache-store.ts';
import type { StepOrigin } from './step-origin.ts';

/*
 * A record's file: the preimage in its canonical text, listings by their digests (they are files of their own, and may be
 * large). Since version 2 it is sealed with a checksum. Version 1 has none: it is read where each member is what it must be.
 */
const VERSION = 2;
const UNSEALED_VERSION = 1;

/** The text of a record's file. */
export function encodeRecord<O>(record: CacheRecord<O>): string {
  const { preimage, output, created, milliseconds, origin } = record;
  const listings = Object.fromEntries(
    preimage.inputs.flatMap(({ name, id, listing }) => (listing === undefined ? [] : [[name, id]])),
  );
  const stored = { version: VERSION, preimage: preimageText(preimage), listings, output, created, milliseconds };
  return sealJson({ ...stored, ...(origin === undefined ? {} : { origin }) });
}

/** Reads the file of the record `key`. @returns the record, or what is wrong with it, for people */
export function decodeRecord<O>(
  text: string,
  key: Digest,
  isOutput: (output: unknown) => output is O,
): CacheRecord<O> | string {
  const document = unsealJson(text);
  if (document === undefined) return 'it is damaged: its checksum is another, or it is no JSON document';
  const { version, preimage: keyText, output, created, milliseconds, origin } = fieldsOf(document.value);
  const isKnown = version === (document.isSealed ? VERSION : UNSEALED_VERSION);
  if (!isKnown || typeof keyText !== 'string') return 'it is no record';
  // The key is the digest of the preimage: a record in another's place shows itself here.
  if (`sha256:${createHash('sha256').update(keyText).digest('hex')}` !== key) return 'it is not the record of this key';
  const preimage = decodePreimage(keyText);
  if (preimage === undefined) return 'its preimage is none';
  if (!isOutput(output)) return 'it has no output';
  if (!isTime(created) || !isTime(milliseconds)) return 'its times are none';
  if (origin !== undefined && !isOrigin(origin)) return 'its origin is none';
  return { key, preimage, output, created, milliseconds, ...(origin === undefined ? {} : { origin }) };
}

function decodePreimage(text: string): KeyPreimage | undefined {
  const { operation, definition, inputs } = fieldsOf(parsed(text));
  if (typeof operation !== 'string' || definition === undefined || !isListOf(inputs, isInput)) return undefined;
  return { operation, definition: definition as JsonValue, inputs };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isInput(value: unknown): value is KeyPreimage['inputs'][number] {
  const { name, id } = fieldsOf(value);
  return typeof name === 'string' && isDigest(id);
}

function isOrigin(value: unknown): value is StepOrigin {
  const { stage, source, name, arguments: words, expanded, base, above, ignoredBy } = fieldsOf(value);
  const { name: baseName, digest, id } = fieldsOf(base);
  return (
    [stage, source, name, baseName].every(isText) &&
    isListOf(words, isText) &&
    typeof expanded === 'object' &&
    isListOf(Object.values(fieldsOf(expanded)), isText) &&
    isDigest(id) &&
    (digest === undefined || isDigest(digest)) &&
    isListOf(above, isStep) &&
    (ignoredBy === undefined || isText(ignoredBy))
  );
}

function isStep(value: unknown): value is StepOrigin['above'][number] {
  const { id, source, name, layer } = fieldsOf(value);
  return [id, source, name].every(isText) && isDigest(layer);
}
