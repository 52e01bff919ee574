import { chmodSync, chownSync, mkdirSync, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ByteString } from '@tsbuild/oci';
import { rawPath } from '@tsbuild/oci/internal';
import type { LayerWriter, RootfsEntry, RootfsTree } from '@tsbuild/oci/node';
import { movesCtime } from '../context/trust/kept-times.ts';
import { findChanges } from './diff.ts';
import { DiskOwners } from '../disk/disk-owners.ts';
import { readFacts } from '../disk/file-facts.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { loadNative } from '../disk/load-native.ts';
import type { SnapshotterOptions } from './overlay-snapshotter.ts';
import { removeTree } from '../disk/remove-tree.ts';
import { ScratchSpace } from '../disk/scratch-space.ts';
import type { ActiveSnapshot, LayerTimes, SnapshotParent, Snapshotter } from './snapshotter.ts';
import { writeLayer } from './write-changes.ts';

/**
 * Snapshots as complete copies, for machines where overlayfs cannot be mounted. Every snapshot costs as much as the
 * image is big, in time and space; the layers are the same to the byte.
 */
export class CopyingSnapshotter implements Snapshotter {
  readonly #options: SnapshotterOptions;
  readonly #scratch: ScratchSpace;

  constructor(options: SnapshotterOptions) {
    this.#options = options;
    this.#scratch = new ScratchSpace(resolve(options.mounts));
  }

  /** @throws BuildError `SNAPSHOT_FAILED`, `LAYER_INVALID` when a layer cannot be unpacked */
  async prepare({ tree }: SnapshotParent, signal: AbortSignal): Promise<ActiveSnapshot> {
    const directory = await this.#scratch.create();
    const path = join(directory, 'root');
    try {
      mkdirSync(path, { mode: 0o755 });
      const { blobs, notice = () => {} } = this.#options;
      const owners = DiskOwners.read();
      const files = new SnapshotFiles(path, { blobs, native: await loadNative(), owners, notice, signal });
      try {
        await copyDirectory(files, tree, '', new Map());
        files.finish();
      } finally {
        files.close();
      }
      const root = tree.lookup('');
      if (root !== undefined) chownSync(path, owners.uid(root.uid), owners.gid(root.gid));
      chmodSync(path, root?.mode ?? 0o755);
      return new CopiedSnapshot(directory, path, tree, signal);
    } catch (error) {
      await removeTree(directory);
      throw error;
    }
  }
}

async function copyDirectory(
  files: SnapshotFiles,
  tree: RootfsTree,
  directory: ByteString,
  firstNames: Map<string, ByteString>,
): Promise<void> {
  for (const entry of tree.list(directory)) {
    const first = entry.hardLinkKey === undefined ? undefined : firstNames.get(entry.hardLinkKey);
    if (first !== undefined) {
      files.link(first, entry.path);
      continue;
    }
    if (entry.hardLinkKey !== undefined) firstNames.set(entry.hardLinkKey, entry.path);
    await files.add(entry, entry.layer);
    if (entry.type === 'directory') await copyDirectory(files, tree, entry.path, firstNames);
  }
}

class CopiedSnapshot implements ActiveSnapshot {
  readonly root: { readonly kind: 'directory'; readonly path: string };
  readonly writable: string;
  readonly #directory: string;
  readonly #tree: RootfsTree;
  readonly #signal: AbortSignal;
  /** The kernel's mark of change of every path as it was copied: where it stayed, nothing need be compared. */
  readonly #marks = new Map<ByteString, bigint>();

  constructor(directory: string, path: string, tree: RootfsTree, signal: AbortSignal) {
    this.root = { kind: 'directory', path };
    this.writable = path;
    this.#directory = directory;
    this.#tree = tree;
    this.#signal = signal;
    // A tmpfs takes stores through a mapping without a new time: there every file is compared.
    if (movesCtime(statfsSync(path).type)) this.#remember('', BigInt(Date.now() - TICK_MS) * 1_000_000n);
  }

  async writeChanges(writer: LayerWriter, times: LayerTimes): Promise<void> {
    const owners = DiskOwners.read();
    const changes = await findChanges(this.root.path, this.#tree, {
      native: await loadNative(),
      owners,
      signal: this.#signal,
      complete: true,
      isUntouched: (path, facts) => this.#marks.get(path) === facts.ctime,
    });
    await writeLayer(this.root.path, changes, writer, times, owners);
  }

  /** A copy is never used again. */
  async keep(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await removeTree(this.#directory);
  }

  /** What was copied after `settled` could be changed within the same tick of the clock: no mark. */
  #remember(directory: ByteString, settled: bigint): void {
    const root = Buffer.from(this.root.path);
    for (const entry of this.#tree.list(directory)) {
      if (entry.type === 'directory') this.#remember(entry.path, settled);
      if (!isOnDisk(entry)) continue;
      const { ctime } = readFacts(rawPath(root, entry.path));
      if (ctime < settled) this.#marks.set(entry.path, ctime);
    }
  }
}

/** Linux stamps files with the time of its last tick, at most 10 ms ago. */
const TICK_MS = 20;

/** Devices may have been left out. */
function isOnDisk({ type }: RootfsEntry): boolean {
  return type !== 'char' && type !== 'block';
}
