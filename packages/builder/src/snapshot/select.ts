import { OverlaySnapshotter } from './overlay-snapshotter.ts';
import type { SnapshotterOptions } from './overlay-snapshotter.ts';
import type { Snapshotter } from './snapshotter.ts';

/** The snapshotter for this machine: overlayfs, or complete copies where it cannot be mounted. */
export async function selectSnapshotter(options: SnapshotterOptions): Promise<Snapshotter> {
  return new OverlaySnapshotter(options);
}
