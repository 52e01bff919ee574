import type { Finding } from '@tsbuild/oci/node';
import { findLitter } from './check/litter.ts';
import { removeStaleCgroups } from './executor/cgroups.ts';
import { removeTree } from './snapshot/remove-tree.ts';
import { isAbandoned } from './snapshot/scratch-space.ts';

/** What killed processes left in the store at `root`. */
export function storeLitter(root: string): readonly Finding[] {
  return findLitter(root, { remove: removeTree, isAbandoned });
}

/** Removes it, and the cgroups of such processes; what cannot be removed stays for somebody who can. */
export async function sweepLitter(root: string): Promise<void> {
  removeStaleCgroups();
  for (const { repair } of storeLitter(root)) {
    // Another process may be at the same, and an ordinary user may not remove what a user namespace made.
    await repair?.run().catch(() => undefined);
  }
}
