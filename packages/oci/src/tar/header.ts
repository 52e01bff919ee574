import type { ByteString } from '../spec/byte-string.ts';
import { BLOCK_SIZE, readString, writeString } from './block.ts';
import { tarInvalid } from './tar-error.ts';
import { oldSparseHeader, type SparseHeader } from './sparse.ts';
import { readNumber, writeOctal } from './tar-number.ts';

/**
 * The 512-byte header block: POSIX.1-1988 ustar, with what GNU tar and star put into the same places.
 * Offsets and lengths: POSIX pax, "ustar Interchange Format".
 */
/** Longest name in the name field, and in the prefix field before it, in bytes. */
export const NAME_SIZE = 100;
export const PREFIX_SIZE = 155;

/** One header block, decoded; PAX records and GNU long names are not applied yet. */
export interface TarHeader {
  /** Prefix and name joined, as stored. */
  readonly name: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since 1970; may be negative in GNU archives. */
  readonly mtime: number;
  /** The type flag, one character; `'\0'` in archives older than ustar. */
  readonly typeFlag: string;
  readonly linkName: ByteString;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Of the old GNU form of sparse files (type `S`). */
  readonly sparse?: SparseHeader;
}

/** What {@link encodeHeader} writes. Strings must fit their fields, numbers must fit as octal. */
export interface UstarFields extends TarHeader {
  /** What goes before `name` in the prefix field, without the slash between them. */
  readonly prefix: ByteString;
}

/** True when the block at `at` holds only zeros, as the two that end an archive do. */
export function isZeroBlock(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + BLOCK_SIZE; i++) if (bytes[i] !== 0) return false;
  return true;
}

/**
 * Decodes the header block at `at`.
 * @throws OciError `TAR_INVALID` when the checksum does not match or a number is malformed
 */
export function decodeHeader(bytes: Uint8Array, at: number): TarHeader {
  verifyChecksum(bytes, at);
  const name = readString(bytes, at, NAME_SIZE);
  const format = formatOf(bytes, at);
  const modern = format !== 'v7';
  const size = readNumber(bytes, at + 124, 12, 'size');
  if (size < 0) throw tarInvalid('the size is negative', name);
  const typeFlag = String.fromCharCode(bytes[at + 156] ?? 0);
  const prefix = prefixOf(bytes, at, format);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: readNumber(bytes, at + 100, 8, 'mode'),
    uid: readNumber(bytes, at + 108, 8, 'uid'),
    gid: readNumber(bytes, at + 116, 8, 'gid'),
    size,
    mtime: readNumber(bytes, at + 136, 12, 'mtime'),
    typeFlag,
    linkName: bytes[at + 157] === 0 ? '' : readString(bytes, at + 157, NAME_SIZE),
    devMajor: modern ? readNumber(bytes, at + 329, 8, 'devmajor') : 0,
    devMinor: modern ? readNumber(bytes, at + 337, 8, 'devminor') : 0,
    ...(format === 'gnu' && typeFlag === 'S' && { sparse: oldSparseHeader(bytes, at) }),
  };
}

/** Writes a ustar header block, checksum included, over whatever `target` held at `at`. */
export function encodeHeader(fields: UstarFields, target: Uint8Array, at: number): void {
  target.fill(0, at, at + BLOCK_SIZE);
  writeString(target, at, fields.name);
  writeOctal(target, at + 100, 8, fields.mode);
  writeOctal(target, at + 108, 8, fields.uid);
  writeOctal(target, at + 116, 8, fields.gid);
  writeOctal(target, at + 124, 12, fields.size);
  writeOctal(target, at + 136, 12, fields.mtime);
  target[at + 156] = fields.typeFlag.charCodeAt(0);
  writeString(target, at + 157, fields.linkName);
  writeString(target, at + 257, 'ustar\x0000');
  writeOctal(target, at + 329, 8, fields.devMajor);
  writeOctal(target, at + 337, 8, fields.devMinor);
  writeString(target, at + 345, fields.prefix);
  writeChecksum(target, at);
}

/** Computes and stores the checksum of the block at `at`: six octal digits, NUL, space. */
export function writeChecksum(target: Uint8Array, at: number): void {
  target.fill(0x20, at + 148, at + 156);
  let sum = 0;
  for (let i = at; i < at + BLOCK_SIZE; i++) sum += target[i] ?? 0;
  writeOctal(target, at + 148, 7, sum);
}

type HeaderFormat = 'v7' | 'ustar' | 'star' | 'gnu';

function formatOf(bytes: Uint8Array, at: number): HeaderFormat {
  if (!matches(bytes, at + 257, 'ustar')) return 'v7';
  if (bytes[at + 262] === 0) return matches(bytes, at + 508, 'tar\0') ? 'star' : 'ustar';
  return matches(bytes, at + 262, '  \0') ? 'gnu' : 'v7';
}

function prefixOf(bytes: Uint8Array, at: number, format: HeaderFormat): ByteString {
  if (bytes[at + 345] === 0 || format === 'v7') return '';
  if (format === 'ustar') return readString(bytes, at + 345, PREFIX_SIZE);
  if (format === 'star') return readString(bytes, at + 345, 131);
  // GNU has two times there. Go before 1.8, so Docker before 1.13, wrote a prefix all the same when a name was long and a
  // number great; Go's reader takes what is no time for one (archive/tar, reader.go).
  if (isTime(bytes, at + 345) && isTime(bytes, at + 357)) return '';
  const prefix = readString(bytes, at + 345, PREFIX_SIZE);
  return /^[\x01-\x7f]*$/.test(prefix) ? prefix : '';
}

function isTime(bytes: Uint8Array, at: number): boolean {
  try {
    readNumber(bytes, at, 12, 'time');
    return true;
  } catch {
    return false;
  }
}

function matches(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Some old writers summed signed bytes; every reader takes either sum. */
function verifyChecksum(bytes: Uint8Array, at: number): void {
  const stored = readNumber(bytes, at + 148, 8, 'checksum');
  const unsigned = sumOf(bytes, at, (byte) => byte);
  if (stored !== unsigned && stored !== sumOf(bytes, at, (byte) => (byte << 24) >> 24)) {
    throw tarInvalid('the checksum of a header is wrong');
  }
}

/** Sums a header block as if its checksum field were blank. */
function sumOf(bytes: Uint8Array, at: number, valueOf: (byte: number) => number): number {
  let sum = 8 * 0x20;
  for (let i = at; i < at + 148; i++) sum += valueOf(bytes[i] ?? 0);
  for (let i = at + 156; i < at + BLOCK_SIZE; i++) sum += valueOf(bytes[i] ?? 0);
  return sum;
}
