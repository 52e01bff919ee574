import { crc32 } from 'node:zlib';
import type { ByteString } from '../byte-string.ts';
import { OciError } from '../errors.ts';
import type { TarEntryType } from '../tar/entry.ts';
import type { LayerEntry } from './layer-entry.ts';
import {
  FLAGS_AT,
  HAS_LINKS,
  PATH_AT,
  readRecord,
  recordPath,
  recordPathLength,
  recordType,
} from './layer-index-record.ts';

/**
 * The encoded form: magic with version, checksum (crc32 of all that follows it), number of records, the positions of the
 * records in order of their paths, the records. Positions count from the start of the index.
 */
export const INDEX_MAGIC = 'tsblidx1';
const CHECKSUM_AT = 8;
const COUNT_AT = 12;
/** Where the positions begin. */
export const POSITIONS_AT = 16;

/** The character after the slash: the first that sorts behind everything below a directory. */
const AFTER_SLASH = '0';

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

  /** For {@link LayerIndexBuilder} and {@link LayerIndex.decode}; `bytes` are well formed. */
  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.length = this.#buffer.readUInt32LE(COUNT_AT);
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

  /** The entry of exactly this path. */
  get(path: ByteString): LayerEntry | undefined {
    const record = this.find(path);
    return record < 0 ? undefined : this.at(record);
  }

  /** Everything below `under` (itself excluded), or everything there is, in byte order. */
  *entries(under: ByteString = ''): Generator<LayerEntry, void, undefined> {
    const end = this.#endBelow(under);
    for (let record = this.#firstBelow(under); record < end; record++) yield this.at(record);
  }

  /** The number of the record of exactly this path, or -1. */
  find(path: ByteString): number {
    const record = this.#lowerBound(path);
    return record < this.length && this.#compare(record, path) === 0 ? record : -1;
  }

  /** The entry with this number, 0 … length - 1 in byte order of paths. */
  at(record: number): LayerEntry {
    return readRecord(this.#buffer, this.#position(record));
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
    if (directory === '') return this.length > 0;
    const first = this.#firstBelow(directory);
    // What sorts first behind `directory/` lies in it, unless it lies behind all of it.
    return first < this.length && this.#compare(first, directory + AFTER_SLASH) < 0;
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
    return directory === '' ? 0 : this.#lowerBound(`${directory}/`);
  }

  #endBelow(directory: ByteString): number {
    return directory === '' ? this.length : this.#lowerBound(directory + AFTER_SLASH);
  }

  /** The first record whose path is not less than `path`. */
  #lowerBound(path: ByteString, from = 0): number {
    let low = from;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(middle, path) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Compares in place: a decoded string per step would cost more than the search itself. */
  #compare(record: number, path: ByteString): number {
    const buffer = this.#buffer;
    const at = this.#position(record);
    const length = recordPathLength(buffer, at);
    const shared = Math.min(length, path.length);
    for (let i = 0; i < shared; i++) {
      const difference = (buffer[at + PATH_AT + i] ?? 0) - path.charCodeAt(i);
      if (difference !== 0) return difference;
    }
    return length - path.length;
  }

  #position(record: number): number {
    return this.#buffer.readUInt32LE(POSITIONS_AT + 4 * record);
  }
}
