import { resolve } from 'node:path';
import { chainIDs } from '@tsbuild/oci';
import type { BlobInfo, BlobStore } from '@tsbuild/oci';
import type { LayerIndexStore, LayerWriter } from '@tsbuild/oci/node';
import { type Changes, findChanges } from './diff.ts';
import { DiskOwners } from '../disk/disk-owners.ts';
import { layOutOverlay, type OverlayRoot } from './overlay-layout.ts';
import { lostOwners } from './lost-owners.ts';
import { normalizeUpper } from './keep-upper.ts';
import { loadNative } from '../disk/load-native.ts';
import { removeTree } from '../disk/remove-tree.ts';
import { ScratchSpace } from '../disk/scratch-space.ts';
import type { ActiveSnapshot, LayerTimes, SnapshotParent, Snapshotter } from './snapshotter.ts';
import { UnpackedLayers } from './unpacked-layers.ts';
import { writeLayer } from './write-changes.ts';

/** Where a snapshotter keeps its directories; all on one filesystem. */
export interface SnapshotterOptions {
  /** Unpacked layers: `<store>/snapshots`. */
  readonly directory: string;
  /** Scratch space for upper and work directories: `<store>/mounts`. */
  readonly mounts: string;
  readonly blobs: BlobStore;
  readonly indexes: LayerIndexStore;
  /** Told about what could not be kept as the image has it (device nodes without root …), one line each. */
  readonly notice?: (text: string) => void;
}

/** Snapshots on overlayfs: one directory per unpacked layer, shared by all images that have it. */
export class OverlaySnapshotter implements Snapshotter {
  readonly #scratch: ScratchSpace;
  readonly #layers: UnpackedLayers;
  readonly #indexes: LayerIndexStore;
  readonly #notice: (text: string) => void;

  constructor(options: SnapshotterOptions) {
    this.#scratch = new ScratchSpace(resolve(options.mounts));
    this.#layers = new UnpackedLayers(
      { notice: () => {}, ...options, directory: resolve(options.directory) },
      this.#scratch,
    );
    this.#indexes = options.indexes;
    this.#notice = options.notice ?? (() => {});
  }

  /** @throws BuildError `SNAPSHOT_FAILED`, `LAYER_INVALID` when a layer cannot be unpacked */
  async prepare(parent: SnapshotParent, signal: AbortSignal): Promise<ActiveSnapshot> {
    const unpacked = await this.#layers.ensure(parent.layers, signal);
    const directory = await this.#scratch.create();
    try {
      const root = layOutOverlay(directory, unpacked, parent.tree);
      const parts = { layers: this.#layers, indexes: this.#indexes, notice: this.#notice, signal };
      return new OverlaySnapshot({ directory, root, parent, ...parts });
    } catch (error) {
      await removeTree(directory);
      throw error;
    }
  }
}

interface OverlaySnapshotParts {
  readonly directory: string;
  readonly root: OverlayRoot;
  readonly parent: SnapshotParent;
  readonly layers: UnpackedLayers;
  readonly indexes: LayerIndexStore;
  readonly notice: (text: string) => void;
  readonly signal: AbortSignal;
}

class OverlaySnapshot implements ActiveSnapshot {
  readonly root: OverlayRoot;
  readonly writable: string;
  readonly #parts: OverlaySnapshotParts;
  /** What was found when the layer was written. */
  #changes: Changes | undefined;

  constructor(parts: OverlaySnapshotParts) {
    this.root = parts.root;
    this.writable = parts.root.upper;
    this.#parts = parts;
  }

  async writeChanges(writer: LayerWriter, times: LayerTimes): Promise<void> {
    const { parent, signal } = this.#parts;
    const owners = DiskOwners.read();
    const options = { native: await loadNative(), owners, signal, complete: false };
    this.#changes = await findChanges(this.root.upper, parent.tree, options);
    const told = await lostOwners(this.#changes, parent.layers, this.#parts.indexes, owners);
    if (told !== undefined) this.#parts.notice(told);
    await writeLayer(this.root.upper, this.#changes, writer, times, owners);
  }

  async keep(layer: BlobInfo): Promise<void> {
    const { parent, layers, indexes } = this.#parts;
    const chainID = chainIDs([...parent.layers.map(({ digest }) => digest), layer.digest]).at(-1) ?? layer.digest;
    if (layers.find(layer.digest, chainID) !== undefined) return;
    const index = await indexes.get(layer.digest);
    if (this.#changes === undefined) return;
    if (!normalizeUpper(this.root.upper, this.#changes, index, await loadNative())) return;
    await layers.adopt(this.root.upper, await layers.place(layer.digest, chainID));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeTree(this.#parts.directory);
  }
}
