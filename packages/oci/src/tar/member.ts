import type { ByteString } from '../spec/byte-string.ts';
import { OciError } from '../spec/oci-error.ts';
import type { TarEntry, TarEntryType, TarTime } from './entry.ts';
import { bytesToByteString } from './block.ts';
import { type TarHeader } from './header.ts';
import { type PaxRecords, parsePaxInteger, parsePaxTime, XATTR_PREFIX } from './pax.ts';
import { paxSparseHeader, paxSparseName, type SparseHeader } from './sparse.ts';
import { displayName, tarInvalid } from './tar-error.ts';

/** The type flags (ustar) of the entries that an image may hold. */
export const TYPE_FLAGS: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

const TYPES = new Map<string, TarEntryType>(
  Object.entries(TYPE_FLAGS).map(([type, flag]) => [flag, type as TarEntryType]),
);

/** Largest user, group and device number that the formats of this package carry. */
export const MAX_ID = 0xffff_ffff;

/** What came before a member's own header and speaks of it. */
export interface MemberExtensions {
  readonly pax?: PaxRecords | undefined;
  readonly longName?: ByteString | undefined;
  readonly longLink?: ByteString | undefined;
}

/** A member's metadata, and what follows the header. */
export interface DecodedMember {
  readonly entry: TarEntry;
  /** Bytes of content in the archive. */
  readonly storedSize: number;
  readonly sparse?: SparseHeader;
}

/**
 * Joins a header block with what extends it. A GNU long name wins over a PAX path, which wins over the header.
 * @throws OciError `TAR_INVALID`, also for a member without a name unless that is allowed; `UNSUPPORTED` for unknown forms of
 * sparse files
 */
export function decodeMember(header: TarHeader, extensions: MemberExtensions, allowNameless = false): DecodedMember {
  const { pax } = extensions;
  const path = extensions.longName ?? paxSparseName(pax) ?? paxText(pax, 'path') ?? header.name;
  if (path === '' && !allowNameless) throw tarInvalid('a member has no name');
  const type = typeOf(header.typeFlag, header.sparse !== undefined, path);
  const sparse = header.sparse ?? (pax === undefined ? undefined : paxSparseHeader(pax, path));
  if (sparse !== undefined && type !== 'file') throw tarInvalid(`a ${type} cannot be sparse`, path);
  const storedSize = paxInteger(pax, 'size', header.size, path);
  const isLink = type === 'hardlink' || type === 'symlink';
  const isDevice = type === 'char' || type === 'block';
  const xattrs = pax === undefined ? undefined : xattrsOf(pax);
  const entry: TarEntry = {
    path,
    type,
    mode: header.mode & 0o7777,
    uid: inRange(paxInteger(pax, 'uid', header.uid, path), MAX_ID, 'uid', path),
    gid: inRange(paxInteger(pax, 'gid', header.gid, path), MAX_ID, 'gid', path),
    size: type === 'file' ? (sparse?.realSize ?? storedSize) : 0,
    mtime: mtimeOf(header, pax, path),
    linkPath: isLink ? (extensions.longLink ?? paxText(pax, 'linkpath') ?? header.linkName) : '',
    devMajor: isDevice ? inRange(header.devMajor, MAX_ID, 'device number', path) : 0,
    devMinor: isDevice ? inRange(header.devMinor, MAX_ID, 'device number', path) : 0,
    ...(xattrs === undefined ? {} : { xattrs }),
  };
  return { entry, storedSize: type === 'file' ? storedSize : 0, ...(sparse !== undefined && { sparse }) };
}

function typeOf(flag: string, isSparse: boolean, path: ByteString): TarEntryType {
  // Archives older than ustar know no directories: a name that ends in a slash is one.
  if (flag === '\0') return path.endsWith('/') ? 'directory' : 'file';
  const type = TYPES.get(flag);
  if (type !== undefined) return type;
  if (isSparse) return 'file';
  throw tarInvalid(`unknown type flag ${displayName(flag)}`, path);
}

function paxText(pax: PaxRecords | undefined, key: string): string | undefined {
  const value = pax?.get(key);
  // An empty value takes the record back (POSIX): the header's own field counts.
  if (value === undefined || value.length === 0) return undefined;
  const text = bytesToByteString(value, 0, value.length);
  if (text.includes('\0')) throw tarInvalid(`the PAX ${key} holds a NUL byte`, text);
  return text;
}

function paxInteger(pax: PaxRecords | undefined, key: string, otherwise: number, path: ByteString): number {
  const text = paxText(pax, key);
  if (text === undefined) return otherwise;
  return named(path, () => parsePaxInteger(text, key));
}

function mtimeOf(header: TarHeader, pax: PaxRecords | undefined, path: ByteString): TarTime {
  const text = paxText(pax, 'mtime');
  if (text === undefined) return { seconds: header.mtime, nanoseconds: 0 };
  return named(path, () => parsePaxTime(text));
}

function xattrsOf(pax: PaxRecords): ReadonlyMap<string, Uint8Array> | undefined {
  let xattrs: Map<string, Uint8Array> | undefined;
  for (const [key, value] of pax) {
    if (!key.startsWith(XATTR_PREFIX) || key.length === XATTR_PREFIX.length) continue;
    xattrs ??= new Map();
    // A copy: the value is a view, and whoever keeps it would hold on to the whole extended header.
    xattrs.set(key.slice(XATTR_PREFIX.length), new Uint8Array(value));
  }
  return xattrs;
}

function inRange(value: number, max: number, field: string, path: ByteString): number {
  if (value < 0 || value > max) throw tarInvalid(`the ${field} ${value} is out of range`, path);
  return value;
}

/** Runs `decode` and lets its error name the member. */
function named<T>(path: ByteString, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof OciError) throw new OciError(error.code, `${error.message} in ${displayName(path)}`);
    throw error;
  }
}
