import { unlinkSync } from 'node:fs';
import { errorCode } from '@tsbuild/oci/internal';
import type { StoreFinding } from '@tsbuild/oci/internal';
import { findLitter } from './litter.ts';
import { removeStaleCgroups } from '../executor/cgroups.ts';
import { removeTree } from '../disk/remove-tree.ts';

/** What killed processes left in the store at `root`. */
export function storeLitter(root: string): readonly StoreFinding[] {
  return findLitter(root, { remove });
}

/** Removes it, and the cgroups of such processes; what cannot be removed stays for somebody who can. */
export async function sweepLitter(root: string): Promise<void> {
  removeStaleCgroups();
  for (const { repair } of storeLitter(root)) {
    // Another process may be at the same, and an ordinary user may not remove what a user namespace made.
    await repair?.run().catch(() => undefined);
  }
}

/** Also what only looks like a folder: a link to one goes, not what it leads to. */
async function remove(path: string): Promise<void> {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    if (errorCode(error) !== 'EISDIR') throw error;
    await removeTree(path);
  }
}
