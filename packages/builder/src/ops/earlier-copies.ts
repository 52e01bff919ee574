import { hash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BlobReader, type BlobStore, type ByteString, type Digest, isDigest } from '@tsbuild/oci';
import { type LayerIndex, type LayerIndexStore, temporaryPath } from '@tsbuild/oci/node';

/** So many COPY steps of one context find the layers that they wrote before. */
const MOST = 8;

/** Read at once: unchanged files lie in the earlier layer in the order in which they are wanted. */
const WINDOW = 2 * 1024 * 1024;

/** Where an earlier layer has a file's bytes. */
export interface EarlierFile {
  readonly layer: EarlierLayer;
  readonly offset: number;
}

/**
 * The layers that were written from a build context before. When one of ten thousands of files has changed, the bytes of
 * the others come from there in a few large reads, not from as many files that each are opened.
 */
export class EarlierCopies {
  readonly #directory: string;
  readonly #blobs: BlobStore;
  readonly #indexes: LayerIndexStore;

  /** `directory` keeps their digests, in a file for each context beside that of its stat cache. */
  constructor(directory: string, blobs: BlobStore, indexes: LayerIndexStore) {
    this.#directory = directory;
    this.#blobs = blobs;
    this.#indexes = indexes;
  }

  /** Those of the context at `place` that are still stored, the latest first. Close each of them. */
  async open(place: ByteString): Promise<readonly EarlierLayer[]> {
    const layers: EarlierLayer[] = [];
    for (const digest of this.#digests(this.#file(place))) {
      const index = await this.#indexes.kept(digest);
      if (index === undefined || (await this.#blobs.has(digest)) === undefined) continue;
      layers.push(new EarlierLayer(index, this.#blobs.openReader(digest)));
    }
    return layers;
  }

  /** Remembers a layer for later builds. What goes wrong costs them time and nothing else. */
  add(place: ByteString, layer: Digest): void {
    const file = this.#file(place);
    const digests = [layer, ...this.#digests(file).filter((digest) => digest !== layer)].slice(0, MOST);
    const temporary = temporaryPath(this.#directory, basename(file));
    try {
      mkdirSync(this.#directory, { recursive: true });
      writeFileSync(temporary, digests.map((digest) => `${digest}\n`).join(''));
      renameSync(temporary, file);
    } catch {
      removeQuietly(temporary);
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

/** One of {@link EarlierCopies}, opened. */
export class EarlierLayer {
  readonly #index: LayerIndex;
  readonly #reader: BlobReader;
  #window: Buffer | undefined;
  #start = 0;
  #end = 0;

  constructor(index: LayerIndex, reader: BlobReader) {
    this.#index = index;
    this.#reader = reader;
  }

  /** The file of this path in the image, if it has this content and is small enough for {@link read}. */
  find(path: ByteString, size: number, sha256: string): EarlierFile | undefined {
    const record = size > WINDOW ? -1 : this.#index.find(path);
    if (record < 0) return undefined;
    const entry = this.#index.at(record);
    const same = entry.type === 'file' && entry.size === size && entry.contentSha256 === sha256;
    return same ? { layer: this, offset: entry.offset } : undefined;
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

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Its folder is no folder: there is nothing to remove.
  }
}
