import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BlobReader, type BlobStore, type ByteString, type Digest, isDigest } from '@tsbuild/oci';
import { replaceFileUnsynced } from '@tsbuild/oci/internal';
import { type LayerIndex, type LayerIndexStore } from '@tsbuild/oci/node';
import type { CopyPlan } from './copy-item.ts';
import type { EarlierContent, EarlierFile, EarlierLayer } from './earlier-content.ts';

/** So many COPY steps of one context find the layers that they wrote before. */
const MOST = 8;

/** So many files stand for all when layers are chosen. */
const SAMPLE = 200;

/** Read at once: unchanged files lie in the earlier layer in the order in which they are wanted. */
const WINDOW = 2 * 1024 * 1024;

/**
 * The layers that were written from a build context before. When one of ten thousands of files has changed, the bytes of
 * the others come from there in a few large reads, not from as many files that each are opened.
 */
export class EarlierCopies implements EarlierContent {
  readonly #directory: string;
  readonly #blobs: BlobStore;
  readonly #indexes: LayerIndexStore;

  /** `directory` keeps their digests, in a file for each context beside that of its stat cache. */
  constructor(directory: string, blobs: BlobStore, indexes: LayerIndexStore) {
    this.#directory = directory;
    this.#blobs = blobs;
    this.#indexes = indexes;
  }

  /**
   * Those of the context at `place` that are still stored and have files of `plan`, the latest first: not more of them than
   * it takes to find most of a sample, as every index of a great layer costs time and memory. Close each of them.
   */
  async open(place: ByteString, plan: CopyPlan): Promise<readonly EarlierLayer[]> {
    const layers: EarlierLayer[] = [];
    const sample = sampleOf(plan);
    const enough = sample.size / 8;
    for (const digest of this.#digests(this.#file(place))) {
      if (layers.length > 0 && sample.size <= enough) break;
      const index = await this.#indexes.kept(digest);
      if (index === undefined || (await this.#blobs.has(digest)) === undefined) continue;
      const found = [...sample].filter(([path, size]) => index.get(path)?.size === size);
      if (found.length === 0) continue;
      for (const [path] of found) sample.delete(path);
      layers.push(new StoredLayer(index, this.#blobs.openReader(digest)));
    }
    return layers;
  }

  /** Remembers a layer for later builds. What goes wrong costs them time and nothing else. */
  add(place: ByteString, layer: Digest): void {
    const file = this.#file(place);
    const digests = [layer, ...this.#digests(file).filter((digest) => digest !== layer)].slice(0, MOST);
    try {
      replaceFileUnsynced(file, digests.map((digest) => `${digest}\n`).join(''));
    } catch {
      // As said.
    }
  }

  #file(place: ByteString): string {
    return join(this.#directory, `${hash('sha256', Buffer.from(place, 'latin1'))}.layers`);
  }

  #digests(file: string): readonly Digest[] {
    try {
      return readFileSync(file, 'latin1').split('\n').filter(isDigest);
    } catch {
      return [];
    }
  }
}

/** Some of the files that are to be copied, from all over them, with their sizes. */
function sampleOf({ items }: CopyPlan): Map<ByteString, number> {
  const step = Math.ceil(items.size / SAMPLE);
  const sample = new Map<ByteString, number>();
  let next = 0;
  let at = 0;
  for (const [path, item] of items) {
    if (at++ < next || item.kind !== 'copied' || item.entry.type !== 'file') continue;
    sample.set(path, item.entry.size);
    next = at + step - 1;
  }
  return sample;
}

/** One of {@link EarlierCopies}, opened. */
class StoredLayer implements EarlierLayer {
  readonly #index: LayerIndex;
  readonly #reader: BlobReader;
  #next = 0;
  #window: Buffer | undefined;
  #start = 0;
  #end = 0;

  constructor(index: LayerIndex, reader: BlobReader) {
    this.#index = index;
    this.#reader = reader;
  }

  /** The file of this path in the image, if it has this content and is small enough for {@link read}. */
  find(path: ByteString, size: number, sha256: string): EarlierFile | undefined {
    const record = size > WINDOW ? -1 : this.#index.find(path, this.#next);
    if (record < 0) return undefined;
    // Who asks for file after file goes by their order, too; folders come between.
    this.#next = record + 1;
    const offset = this.#index.contentOffset(record, size, sha256);
    return offset < 0 ? undefined : { layer: this, offset };
  }

  /** The bytes, valid until the next call; undefined when they are not what they should be: a damaged store. */
  read(offset: number, size: number, sha256: string): Uint8Array | undefined {
    this.#window ??= Buffer.allocUnsafe(WINDOW);
    if (offset < this.#start || offset + size > this.#end) {
      this.#start = offset;
      this.#end = offset + this.#reader.read(this.#window, offset);
    }
    const bytes = this.#window.subarray(offset - this.#start, offset - this.#start + size);
    return bytes.length === size && hash('sha256', bytes) === sha256 ? bytes : undefined;
  }

  close(): void {
    this.#reader.close();
  }
}
