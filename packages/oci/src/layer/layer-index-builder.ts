import { type ByteString, compareByteStrings } from '../spec/byte-string.ts';
import { indexTooLarge, MAX_INDEX_BYTES } from './index-budget.ts';
import type { LayerEntry } from './layer-entry.ts';
import { layerInvalid } from './layer-error.ts';
import { CONTENT_SIZE_AT, COUNT_AT, INDEX_MAGIC, LayerIndex, LINKS_BELOW_AT, POSITIONS_AT } from './layer-index.ts';
import { FLAGS_AT, HAS_LINKS, recordSize, writeRecord } from './layer-index-record.ts';

/** Collects the entries of a layer, in any order, and makes its index. Keeps bytes and paths, no entry objects. */
export class LayerIndexBuilder {
  #records = Buffer.allocUnsafe(16 * 1024);
  #filled = 0;
  #contentSize = 0;
  #linksBelow = 0;
  readonly #paths: ByteString[] = [];
  readonly #starts: number[] = [];
  readonly #linkTargets = new Set<ByteString>();

  /** Number of entries so far. */
  get length(): number {
    return this.#paths.length;
  }

  /** Adds one entry. Each path may come once. @throws OciError `LIMIT_EXCEEDED` */
  add(entry: LayerEntry): void {
    const size = recordSize(entry);
    if (this.#filled + size > this.#records.length) this.#grow(size);
    writeRecord(this.#records, this.#filled, entry);
    this.#paths.push(entry.path);
    this.#starts.push(this.#filled);
    this.#filled += size;
    this.#contentSize += entry.type === 'symlink' ? entry.linkPath.length : entry.size;
    if (entry.linksBelow === true) this.#linksBelow++;
    else if (entry.type === 'hardlink') this.#linkTargets.add(entry.linkPath);
  }

  /**
   * The index of all that was added.
   * @throws OciError `LAYER_INVALID` when a path came twice, or a hard link's target is not there
   */
  build(): LayerIndex {
    const order = this.#order();
    const recordsAt = POSITIONS_AT + 4 * order.length;
    const buffer = Buffer.allocUnsafe(recordsAt + this.#filled);
    buffer.write(INDEX_MAGIC, 0, 'latin1');
    buffer.fill(0, INDEX_MAGIC.length, POSITIONS_AT);
    buffer.writeUInt32LE(order.length, COUNT_AT);
    buffer.writeDoubleLE(this.#contentSize, CONTENT_SIZE_AT);
    buffer.writeUInt32LE(this.#linksBelow, LINKS_BELOW_AT);
    this.#records.copy(buffer, recordsAt, 0, this.#filled);
    order.forEach((added, record) => {
      buffer.writeUInt32LE(recordsAt + (this.#starts[added] ?? 0), POSITIONS_AT + 4 * record);
    });
    const index = new LayerIndex(buffer);
    for (const target of this.#linkTargets) {
      const record = index.find(target);
      if (record < 0) throw layerInvalid(target, 'hard links point to it, but it is not in the layer');
      const flags = buffer.readUInt32LE(POSITIONS_AT + 4 * record) + FLAGS_AT;
      buffer[flags] = (buffer[flags] ?? 0) | HAS_LINKS;
    }
    return index;
  }

  /** The entries' numbers in byte order of their paths. */
  #order(): Uint32Array {
    const paths = this.#paths;
    const order = Uint32Array.from(paths.keys());
    const pathOf = (added: number) => paths[added] ?? '';
    if (!isSorted(paths)) order.sort((a, b) => compareByteStrings(pathOf(a), pathOf(b)));
    for (let i = 1; i < order.length; i++) {
      const path = pathOf(order[i] ?? 0);
      if (path === pathOf(order[i - 1] ?? 0)) throw layerInvalid(path, 'it is in the layer twice');
    }
    return order;
  }

  #grow(needed: number): void {
    const least = this.#filled + needed;
    if (least > MAX_INDEX_BYTES) throw indexTooLarge(MAX_INDEX_BYTES);
    const grown = Buffer.allocUnsafe(Math.max(Math.min(2 * this.#records.length, MAX_INDEX_BYTES), least));
    this.#records.copy(grown, 0, 0, this.#filled);
    this.#records = grown;
  }
}

function isSorted(paths: readonly ByteString[]): boolean {
  for (let i = 1; i < paths.length; i++) if ((paths[i - 1] ?? '') > (paths[i] ?? '')) return false;
  return true;
}
