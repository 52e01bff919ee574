import type { BlobStore, LayerIndexStore } from '@tsbuild/oci/node';
import type { ActiveSnapshot, SnapshotParent, Snapshotter } from './snapshotter.ts';

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
  constructor(options: SnapshotterOptions) {
    throw new Error(`not there yet: ${options.directory}`);
  }
  prepare(parent: SnapshotParent, signal: AbortSignal): Promise<ActiveSnapshot> {
    throw new Error(`not there yet: ${parent.layers.length} ${typeof signal}`);
  }
}
