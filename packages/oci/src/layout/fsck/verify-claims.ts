import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSystemTime, holderName, readClaim } from '../../processes/claim.ts';
import { LAYOUT_NAMES, type LayoutPaths } from '../../processes/layout-names.ts';
import type { FsckOptions } from './finding.ts';

/** Finds the leases and locks of processes that are gone. Both are taken over by whoever meets them. */
export async function verifyClaims(paths: LayoutPaths, options: FsckOptions): Promise<void> {
  const now = await fileSystemTime(paths.temporary).catch(() => Date.now());
  const leases = await readdir(paths.leases).catch(() => []);
  const locks = (await readdir(paths.root)).filter((name) => name.startsWith(LAYOUT_NAMES.lock));
  const claims = [
    ...leases.map((name) => ({ kind: 'lease' as const, path: `${LAYOUT_NAMES.leases}/${name}` })),
    ...locks.map((name) => ({ kind: 'lock' as const, path: name })),
  ];
  for (const { kind, path } of claims) {
    const file = join(paths.root, path);
    const claim = await readClaim(file, now);
    if (claim?.stale !== true) continue;
    const message = `left by ${holderName(claim, 'a process')} that has ended`;
    const run = async (): Promise<void> => {
      // A lock of that name may be another's by now.
      if ((await readClaim(file, now))?.text === claim.text) await rm(file, { force: true });
    };
    options.report({ severity: 'litter', kind, path, message, repair: { done: 'removed', run } });
  }
}
