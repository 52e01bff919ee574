import type { ByteString } from '../spec/byte-string.ts';
import type { TarEntryType } from '../tar/entry.ts';
import type { SparseRegion } from '../tar/sparse.ts';
import type { LayerEntry } from './layer-entry.ts';

/**
 * One record of a layer index, little-endian: 60 bytes of numbers, then path, link target, xattrs, and for files the
 * 32 bytes of the content's sha256. Numbers first and the path at a fixed place, so that a search reads nothing else.
 */
export const PATH_AT = 60;
const SHA256_SIZE = 32;

const HAS_SHA256 = 1;
/** Set on a file that hard links of its layer point to. */
export const HAS_LINKS = 2;
/** Set on a hard link whose target is in a layer below. */
const LINKS_BELOW = 4;
/** Set on a sparse file: after the sha256 come the number of its parts, and three doubles for each. */
const IS_SPARSE = 8;
const REGION_SIZE = 24;
export const FLAGS_AT = 13;

const TYPES: readonly TarEntryType[] = ['file', 'hardlink', 'symlink', 'char', 'block', 'directory', 'fifo'];
const CODES = new Map(TYPES.map((type, code) => [type, code]));

/** Bytes that the record of `entry` takes. */
export function recordSize(entry: LayerEntry): number {
  const sha256 = entry.contentSha256 === undefined ? 0 : SHA256_SIZE;
  const sparse = entry.sparse === undefined ? 0 : 4 + REGION_SIZE * entry.sparse.length;
  return PATH_AT + entry.path.length + entry.linkPath.length + xattrsSize(entry.xattrs) + sha256 + sparse;
}

/** Writes the record of `entry` at `at`; there must be room for {@link recordSize} bytes. */
export function writeRecord(buffer: Buffer, at: number, entry: LayerEntry): void {
  const { path, linkPath, contentSha256 } = entry;
  const xattrs = xattrsSize(entry.xattrs);
  writeUint32(buffer, at, path.length);
  writeUint32(buffer, at + 4, linkPath.length);
  writeUint32(buffer, at + 8, xattrs);
  buffer[at + 12] = CODES.get(entry.type) ?? 0;
  buffer[at + FLAGS_AT] =
    (contentSha256 === undefined ? 0 : HAS_SHA256) |
    (entry.linksBelow === true ? LINKS_BELOW : 0) |
    (entry.sparse === undefined ? 0 : IS_SPARSE);
  buffer.writeUInt16LE(entry.mode, at + 14);
  writeUint32(buffer, at + 16, entry.uid);
  writeUint32(buffer, at + 20, entry.gid);
  buffer.writeDoubleLE(entry.size, at + 24);
  buffer.writeDoubleLE(entry.offset, at + 32);
  buffer.writeDoubleLE(entry.mtime.seconds, at + 40);
  writeUint32(buffer, at + 48, entry.mtime.nanoseconds);
  writeUint32(buffer, at + 52, entry.devMajor);
  writeUint32(buffer, at + 56, entry.devMinor);
  let next = at + PATH_AT;
  next += buffer.write(path, next, 'latin1');
  if (linkPath !== '') next += buffer.write(linkPath, next, 'latin1');
  if (entry.xattrs !== undefined) next = writeXattrs(buffer, next, entry.xattrs);
  if (contentSha256 !== undefined) next += buffer.write(contentSha256, next, SHA256_SIZE, 'hex');
  if (entry.sparse !== undefined) writeRegions(buffer, next, entry.sparse);
}

/** Bytes of the path of the record at `at`. */
export function recordPathLength(buffer: Uint8Array, at: number): number {
  return readUint32(buffer, at);
}

/** A little-endian number, without the checks of Buffer's own method: searches read many. */
export function readUint32(buffer: Uint8Array, at: number): number {
  const low = (buffer[at] ?? 0) | ((buffer[at + 1] ?? 0) << 8) | ((buffer[at + 2] ?? 0) << 16);
  return low + (buffer[at + 3] ?? 0) * 0x1000000;
}

function writeUint32(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 24;
}

/** The path of the record at `at`. */
export function recordPath(buffer: Buffer, at: number): ByteString {
  return buffer.toString('latin1', at + PATH_AT, at + PATH_AT + buffer.readUInt32LE(at));
}

/** The type of the record at `at`. */
export function recordType(buffer: Buffer, at: number): TarEntryType {
  return TYPES[buffer[at + 12] ?? 0] ?? 'file';
}

/** A decoded entry is a fresh object: whoever gets it first may complete it. */
export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Decodes the record at `at`. */
export function readRecord(buffer: Buffer, at: number): Writable<LayerEntry> {
  const linkAt = at + PATH_AT + readUint32(buffer, at);
  const xattrsAt = linkAt + readUint32(buffer, at + 4);
  const sha256At = xattrsAt + readUint32(buffer, at + 8);
  const entry: Writable<LayerEntry> = {
    path: buffer.toString('latin1', at + PATH_AT, linkAt),
    type: recordType(buffer, at),
    mode: buffer.readUInt16LE(at + 14),
    uid: readUint32(buffer, at + 16),
    gid: readUint32(buffer, at + 20),
    size: buffer.readDoubleLE(at + 24),
    offset: buffer.readDoubleLE(at + 32),
    mtime: { seconds: buffer.readDoubleLE(at + 40), nanoseconds: readUint32(buffer, at + 48) },
    devMajor: readUint32(buffer, at + 52),
    devMinor: readUint32(buffer, at + 56),
    linkPath: linkAt === xattrsAt ? '' : buffer.toString('latin1', linkAt, xattrsAt),
  };
  // Assigned, not spread: entries are decoded by the ten thousand.
  const flags = buffer[at + FLAGS_AT] ?? 0;
  if ((flags & LINKS_BELOW) !== 0) entry.linksBelow = true;
  if ((flags & HAS_SHA256) !== 0) entry.contentSha256 = buffer.toString('hex', sha256At, sha256At + SHA256_SIZE);
  if (xattrsAt !== sha256At) entry.xattrs = readXattrs(buffer, xattrsAt, sha256At);
  if ((flags & IS_SPARSE) !== 0) entry.sparse = readRegions(buffer, sha256At + SHA256_SIZE);
  return entry;
}

/** Where the content of the file at `at` lies in its layer in one piece, if it has this size and digest (hexadecimal); else -1. */
export function recordContentOffset(buffer: Buffer, at: number, size: number, sha256: string): number {
  const isWhole = ((buffer[at + FLAGS_AT] ?? 0) & (HAS_SHA256 | IS_SPARSE)) === HAS_SHA256;
  if (!isWhole || recordType(buffer, at) !== 'file' || buffer.readDoubleLE(at + 24) !== size) return -1;
  const sha256At = at + PATH_AT + readUint32(buffer, at) + readUint32(buffer, at + 4) + readUint32(buffer, at + 8);
  return buffer.toString('hex', sha256At, sha256At + SHA256_SIZE) === sha256 ? buffer.readDoubleLE(at + 32) : -1;
}

function writeRegions(buffer: Buffer, at: number, regions: readonly SparseRegion[]): void {
  let next = buffer.writeUInt32LE(regions.length, at);
  for (const { position, offset, size } of regions) {
    next = buffer.writeDoubleLE(position, next);
    next = buffer.writeDoubleLE(offset, next);
    next = buffer.writeDoubleLE(size, next);
  }
}

function readRegions(buffer: Buffer, at: number): readonly SparseRegion[] {
  return Array.from({ length: buffer.readUInt32LE(at) }, (_, i) => {
    const region = at + 4 + REGION_SIZE * i;
    const [position, offset, size] = [0, 8, 16].map((field) => buffer.readDoubleLE(region + field));
    return { position: position ?? 0, offset: offset ?? 0, size: size ?? 0 };
  });
}

function xattrsSize(xattrs: ReadonlyMap<string, Uint8Array> | undefined): number {
  if (xattrs === undefined) return 0;
  let size = 0;
  for (const [key, value] of xattrs) size += 8 + key.length + value.length;
  return size;
}

function writeXattrs(buffer: Buffer, at: number, xattrs: ReadonlyMap<string, Uint8Array>): number {
  let next = at;
  for (const [key, value] of xattrs) {
    buffer.writeUInt32LE(key.length, next);
    buffer.writeUInt32LE(value.length, next + 4);
    buffer.write(key, next + 8, 'latin1');
    buffer.set(value, next + 8 + key.length);
    next += 8 + key.length + value.length;
  }
  return next;
}

function readXattrs(buffer: Buffer, from: number, to: number): ReadonlyMap<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  let next = from;
  while (next < to) {
    const valueAt = next + 8 + buffer.readUInt32LE(next);
    const end = valueAt + buffer.readUInt32LE(next + 4);
    xattrs.set(buffer.toString('latin1', next + 8, valueAt), new Uint8Array(buffer.subarray(valueAt, end)));
    next = end;
  }
  return xattrs;
}
