import { createHash } from 'node:crypto';
import { type ByteString, compareByteStrings } from '@tsbuild/oci';

/** What of a file's lstat tells that its content is still the one that was hashed. Times in ms since 1970. */
export interface FileIdentity {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  /** The device's number, as stat(2) packs it. */
  readonly dev: number;
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
 *   count records of 80 bytes, sorted by path: f64 size, mtimeMs, ctimeMs, ino, dev, 32 bytes sha256, u32 start and end of its path
 *   root (UTF-8) · paths · sha256 of all before
 */
const NAME = 'tsbstat';
const VERSION = 2;
const MAGIC = `${NAME}${String.fromCharCode(VERSION)}`;
const HEADER = 20;
const RECORD = 80;
const CHECKSUM = 32;

/** A table without records. */
export function emptyTable(): DigestTable {
  return new Table('', Buffer.alloc(0));
}

/** Packs records into the bytes of a file. */
export function encodeTable(root: string, files: readonly KnownFile[]): Buffer {
  const sorted = files.toSorted((a, b) => compareByteStrings(a.path, b.path));
  const rootBytes = Buffer.from(root);
  const paths = Buffer.from(sorted.map(({ path }) => path).join(''), 'latin1');
  const head = Buffer.alloc(HEADER + sorted.length * RECORD);
  head.write(MAGIC, 'latin1');
  head.writeUInt32LE(sorted.length, 8);
  head.writeUInt32LE(rootBytes.length, 12);
  head.writeUInt32LE(paths.length, 16);
  let at = HEADER;
  let pathAt = 0;
  for (const file of sorted) {
    head.writeDoubleLE(file.size, at);
    head.writeDoubleLE(file.mtimeMs, at + 8);
    head.writeDoubleLE(file.ctimeMs, at + 16);
    head.writeDoubleLE(file.ino, at + 24);
    head.writeDoubleLE(file.dev, at + 32);
    head.write(file.sha256, at + 40, 'hex');
    head.writeUInt32LE(pathAt, at + 72);
    pathAt += file.path.length;
    head.writeUInt32LE(pathAt, at + 76);
    at += RECORD;
  }
  const body = Buffer.concat([head, rootBytes, paths]);
  return Buffer.concat([body, checksumOf(body)]);
}

/** Opens the bytes of a file. @throws Error when they are damaged, of another version, or of another root. */
export function decodeTable(bytes: Buffer, root: string): DigestTable {
  const parts = partsOf(bytes);
  if (parts.root !== root) throw new Error('the stat cache of another context');
  return new Table(parts.paths, parts.records);
}

/** The parts of a file, whose checksum is right. @throws Error when they are damaged, or of another version. */
function partsOf(bytes: Buffer): { readonly root: string; readonly paths: string; readonly records: Buffer } {
  const end = bytes.length - CHECKSUM;
  if (end < HEADER || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('not a stat cache');
  if (!checksumOf(bytes.subarray(0, end)).equals(bytes.subarray(end))) throw new Error('damaged stat cache');
  const count = bytes.readUInt32LE(8);
  const rootAt = HEADER + count * RECORD;
  const pathsAt = rootAt + bytes.readUInt32LE(12);
  if (pathsAt + bytes.readUInt32LE(16) !== end) throw new Error('damaged stat cache');
  const [root, paths] = [bytes.toString('utf8', rootAt, pathsAt), bytes.toString('latin1', pathsAt, end)];
  return { root, paths, records: bytes.subarray(HEADER, rootAt) };
}

/** What is wrong with the bytes of a file, of whatever context; undefined when nothing is, or another version wrote them. */
export function tableFault(bytes: Buffer): string | undefined {
  if (bytes.toString('latin1', 0, NAME.length) === NAME && bytes[NAME.length] !== VERSION) return undefined;
  try {
    partsOf(bytes);
    return undefined;
  } catch {
    return 'it is damaged: its checksum is another, or it holds no digests of a context';
  }
}

/** The context that a stat cache is of; undefined when the bytes are none. */
export function rootOfTable(bytes: Buffer): string | undefined {
  if (bytes.length < HEADER || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const rootAt = HEADER + bytes.readUInt32LE(8) * RECORD;
  return bytes.toString('utf8', rootAt, rootAt + bytes.readUInt32LE(12));
}

class Table implements DigestTable {
  /** All paths in a row. */
  readonly #paths: string;
  readonly #records: Buffer;
  /** Walks ask in nearly the order of the file: mostly the record behind the last one is the one. */
  #expected = 0;

  constructor(paths: string, records: Buffer) {
    this.#paths = paths;
    this.#records = records;
  }

  get length(): number {
    return this.#records.length / RECORD;
  }

  find(path: ByteString): number {
    const record = this.#isPath(this.#expected, path) ? this.#expected : this.#search(path);
    if (record >= 0) this.#expected = record + 1;
    return record;
  }

  sha256(record: number, identity: FileIdentity): string | undefined {
    const at = record * RECORD;
    const same =
      this.#records.readDoubleLE(at) === identity.size &&
      this.#records.readDoubleLE(at + 8) === identity.mtimeMs &&
      this.#records.readDoubleLE(at + 16) === identity.ctimeMs &&
      this.#records.readDoubleLE(at + 24) === identity.ino &&
      this.#records.readDoubleLE(at + 32) === identity.dev;
    return same ? this.#records.toString('hex', at + 40, at + 72) : undefined;
  }

  at(record: number): KnownFile {
    const at = record * RECORD;
    return {
      path: this.#path(record),
      size: this.#records.readDoubleLE(at),
      mtimeMs: this.#records.readDoubleLE(at + 8),
      ctimeMs: this.#records.readDoubleLE(at + 16),
      ino: this.#records.readDoubleLE(at + 24),
      dev: this.#records.readDoubleLE(at + 32),
      sha256: this.#records.toString('hex', at + 40, at + 72),
    };
  }

  #path(record: number): ByteString {
    const at = record * RECORD;
    return this.#paths.slice(this.#records.readUInt32LE(at + 72), this.#records.readUInt32LE(at + 76));
  }

  #isPath(record: number, path: ByteString): boolean {
    if (record >= this.length) return false;
    const at = record * RECORD;
    const start = this.#records.readUInt32LE(at + 72);
    return this.#records.readUInt32LE(at + 76) - start === path.length && this.#paths.startsWith(path, start);
  }

  #search(path: ByteString): number {
    let low = 0;
    let high = this.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = compareByteStrings(this.#path(middle), path);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}

function checksumOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
