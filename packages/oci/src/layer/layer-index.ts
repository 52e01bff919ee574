import { crc32 } from 'node:zlib';
import type { ByteString } from '../spec/byte-string.ts';
import { OciError } from '../spec/oci-error.ts';
import type { TarEntryType } from '../tar/entry.ts';
import type { LayerEntry } from './layer-entry.ts';
import {
  FLAGS_AT,
  HAS_LINKS,
  PATH_AT,
  readRecord,
  recordContentOffset,
  recordPath,
  recordPathLength,
  recordType,
  type Writable,
  readUint32,
} from './layer-index-record.ts';

/**
 * The encoded form: magic with version, checksum (crc32 of all that follows it), number of records, bytes of content in all
 * files and symlinks (a double), number of hard links into layers below, the positions of the records in order of their
 * paths, the records. Positions count from the start of the index.
 */
export const INDEX_MAGIC = 'tsblidx4';
const MAGIC_OF_ANY_VERSION = /^tsblidx\d$/;
const CHECKSUM_AT = 8;
export const COUNT_AT = 12;
export const CONTENT_SIZE_AT = 16;
export const LINKS_BELOW_AT = 24;
/** Where the positions begin. */
export const POSITIONS_AT = 28;

/** The character after the slash: the first that sorts behind everything below a directory. */
const AFTER_SLASH = '0';

/** Whether an encoded index was written by another version of this program: it is made again, and nothing is wrong with it. */
export function isIndexOfOtherVersion(bytes: Uint8Array): boolean {
  const magic = Buffer.from(bytes.subarray(0, INDEX_MAGIC.length)).toString('latin1');
  return magic !== INDEX_MAGIC && MAGIC_OF_ANY_VERSION.test(magic);
}

/** A direct child of a directory, as one layer knows it. */
export interface LayerChild {
  readonly name: ByteString;
  /** The number of its own record; -1 when the layer holds only things below it. */
  readonly record: number;
  /** True when the layer holds things below it. */
  readonly below: boolean;
}

/**
 * The entries of one layer, sorted by the bytes of their paths. Everything stays in the one buffer that was read from
 * disk; an entry is decoded when it is asked for, and a path is found by binary search.
 */
export class LayerIndex {
  readonly #buffer: Buffer;
  /** Number of entries. */
  readonly length: number;
  /** Bytes of content in all files and symlinks of the layer: what Docker calls the size of a layer. */
  readonly contentSize: number;
  /** Number of hard links whose target is in a layer below. */
  readonly linksBelow: number;
  /** The root's own path is empty, so it comes first. */
  readonly #hasRoot: boolean;

  /** For {@link LayerIndexBuilder} and {@link LayerIndex.decode}; `bytes` are well formed. */
  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.length = this.#buffer.readUInt32LE(COUNT_AT);
    this.contentSize = this.#buffer.readDoubleLE(CONTENT_SIZE_AT);
    this.linksBelow = this.#buffer.readUInt32LE(LINKS_BELOW_AT);
    this.#hasRoot = this.length > 0 && recordPathLength(this.#buffer, this.#position(0)) === 0;
  }

  /**
   * Opens an encoded index without decoding its entries; keeps `bytes`, which must not change any more.
   * @throws OciError `LAYER_INVALID` when it is damaged or of another version: make it again from the layer
   */
  static decode(bytes: Uint8Array): LayerIndex {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const whole =
      buffer.length >= POSITIONS_AT &&
      buffer.toString('latin1', 0, INDEX_MAGIC.length) === INDEX_MAGIC &&
      POSITIONS_AT + 4 * buffer.readUInt32LE(COUNT_AT) <= buffer.length &&
      buffer.readUInt32LE(CHECKSUM_AT) === crc32(buffer.subarray(COUNT_AT));
    if (!whole) throw new OciError('LAYER_INVALID', 'the layer index is damaged or of another version');
    return new LayerIndex(bytes);
  }

  /** The bytes that {@link LayerIndex.decode} takes. */
  encode(): Uint8Array {
    this.#buffer.write(INDEX_MAGIC, 0, 'latin1');
    this.#buffer.writeUInt32LE(crc32(this.#buffer.subarray(COUNT_AT)), CHECKSUM_AT);
    return this.#buffer;
  }

  /** What the layer says of the root directory itself; its path is `''`. It is in no listing of this class. */
  get root(): LayerEntry | undefined {
    return this.#hasRoot ? this.at(0) : undefined;
  }

  /** The entry of exactly this path. */
  get(path: ByteString): LayerEntry | undefined {
    const record = this.find(path);
    return record < 0 ? undefined : this.at(record);
  }

  /** Everything below `under` (itself excluded), or below the root, in byte order. */
  *entries(under: ByteString = ''): Generator<LayerEntry, void, undefined> {
    const end = this.#endBelow(under);
    for (let record = this.#firstBelow(under); record < end; record++) yield this.at(record);
  }

  /** The number of the record of exactly this path, or -1. Quickest when it is `near`, as for whoever goes by the order. */
  find(path: ByteString, near = -1): number {
    if (near >= 0 && near < this.length && this.#isAt(near, path)) return near;
    const record = this.#lowerBound(path);
    return record < this.length && this.#isAt(record, path) ? record : -1;
  }

  /** The entry with this number, 0 … length - 1 in byte order of paths. */
  at(record: number): Writable<LayerEntry> {
    return readRecord(this.#buffer, this.#position(record));
  }

  /** Where the content of this file begins in the layer, if it has that size and sha256 (hexadecimal); else -1. */
  contentOffset(record: number, size: number, sha256: string): number {
    return recordContentOffset(this.#buffer, this.#position(record), size, sha256);
  }

  /** True when hard links of this layer point to this entry. */
  hasLinks(record: number): boolean {
    return ((this.#buffer[this.#position(record) + FLAGS_AT] ?? 0) & HAS_LINKS) !== 0;
  }

  /** The type of the entry with this number. */
  typeAt(record: number): TarEntryType {
    return recordType(this.#buffer, this.#position(record));
  }

  /** True when the layer holds anything below `directory`. */
  hasBelow(directory: ByteString): boolean {
    if (directory === '') return this.length > this.#firstBelow('');
    const beginning = `${directory}/`;
    const first = this.#lowerBound(beginning);
    if (first === this.length) return false;
    const at = this.#position(first);
    const length = recordPathLength(this.#buffer, at);
    return this.#sharedLength(at + PATH_AT, length, beginning, 0) === beginning.length;
  }

  /**
   * The direct children of `directory`. A name may come twice, once with its record and once for what is below it,
   * because other names sort between the two (`a`, `a-b`, `a/c`). Subtrees are passed over, not walked.
   */
  *children(directory: ByteString): Generator<LayerChild, void, undefined> {
    const start = directory === '' ? 0 : directory.length + 1;
    const end = this.#endBelow(directory);
    let record = this.#firstBelow(directory);
    while (record < end) {
      const path = recordPath(this.#buffer, this.#position(record));
      const slash = path.indexOf('/', start);
      if (slash < 0) {
        yield { name: path.slice(start), record, below: false };
        record++;
      } else {
        yield { name: path.slice(start, slash), record: -1, below: true };
        record = this.#lowerBound(path.slice(0, slash) + AFTER_SLASH, record + 1);
      }
    }
  }

  #firstBelow(directory: ByteString): number {
    return directory === '' ? Number(this.#hasRoot) : this.#lowerBound(`${directory}/`);
  }

  #endBelow(directory: ByteString): number {
    return directory === '' ? this.length : this.#lowerBound(directory + AFTER_SLASH);
  }

  /** The first record whose path is not less than `path`. */
  #lowerBound(path: ByteString, from = 0): number {
    let low = from;
    let high = this.length;
    // Everything between two paths that share a beginning shares it too, so that much is never compared again.
    let sharedWithLow = 0;
    let sharedWithHigh = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.#position(middle);
      const length = recordPathLength(this.#buffer, at);
      const shared = this.#sharedLength(at + PATH_AT, length, path, Math.min(sharedWithLow, sharedWithHigh));
      const isLess =
        shared === length ? length < path.length : (this.#buffer[at + PATH_AT + shared] ?? 0) < codeAt(path, shared);
      if (isLess) {
        low = middle + 1;
        sharedWithLow = shared;
      } else {
        high = middle;
        sharedWithHigh = shared;
      }
    }
    return low;
  }

  /** How many bytes the path at `at` and `path` have in common from the start; `known` of them surely. */
  #sharedLength(at: number, length: number, path: ByteString, known: number): number {
    const buffer = this.#buffer;
    const most = length < path.length ? length : path.length;
    let shared = known;
    while (shared < most && buffer[at + shared] === path.charCodeAt(shared)) shared++;
    return shared;
  }

  #isAt(record: number, path: ByteString): boolean {
    const at = this.#position(record);
    const length = recordPathLength(this.#buffer, at);
    return length === path.length && this.#sharedLength(at + PATH_AT, length, path, 0) === length;
  }

  #position(record: number): number {
    return readUint32(this.#buffer, POSITIONS_AT + 4 * record);
  }
}

/** The byte at `index`; -1, less than any byte, behind the end. */
function codeAt(path: ByteString, index: number): number {
  return index < path.length ? path.charCodeAt(index) : -1;
}
