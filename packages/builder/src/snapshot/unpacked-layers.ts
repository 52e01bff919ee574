import { chmodSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { chainIDs } from '@tsbuild/oci';
import type { BlobInfo, BlobStore, Digest } from '@tsbuild/oci';
import { errorCode } from '@tsbuild/oci/internal';
import { RootfsTree } from '@tsbuild/oci/node';
import type { LayerIndexStore } from '@tsbuild/oci/node';
import { DiskOwners } from '../disk/disk-owners.ts';
import { loadNative } from '../disk/load-native.ts';
import { removeTree } from '../disk/remove-tree.ts';
import type { ScratchSpace } from '../disk/scratch-space.ts';
import { snapshotName } from './snapshot-name.ts';
import { isSelfContained, unpackLayer } from './unpack-layer.ts';

/** What unpacking needs. */
export interface UnpackedLayersOptions {
  /** `<store>/snapshots`. */
  readonly directory: string;
  readonly blobs: BlobStore;
  readonly indexes: LayerIndexStore;
  readonly notice: (text: string) => void;
}

/**
 * Unpacked layers, each in a directory in overlayfs's form. `<hex of diffID>` serves every image with the layer;
 * `chain-<hex of chainID>` serves one stack, because what the layer removes or leaves out depends on what is below.
 * A directory is there whole or not at all, and never changes. Owners on the disk depend on the mapping of ids, so each
 * mapping has directories of its own ({@link snapshotName}).
 */
export class UnpackedLayers {
  readonly #options: UnpackedLayersOptions;
  readonly #scratch: ScratchSpace;
  readonly #pending = new Map<string, Promise<string>>();
  readonly #mappingId: string;

  constructor(options: UnpackedLayersOptions, scratch: ScratchSpace) {
    this.#options = options;
    this.#scratch = scratch;
    this.#mappingId = mappingIdAt(options.directory);
  }

  /** The directories of a stack, lowest first; unpacks what is missing. */
  async ensure(layers: readonly BlobInfo[], signal: AbortSignal): Promise<readonly string[]> {
    const paths: string[] = [];
    const chain = chainIDs(layers.map(({ digest }) => digest));
    for (const [i, layer] of layers.entries()) {
      signal.throwIfAborted();
      const chainID = chain[i] ?? layer.digest;
      paths.push(
        this.find(layer.digest, chainID) ?? (await this.#unpackOnce(layers.slice(0, i), layer, chainID, signal)),
      );
    }
    return paths;
  }

  /** The directory of an unpacked layer, if there is one. */
  find(diffID: Digest, chainID: Digest): string | undefined {
    return [this.#shared(diffID), this.#chained(chainID)].find((path) => existsSync(path));
  }

  /** Where the directory of a layer is to be. */
  async place(diffID: Digest, chainID: Digest): Promise<string> {
    const index = await this.#options.indexes.get(diffID);
    return isSelfContained(index) ? this.#shared(diffID) : this.#chained(chainID);
  }

  /** Moves a finished directory to its place; another process may have been faster, and then it is removed. */
  async adopt(from: string, to: string): Promise<void> {
    mkdirSync(this.#options.directory, { recursive: true, mode: 0o700 });
    try {
      renameSync(from, to);
    } catch (error) {
      if (!['EEXIST', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) throw error;
      await removeTree(from);
    }
  }

  #unpackOnce(below: readonly BlobInfo[], layer: BlobInfo, chainID: Digest, signal: AbortSignal): Promise<string> {
    const known = this.#pending.get(chainID);
    if (known !== undefined) return known;
    const pending = this.#unpack(below, layer, chainID, signal).finally(() => this.#pending.delete(chainID));
    this.#pending.set(chainID, pending);
    return pending;
  }

  async #unpack(below: readonly BlobInfo[], layer: BlobInfo, chainID: Digest, signal: AbortSignal): Promise<string> {
    const { blobs, indexes, notice } = this.#options;
    const place = await this.place(layer.digest, chainID);
    const lower = await Promise.all(below.map(async (info) => ({ info, index: await indexes.get(info.digest) })));
    const scratch = await this.#scratch.create();
    try {
      const root = join(scratch, 'layer');
      mkdirSync(root, { mode: 0o755 });
      chmodSync(root, 0o755);
      const tools = { blobs, native: await loadNative(), owners: DiskOwners.read(), notice, signal };
      await unpackLayer(root, layer, await indexes.get(layer.digest), new RootfsTree(lower), tools);
      await this.adopt(root, place);
      return place;
    } finally {
      await removeTree(scratch);
    }
  }

  #shared(diffID: Digest): string {
    return join(this.#options.directory, snapshotName(diffID, false, this.#mappingId));
  }

  #chained(chainID: Digest): string {
    return join(this.#options.directory, snapshotName(chainID, true, this.#mappingId));
  }
}

/** Where another user unpacks too (root in a user's store), directories without a mapping in their name may be of that user's ids. */
function mappingIdAt(directory: string): string {
  const { mappingId } = DiskOwners.read();
  if (mappingId !== '') return mappingId;
  const owner = statSync(directory, { throwIfNoEntry: false })?.uid ?? process.geteuid?.();
  return owner === process.geteuid?.() ? '' : 'machine';
}
