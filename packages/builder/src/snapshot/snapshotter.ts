import type { BlobInfo, LayerWriter, RootfsTree } from '@tsbuild/oci/node';
import type { RootMount } from '../disk/root-mount.ts';

/** The parent of a snapshot: a filesystem as a value. */
export interface SnapshotParent {
  /** Uncompressed layers (digest = diffID), lowest first. */
  readonly layers: readonly BlobInfo[];
  /** The merged view over the same layers. */
  readonly tree: RootfsTree;
}

/** How the layer's times are written. */
export interface LayerTimes {
  /** Seconds since 1970 (`SOURCE_DATE_EPOCH`): later times are clamped to it. Undefined: times stay. */
  readonly epoch?: number;
}

/**
 * A seam: turns a filesystem value into a directory for as long as a command runs, and what the command changed into a
 * layer. The contract suite is `snapshotterContract()` in `testing/`.
 */
export interface Snapshotter {
  /** The returned snapshot must be disposed; a crash leaves nothing that the next start does not clear away. */
  prepare(parent: SnapshotParent, signal: AbortSignal): Promise<ActiveSnapshot>;
}

/** One writable filesystem over a parent. */
export interface ActiveSnapshot extends AsyncDisposable {
  readonly root: RootMount;
  /**
   * The directory on the host in which files may be put before the command runs, so that the sandbox sees them: the
   * overlay's upper directory, or the whole tree.
   */
  readonly writable: string;
  /** Writes what differs from the parent, in canonical order (parents first, whiteouts before siblings). */
  writeChanges(writer: LayerWriter, times: LayerTimes): Promise<void>;
  /** Offers the written directory as the unpacked form of `layer`, so that a later command need not unpack it. */
  keep(layer: BlobInfo): Promise<void>;
}
