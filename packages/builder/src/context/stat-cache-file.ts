import { createHash } from 'node:crypto';
import type { ByteString } from '@tsbuild/oci';
import { compareByteStrings } from '@tsbuild/oci';

/** What of a file's lstat tells that its content is still the one that was hashed. Times in ms since 1970. */
export interface FileIdentity {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
}

/** One line of a stat cache. */
export interface KnownFile extends FileIdentity {
  readonly path: ByteString;
  /** Of the content, hexadecimal. */
  readonly sha256: string;
}

/** The records of a stat cache as they lie in its file: nothing is decoded before it is asked for. */
export interface DigestTable {
  readonly length: number;
  /** The record of a path, or -1. */
  find(path: ByteString): number;
  /** The digest in a record, if the rest of it says `identity`. */
  sha256(record: number, identity: FileIdentity): string | undefined;
  at(record: number): KnownFile;
}

/*
 * The file, all numbers little-endian:
 *   8 bytes magic and version · u32 count · u32 length of root · u32 length of paths
 *   count records of 64 bytes, sorted by path: f64 size, mtimeMs, ctimeMs, ino, 32 bytes sha256
 *   root (UTF-8) · paths, each ended by a NUL · sha256 of all before
 */
const MAGIC = 'tsbstat\x01';
const HEADER = 20;
const RECORD = 64;
const CHECKSUM = 32;

/** A table without records. */
export function emptyTable(): DigestTable {
  return new Table([], Buffer.alloc(0));
}

/** Packs records into the bytes of a file. */
export function encodeTable(root: string, files: readonly KnownFile[]): Buffer {
  const sorted = files.toSorted((a, b) => compareByteStrings(a.path, b.path));
  const rootBytes = Buffer.from(root);
  const paths = Buffer.from(sorted.map(({ path }) => `${path}\0`).join(''), 'latin1');
  const head = Buffer.alloc(HEADER + sorted.length * RECORD);
  head.write(MAGIC, 'latin1');
  head.writeUInt32LE(sorted.length, 8);
  head.writeUInt32LE(rootBytes.length, 12);
  head.writeUInt32LE(paths.length, 16);
  for (const [record, file] of sorted.entries()) {
    const at = HEADER + record * RECORD;
    head.writeDoubleLE(file.size, at);
    head.writeDoubleLE(file.mtimeMs, at + 8);
    head.writeDoubleLE(file.ctimeMs, at + 16);
    head.writeDoubleLE(file.ino, at + 24);
    head.write(file.sha256, at + 32, 'hex');
  }
  const body = Buffer.concat([head, rootBytes, paths]);
  return Buffer.concat([body, checksumOf(body)]);
}

/** Opens the bytes of a file. @throws Error when they are damaged, of another version, or of another root. */
export function decodeTable(bytes: Buffer, root: string): DigestTable {
  const end = bytes.length - CHECKSUM;
  if (end < HEADER || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('not a stat cache');
  if (!checksumOf(bytes.subarray(0, end)).equals(bytes.subarray(end))) throw new Error('damaged stat cache');
  const count = bytes.readUInt32LE(8);
  const rootAt = HEADER + count * RECORD;
  const pathsAt = rootAt + bytes.readUInt32LE(12);
  if (pathsAt + bytes.readUInt32LE(16) !== end) throw new Error('damaged stat cache');
  if (bytes.toString('utf8', rootAt, pathsAt) !== root) throw new Error('the stat cache of another context');
  const paths = count === 0 ? [] : bytes.toString('latin1', pathsAt, end - 1).split('\0');
  if (paths.length !== count) throw new Error('damaged stat cache');
  return new Table(paths, bytes.subarray(HEADER, rootAt));
}

class Table implements DigestTable {
  readonly #paths: readonly ByteString[];
  readonly #records: Buffer;
  /** Walks ask in nearly the order of the file: mostly the record behind the last one is the one. */
  #expected = 0;

  constructor(paths: readonly ByteString[], records: Buffer) {
    this.#paths = paths;
    this.#records = records;
  }

  get length(): number {
    return this.#paths.length;
  }

  find(path: ByteString): number {
    const record = this.#paths[this.#expected] === path ? this.#expected : search(this.#paths, path);
    if (record >= 0) this.#expected = record + 1;
    return record;
  }

  sha256(record: number, identity: FileIdentity): string | undefined {
    const at = record * RECORD;
    const same =
      this.#records.readDoubleLE(at) === identity.size &&
      this.#records.readDoubleLE(at + 8) === identity.mtimeMs &&
      this.#records.readDoubleLE(at + 16) === identity.ctimeMs &&
      this.#records.readDoubleLE(at + 24) === identity.ino;
    return same ? this.#records.toString('hex', at + 32, at + RECORD) : undefined;
  }

  at(record: number): KnownFile {
    const at = record * RECORD;
    return {
      path: this.#paths[record] ?? '',
      size: this.#records.readDoubleLE(at),
      mtimeMs: this.#records.readDoubleLE(at + 8),
      ctimeMs: this.#records.readDoubleLE(at + 16),
      ino: this.#records.readDoubleLE(at + 24),
      sha256: this.#records.toString('hex', at + 32, at + RECORD),
    };
  }
}

function search(sorted: readonly ByteString[], path: ByteString): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = sorted[middle] ?? '';
    if (found === path) return middle;
    if (found < path) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function checksumOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
