import { utf8ToByteString } from './byte-string.ts';

/** What JSON can say. Members that are undefined are left out. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/**
 * Writes a value as JSON in exactly one way: no blanks, members sorted by the bytes of their keys, strings escaped as Go's
 * encoder does (so `<`, `>`, `&`, U+2028 and U+2029 too). For config blobs and for cache keys. The text is put together
 * here and not by `JSON.stringify`, because a JavaScript object moves integer-like keys such as "9" to the front.
 * @throws TypeError for what JSON cannot hold: NaN, infinities, functions, bigints, dates and other class instances
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return number(value);
  if (Array.isArray(value)) return `[${value.map((item: unknown) => canonicalJson(item)).join(',')}]`;
  if (isPlainObject(value)) return object(value);
  throw new TypeError(`canonicalJson: cannot write ${describeKind(value)}`);
}

function object(value: Readonly<Record<string, unknown>>): string {
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .map((key) => ({ order: utf8ToByteString(wellFormed(key)), key }))
    .toSorted((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
  return `{${members.map(({ key }) => `${quote(key)}:${canonicalJson(value[key])}`).join(',')}}`;
}

function number(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`canonicalJson: cannot write ${value}`);
  // -0 and 0 are equal, so they must be written alike.
  return Object.is(value, -0) ? '0' : JSON.stringify(value);
}

const ESCAPED = /[\u0000-\u001f"\\<>&\u2028\u2029]/g;
const SHORT: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

function quote(text: string): string {
  const escape = (char: string): string => SHORT.get(char) ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `"${wellFormed(text).replace(ESCAPED, escape)}"`;
}

/** Lone surrogates cannot be encoded in UTF-8; like Go's encoder, write U+FFFD for what is no character. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describeKind(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? `a ${value.constructor.name}`
    : `a value of type ${typeof value}`;
}
