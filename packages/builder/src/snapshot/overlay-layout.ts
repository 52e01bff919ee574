import { chmodSync, chownSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { RootfsTree } from '@tsbuild/oci/node';
import type { RootMount } from '../disk/root-mount.ts';
import { DiskOwners } from '../disk/disk-owners.ts';

/** An overlay's directories. */
export type OverlayRoot = Extract<RootMount, { kind: 'overlay' }>;

/**
 * Makes the directories of one overlay in `directory`: `upper`, `work`, and `l` with short links to the unpacked layers,
 * lowest first, because mount(2) takes one page of options.
 */
export function layOutOverlay(
  directory: string,
  unpacked: readonly string[],
  tree: Pick<RootfsTree, 'lookup'>,
): OverlayRoot {
  const upper = join(directory, 'upper');
  const work = join(directory, 'work');
  const links = join(directory, 'l');
  for (const path of [upper, work, links]) mkdirSync(path, { mode: 0o755 });
  // Overlayfs refuses the same directory twice (ELOOP). Of a layer that occurs twice, as empty ones do, the upper one
  // says everything the lower one could.
  const distinct = unpacked.filter((target, i) => unpacked.lastIndexOf(target) === i);
  const lower = distinct.map((target, i) => {
    const link = join(links, String(i));
    symlinkSync(target, link);
    return link;
  });
  if (lower.length === 0) {
    // Overlayfs wants at least one layer below.
    const empty = join(links, 'empty');
    mkdirSync(empty, { mode: 0o755 });
    lower.push(empty);
  }
  // The root of the mount is the upper directory's own.
  const rootEntry = tree.lookup('');
  const owners = DiskOwners.read();
  if (rootEntry !== undefined) chownSync(upper, owners.uid(rootEntry.uid), owners.gid(rootEntry.gid));
  chmodSync(upper, rootEntry?.mode ?? 0o755);
  return { kind: 'overlay', lower, upper, work };
}
