import { gunzipSync, gzipSync } from 'node:zlib';
import { RECORD_LIMIT } from '../record/shared-record.ts';
import type { RecordToPut } from './cache-backend.ts';

/** Records in one bundle: of the latest builds; the truth has the others. */
export const HINTS_LIMIT = 200;

/** Bytes that hints may have when they are unpacked: a bomb of a few KiB must not fill the memory. */
const UNPACKED_LIMIT = 16 * 1024 * 1024;

/** Bytes of packed hints that a reader looks at. */
export const PACKED_HINTS_LIMIT = 4 * 1024 * 1024;

/** The annotation of a manifest that holds hints: `base64(gzip(JSON list of texts))`. */
export const HINTS_ANNOTATION = 'dev.tsbuild.hints.v1';

/** Characters that the annotation may have: registries take manifests of 4 MiB, and every build reads this one. */
export const HINTS_ANNOTATION_LIMIT = 256 * 1024;

/** The newest records by use, at most {@link HINTS_LIMIT}, one of each key; given most recently used first. */
export function hintedRecords<T extends Pick<RecordToPut, 'key'>>(records: readonly T[]): readonly T[] {
  const first = new Map<string, T>();
  for (const record of records) if (!first.has(record.key)) first.set(record.key, record);
  return [...first.values()].slice(0, HINTS_LIMIT);
}

/** Texts of records in one piece: gzip of a JSON list. */
export function packHintTexts(texts: readonly string[]): Uint8Array {
  return gzipSync(JSON.stringify(texts), { level: 9 });
}

/** Reads what {@link packHintTexts} made, or anybody else. Undefined when it is something else, or too large unpacked. */
export function unpackHintTexts(packed: Uint8Array): readonly string[] | undefined {
  if (packed.length > PACKED_HINTS_LIMIT) return undefined;
  try {
    return hintTextsIn(gunzipSync(packed, { maxOutputLength: UNPACKED_LIMIT }));
  } catch {
    return undefined;
  }
}

/** The texts in an unpacked JSON list; undefined when it is none. */
export function hintTextsIn(json: Uint8Array): readonly string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(json));
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const texts = value.filter((text) => typeof text === 'string' && Buffer.byteLength(text) <= RECORD_LIMIT);
  return texts.slice(0, HINTS_LIMIT) as string[];
}

/**
 * The annotation of an image's manifest that carries records with the image: `type=inline`. Records are given most recently
 * used first; what finds no room is left out. The image's ID does not depend on it.
 */
export function inlineAnnotation(records: readonly Pick<RecordToPut, 'key' | 'text'>[]): readonly [string, string] {
  let texts = hintedRecords(records).map(({ text }) => text);
  for (;;) {
    const value = Buffer.from(packHintTexts(texts)).toString('base64');
    if (value.length <= HINTS_ANNOTATION_LIMIT) return [HINTS_ANNOTATION, value];
    texts = texts.slice(0, Math.floor((texts.length * HINTS_ANNOTATION_LIMIT) / value.length) - 1);
  }
}
