import type { ByteString } from '../spec/byte-string.ts';
import type { TarTime } from './entry.ts';
import { bytesToByteString, writeString } from './block.ts';
import { tarInvalid } from './tar-error.ts';

/**
 * PAX extended header records (POSIX pax, "pax Extended Header"): `length keyword=value\n`, where length counts the whole
 * record. Values are raw bytes and may hold newlines, so records are cut by their length alone.
 */
export type PaxRecords = Map<ByteString, Uint8Array>;

/** The prefix of the records that hold extended attributes. */
export const XATTR_PREFIX = 'SCHILY.xattr.';

const NEWLINE = 0x0a;
const EQUALS = 0x3d;
const SPACE = 0x20;

/**
 * Decodes all records of an extended header; of a keyword that comes twice the last counts, but for
 * the sparse map in form 0.0, which comes as it would in 0.1 (one record).
 * @throws OciError `TAR_INVALID`
 */
export function decodePaxRecords(bytes: Uint8Array): PaxRecords {
  const records: PaxRecords = new Map();
  const sparseMap: { readonly key: string; readonly value: Uint8Array }[] = [];
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(SPACE, at);
    const length = space < 0 ? Number.NaN : recordLength(bytes, at, space);
    const end = at + length;
    if (!(end <= bytes.length && end > space + 2) || bytes[end - 1] !== NEWLINE) {
      throw tarInvalid('a PAX record has a wrong length');
    }
    const equals = bytes.indexOf(EQUALS, space + 1);
    if (equals <= space + 1 || equals >= end) throw tarInvalid('a PAX record has no keyword');
    const key = bytesToByteString(bytes, space + 1, equals);
    if (key.includes('\0')) throw tarInvalid('a PAX keyword holds a NUL byte');
    const value = bytes.subarray(equals + 1, end - 1);
    if (key === SPARSE_POSITION || key === SPARSE_SIZE) sparseMap.push({ key, value });
    else records.set(key, value);
    at = end;
  }
  if (sparseMap.length > 0) records.set('GNU.sparse.map', joinedMap(sparseMap));
  return records;
}

/**
 * Encodes records, sorted by keyword, so that the same records are always the same bytes.
 * @throws OciError `TAR_INVALID` when a keyword cannot be written
 */
export function encodePaxRecords(records: ReadonlyMap<ByteString, Uint8Array>): Uint8Array {
  const keys = [...records.keys()].toSorted();
  const parts: { key: ByteString; value: Uint8Array; length: number }[] = [];
  let total = 0;
  for (const key of keys) {
    if (key === '' || /[=\0]/.test(key)) throw tarInvalid('a PAX keyword is empty or holds = or NUL', key);
    const value = records.get(key) ?? new Uint8Array();
    const length = fullLength(key.length + value.length + 3);
    parts.push({ key, value, length });
    total += length;
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const { key, value, length } of parts) {
    const head = `${length} ${key}=`;
    writeString(bytes, at, head);
    bytes.set(value, at + head.length);
    bytes[at + length - 1] = NEWLINE;
    at += length;
  }
  return bytes;
}

/** Seconds and a fraction of any length, possibly negative; what is finer than a nanosecond is cut off. */
export function parsePaxTime(text: string): TarTime {
  const match = /^(-?)0*(\d{1,16})(?:\.(\d*))?$/.exec(text);
  const whole = Number(match?.[2]);
  if (match === null || !Number.isSafeInteger(whole)) throw tarInvalid('a PAX time is not a number');
  const nanoseconds = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (match[1] === '') return { seconds: whole, nanoseconds };
  if (nanoseconds === 0) return { seconds: 0 - whole, nanoseconds: 0 };
  return { seconds: -whole - 1, nanoseconds: 1e9 - nanoseconds };
}

/** The shortest form that {@link parsePaxTime} reads back. */
export function formatPaxTime({ seconds, nanoseconds }: TarTime): string {
  if (nanoseconds === 0) return String(seconds);
  const before = seconds < 0;
  const whole = before ? -(seconds + 1) : seconds;
  const fraction = String(before ? 1e9 - nanoseconds : nanoseconds)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${before ? '-' : ''}${whole}.${fraction}`;
}

/** A decimal number that is not negative, with leading zeros or not. @throws OciError `TAR_INVALID` */
export function parsePaxInteger(text: string, keyword: string): number {
  const value = /^0*\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw tarInvalid(`the PAX ${keyword} is not a whole number that is in range`);
  return value;
}

/** Keywords that come once for each part of a sparse file (GNU tar manual, "Storing Sparse Files", 0.0). */
const SPARSE_POSITION = 'GNU.sparse.offset';
const SPARSE_SIZE = 'GNU.sparse.numbytes';

function joinedMap(parts: readonly { readonly key: string; readonly value: Uint8Array }[]): Uint8Array {
  const isInOrder = parts.every(({ key }, i) => key === (i % 2 === 0 ? SPARSE_POSITION : SPARSE_SIZE));
  if (!isInOrder || parts.length % 2 !== 0) throw tarInvalid('the PAX records of a sparse file are out of order');
  const text = parts.map(({ value }) => bytesToByteString(value, 0, value.length)).join(',');
  const bytes = new Uint8Array(text.length);
  writeString(bytes, 0, text);
  return bytes;
}

function recordLength(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = (bytes[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
    if (value > bytes.length) return Number.NaN;
  }
  return from === to ? Number.NaN : value;
}

/** The length field counts itself, so adding its digits may add one digit more. */
function fullLength(rest: number): number {
  const length = rest + String(rest).length;
  return rest + String(length).length;
}
