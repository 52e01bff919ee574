import type { ByteString } from '@tsbuild/oci';
import type { RootfsTree } from '@tsbuild/oci/node';
import type { FileMount } from './executor.ts';

/** The part of the merged view that mount points are found by. */
export type MountTree = Pick<RootfsTree, 'lookup' | 'resolveForWrite'>;

/** What is to be mounted, by the names the sandbox will use. */
export interface WantedMounts {
  /** Files of the host shown read-only at `path` (absolute), e.g. `/etc/resolv.conf`; symlinks of the image are followed inside the root. */
  readonly files: readonly { readonly path: ByteString; readonly source: string }[];
}

/** Mount points that are in place. */
export interface MountPoints {
  /** For `RunSpec.files`. */
  readonly files: readonly FileMount[];
  /** Removes what was put in place for mounting and is still untouched; call it when the command has ended, before the changes are read. */
  cleanup(): void;
}

/**
 * Puts the stubs in place that `/proc`, `/sys`, `/dev` and the wanted files are mounted on.
 * @throws BuildError `RUN_FAILED` when the image has a symlink or a file where a directory must be
 */
export function prepareMountPoints(tree: MountTree, writable: string, wanted: WantedMounts): MountPoints {
  throw new Error(`not there yet: ${typeof tree} ${writable} ${wanted.files.length}`);
}

/** Makes `path` (a cwd) a directory in the writable layer when the image lacks it; what it makes stays. */
export function ensureDirectory(tree: MountTree, writable: string, path: ByteString): void {
  throw new Error(`not there yet: ${typeof tree} ${writable} ${path}`);
}
