import { readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { replaceFileUnsynced, temporaryPath } from '../processes/atomic-file.ts';
import { sealJson, unsealJson } from '../processes/sealed-json.ts';
import type { BlobStore } from '../blob/blob-store.ts';
import { type Digest, digestAlgorithm, digestHex, parseDigest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { errnoOf, unwritable } from '../processes/store-errors.ts';
import { isIndexOfOtherVersion, LayerIndex } from './layer-index.ts';
import { indexLayer } from './read-layer.ts';

/**
 * Keeps the index of every layer in a file beside the blobs: `<directory>/sha256/<hex>`. The files can be made again from
 * the layers at any time, so a missing or damaged one is no error, and nothing is synced to disk.
 */
export class LayerIndexStore {
  readonly #directory: string;
  readonly #blobs: BlobStore;
  /** What is being made, so that two callers do not read one layer twice. */
  readonly #pending = new Map<Digest, Promise<LayerIndex>>();
  readonly #recent = new Map<Digest, WeakRef<LayerIndex>>();

  constructor(directory: string, blobs: BlobStore) {
    this.#directory = directory;
    this.#blobs = blobs;
  }

  /**
   * The index of a stored, uncompressed layer: as it was kept, or made by reading the blob once (and then kept, where
   * the store can be written).
   * @throws OciError `BLOB_NOT_FOUND`, `BLOB_CORRUPT`; `TAR_INVALID` and `LAYER_INVALID` when the blob is no layer
   */
  async get(layer: Digest): Promise<LayerIndex> {
    const recent = this.#recent.get(layer)?.deref();
    if (recent !== undefined) return recent;
    let pending = this.#pending.get(layer);
    if (pending === undefined) {
      pending = this.#load(layer);
      this.#pending.set(layer, pending);
    }
    try {
      return await pending;
    } finally {
      this.#pending.delete(layer);
    }
  }

  /** The index as it was kept; undefined when there is none. The blob is not read, and need not be there. */
  async kept(layer: Digest): Promise<LayerIndex | undefined> {
    return this.#recent.get(layer)?.deref() ?? (await this.#read(layer));
  }

  /**
   * Bytes of all files in a layer: by its index, or as {@link putContentSize} was told of a layer that is not here; else the
   * blob is read. @throws OciError as {@link get}
   */
  async contentSize(layer: Digest): Promise<number> {
    const known = (await this.kept(layer))?.contentSize ?? this.#toldSize(layer);
    return known ?? (await this.get(layer)).contentSize;
  }

  /** Keeps what is known of a layer that is elsewhere. @throws OciError `STORE_UNWRITABLE` */
  putContentSize(layer: Digest, bytes: number): void {
    replaceFileUnsynced(this.#sizePath(layer), sealJson({ contentSize: bytes }));
  }

  #toldSize(layer: Digest): number | undefined {
    try {
      const told = unsealJson(readFileSync(this.#sizePath(layer), 'utf8'))?.value as { readonly contentSize?: unknown };
      return Number.isSafeInteger(told.contentSize) ? Number(told.contentSize) : undefined;
    } catch {
      return undefined; // Nobody told, or what was told is damaged.
    }
  }

  #sizePath(layer: Digest): string {
    return join(this.#directory, 'sizes', `${digestHex(layer)}.json`);
  }

  /**
   * What is wrong with the index that is kept of `layer`, for people; undefined when nothing is, or none is kept. Unless
   * `content` is false it is compared with what the layer's own bytes give.
   */
  async verify(layer: Digest, { content }: { readonly content: boolean }): Promise<string | undefined> {
    let kept: LayerIndex | undefined;
    try {
      kept = this.#decode(layer);
    } catch (error) {
      if (error instanceof OciError) return error.message;
      throw error;
    }
    if (kept === undefined || !content) return undefined;
    try {
      const { index } = await indexLayer(this.#blobs.open(layer));
      return sameEntries(kept, index) ? undefined : 'it is not the index of this layer';
    } catch (error) {
      if (error instanceof OciError && error.code === 'BLOB_NOT_FOUND') return undefined; // Collected meanwhile.
      if (error instanceof OciError) return `the layer cannot be read: ${error.message}`;
      throw error;
    }
  }

  /** Keeps the index of `layer`, in place of whatever was kept. @throws OciError `STORE_UNWRITABLE` */
  async put(layer: Digest, index: LayerIndex): Promise<void> {
    const path = this.#path(layer);
    const temporary = temporaryPath(dirname(path), basename(path));
    try {
      await mkdir(join(this.#directory, digestAlgorithm(layer)), { recursive: true, mode: 0o755 });
      await writeFile(temporary, index.encode(), { flag: 'wx', mode: 0o644 });
      await rename(temporary, path);
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw unwritable(path, cause);
    }
    this.#recent.set(layer, new WeakRef(index));
  }

  async #load(layer: Digest): Promise<LayerIndex> {
    const kept = await this.#read(layer);
    if (kept !== undefined) {
      this.#recent.set(layer, new WeakRef(kept));
      return kept;
    }
    const { index, diffID } = await indexLayer(this.#blobs.open(layer));
    if (layer.startsWith('sha256:') && diffID !== layer) {
      throw new OciError('BLOB_CORRUPT', `the layer ${layer} contains data with the digest ${diffID}`);
    }
    try {
      await this.put(layer, index);
    } catch (error) {
      // A store that can only be read still serves; the index is made again next time.
      if (!(error instanceof OciError && error.code === 'STORE_UNWRITABLE')) throw error;
    }
    return index;
  }

  async #read(layer: Digest): Promise<LayerIndex | undefined> {
    try {
      return this.#decode(layer);
    } catch (error) {
      if (error instanceof OciError && error.code === 'LAYER_INVALID') return undefined;
      throw error;
    }
  }

  /** Undefined when none of this version is kept. @throws OciError `LAYER_INVALID` when it is damaged */
  #decode(layer: Digest): LayerIndex | undefined {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.#path(layer));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    // Whoever needs it makes it again, as if there were none.
    return isIndexOfOtherVersion(bytes) ? undefined : LayerIndex.decode(bytes);
  }

  #path(layer: Digest): string {
    return join(this.#directory, digestAlgorithm(layer), digestHex(parseDigest(layer)));
  }
}

function sameEntries(a: LayerIndex, b: LayerIndex): boolean {
  if (a.length !== b.length || a.contentSize !== b.contentSize) return false;
  for (let record = 0; record < a.length; record++) {
    if (JSON.stringify(a.at(record)) !== JSON.stringify(b.at(record))) return false;
  }
  return true;
}
