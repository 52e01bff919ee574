import type { ByteString } from '../spec/byte-string.ts';
import type { TarEntry } from './entry.ts';
import { BLOCK_SIZE, writeString } from './block.ts';
import { encodeHeader, NAME_SIZE, PREFIX_SIZE, type UstarFields } from './header.ts';
import { MAX_ID, TYPE_FLAGS } from './member.ts';
import { encodePaxRecords, formatPaxTime, type PaxRecords, XATTR_PREFIX } from './pax.ts';
import { tarInvalid } from './tar-error.ts';
import { fitsOctal } from './tar-number.ts';

const ID_SIZE = 8;
const LONG_SIZE = 12;
const DEVICE_SIZE = 8;

/**
 * The header blocks of one entry, the same for the same entry on every machine: one ustar block, with a PAX header
 * before it when ustar cannot hold it (names that are long or not ASCII, great numbers, times before 1970 or finer than a
 * second, extended attributes). Directories end in `/`, and the
 * one without a name is `./`; user and group names are empty. The content, padded to whole
 * blocks, comes after it.
 * @throws OciError `TAR_INVALID` for an entry that no archive can hold
 */
export function encodeTarHeader(entry: TarEntry): Uint8Array {
  const plain = new Uint8Array(BLOCK_SIZE);
  if (encodePlainHeader(entry, plain, 0)) return plain;
  const name = storedName(entry);
  const body = encodePaxRecords(paxRecordsOf(entry, name));
  const padded = Math.ceil(body.length / BLOCK_SIZE) * BLOCK_SIZE;
  const blocks = new Uint8Array(BLOCK_SIZE + padded + BLOCK_SIZE);
  encodeHeader(paxHeaderFields(name, body.length), blocks, 0);
  blocks.set(body, BLOCK_SIZE);
  encodeHeader(truncatedFields(entry, name), blocks, BLOCK_SIZE + padded);
  return blocks;
}

/**
 * Writes the one block of an entry that ustar can hold into `target` at `at`, and allocates nothing big: the way of
 * nearly every file of a layer. Returns false, having written nothing, when the entry needs a PAX header.
 * @throws OciError `TAR_INVALID` for an entry that no archive can hold
 */
export function encodePlainHeader(entry: TarEntry, target: Uint8Array, at: number): boolean {
  const name = storedName(entry);
  const { linkPath, uid, gid, size, mtime } = entry;
  checkEntry(entry);
  if (entry.xattrs !== undefined && entry.xattrs.size > 0) return false;
  if (mtime.nanoseconds !== 0 || !fitsOctal(mtime.seconds, LONG_SIZE) || !fitsOctal(size, LONG_SIZE)) return false;
  if (!fitsOctal(uid, ID_SIZE) || !fitsOctal(gid, ID_SIZE)) return false;
  if (linkPath.length > NAME_SIZE || !isAscii(linkPath) || !isAscii(name)) return false;
  const slash = name.length <= NAME_SIZE ? 0 : splitUstarName(name);
  if (slash < 0) return false;
  const fields = fieldsOf(entry, slash === 0 ? name : name.slice(slash + 1), linkPath);
  encodeHeader(slash === 0 ? fields : { ...fields, prefix: name.slice(0, slash) }, target, at);
  return true;
}

/** The two zero blocks that end an archive. */
export const END_OF_ARCHIVE: Uint8Array = new Uint8Array(2 * BLOCK_SIZE);

function storedName(entry: TarEntry): ByteString {
  if (entry.type !== 'directory') return entry.path;
  if (entry.path === '') return './';
  return entry.path.endsWith('/') ? entry.path : `${entry.path}/`;
}

function checkEntry(entry: TarEntry): void {
  const { path, type, linkPath } = entry;
  const isLink = type === 'symlink' || type === 'hardlink';
  if (path === '' && type !== 'directory') throw tarInvalid('an entry has no name');
  if (path.includes('\0') || linkPath.includes('\0')) throw tarInvalid('a name or link target holds a NUL byte', path);
  if (isLink !== (linkPath !== '')) throw tarInvalid(isLink ? 'no link target' : 'a link target without a link', path);
  if (type !== 'file' && entry.size !== 0) throw tarInvalid(`a ${type} cannot have content`, path);
  if (entry.xattrs?.has('') === true) throw tarInvalid('an extended attribute has no name', path);
  checkNumber(entry.mode, 0o7777, 'mode', path);
  checkNumber(entry.uid, MAX_ID, 'uid', path);
  checkNumber(entry.gid, MAX_ID, 'gid', path);
  checkNumber(entry.size, Number.MAX_SAFE_INTEGER, 'size', path);
  checkNumber(entry.devMajor, 8 ** (DEVICE_SIZE - 1) - 1, 'device number', path);
  checkNumber(entry.devMinor, 8 ** (DEVICE_SIZE - 1) - 1, 'device number', path);
  checkNumber(entry.mtime.nanoseconds, 999_999_999, 'nanoseconds', path);
  if (!Number.isSafeInteger(entry.mtime.seconds)) throw tarInvalid('the mtime is not a whole number', path);
}

function checkNumber(value: number, max: number, what: string, path: ByteString): void {
  if (!Number.isInteger(value) || value < 0 || value > max) throw tarInvalid(`the ${what} ${value} is wrong`, path);
}

function fieldsOf(entry: TarEntry, name: ByteString, linkName: ByteString): UstarFields {
  return {
    name,
    prefix: '',
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.size,
    mtime: entry.mtime.seconds,
    typeFlag: TYPE_FLAGS[entry.type],
    linkName,
    devMajor: entry.devMajor,
    devMinor: entry.devMinor,
  };
}

/** The position of the slash between prefix and name (POSIX ustar), or -1 when no slash is in the right place. */
function splitUstarName(name: ByteString): number {
  // A slash at the very end belongs to the name; the prefix takes as much as it may.
  const slash = name.lastIndexOf('/', Math.min(PREFIX_SIZE, name.length - 2));
  return slash > 0 && name.length - slash - 1 <= NAME_SIZE ? slash : -1;
}

function paxRecordsOf(entry: TarEntry, name: ByteString): PaxRecords {
  const records: PaxRecords = new Map();
  const put = (key: string, value: ByteString) => records.set(key, latin1Bytes(value));
  if (!isAscii(name) || name.length > NAME_SIZE) put('path', name);
  if (!isAscii(entry.linkPath) || entry.linkPath.length > NAME_SIZE) put('linkpath', entry.linkPath);
  if (!fitsOctal(entry.uid, ID_SIZE)) put('uid', String(entry.uid));
  if (!fitsOctal(entry.gid, ID_SIZE)) put('gid', String(entry.gid));
  if (!fitsOctal(entry.size, LONG_SIZE)) put('size', String(entry.size));
  const { mtime } = entry;
  if (mtime.nanoseconds !== 0 || !fitsOctal(mtime.seconds, LONG_SIZE)) put('mtime', formatPaxTime(mtime));
  for (const [key, value] of entry.xattrs ?? []) records.set(XATTR_PREFIX + key, value);
  return records;
}

/** The header of the PAX header itself; only people ever see its name (POSIX suggests `dir/PaxHeaders.pid/name`). */
function paxHeaderFields(name: ByteString, size: number): UstarFields {
  const clean = name.replace(/\/+$/, '');
  const slash = clean.lastIndexOf('/') + 1;
  return {
    name: truncated(`${clean.slice(0, slash)}PaxHeaders.0/${clean.slice(slash)}`),
    prefix: '',
    mode: 0,
    uid: 0,
    gid: 0,
    size,
    mtime: 0,
    typeFlag: 'x',
    linkName: '',
    devMajor: 0,
    devMinor: 0,
  };
}

/** The entry's own header when PAX records hold what does not fit: ASCII, cut, numbers that are too great as 0. */
function truncatedFields(entry: TarEntry, name: ByteString): UstarFields {
  const fields = fieldsOf(entry, truncated(name), asciiOnly(entry.linkPath).slice(0, NAME_SIZE));
  return {
    ...fields,
    uid: octalOrZero(entry.uid, ID_SIZE),
    gid: octalOrZero(entry.gid, ID_SIZE),
    size: octalOrZero(entry.size, LONG_SIZE),
    mtime: octalOrZero(entry.mtime.seconds, LONG_SIZE),
  };
}

function octalOrZero(value: number, size: number): number {
  return fitsOctal(value, size) ? value : 0;
}

function truncated(name: ByteString): ByteString {
  const ascii = asciiOnly(name);
  // A file's name cut right after a slash would look like a directory's to old readers.
  return ascii.length > NAME_SIZE ? ascii.slice(0, NAME_SIZE).replace(/\/+$/, '') : ascii;
}

function isAscii(text: ByteString): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function asciiOnly(text: ByteString): string {
  return isAscii(text) ? text : text.replace(/[\x80-\xff]/g, '');
}

function latin1Bytes(text: ByteString): Uint8Array {
  if (/[^\x00-\xff]/.test(text)) throw new RangeError(`not a byte string: ${JSON.stringify(text)}`);
  const bytes = new Uint8Array(text.length);
  writeString(bytes, 0, text);
  return bytes;
}
