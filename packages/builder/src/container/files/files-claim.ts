import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileSystemTime, liveLeases, takeLease } from '@tsbuild/oci/internal';

const MOMENT = 20;

/** Whose files are claimed: a container's. */
interface Place {
  readonly directory: string;
}

/**
 * Claims the writable layer of a container that does not run: two overlay mounts must not share it. Waits for who has it.
 * A claim is a lease that must be the only one; who claims puts it there first and looks for others then, so of two that
 * come at the same moment at least one sees the other and steps back. Why no lock: versions that know only such claims
 * must be seen, and see us.
 */
export async function claimFiles(container: Place, signal: AbortSignal): Promise<Disposable> {
  mkdirSync(claimsOf(container), { recursive: true, mode: 0o700 });
  for (;;) {
    signal.throwIfAborted();
    const lease = takeLease(claimsOf(container), randomBytes(8).toString('hex'));
    if (!(await isClaimed(container, basename(lease.path)))) return lease;
    lease[Symbol.dispose]();
    await sleep(MOMENT * (1 + Math.random()));
  }
}

/** Waits until nobody has claimed the container's writable layer. */
export async function unclaimed(container: Place): Promise<void> {
  while (await isClaimed(container)) await sleep(MOMENT);
}

async function isClaimed(container: Place, own?: string): Promise<boolean> {
  return (await liveLeases(claimsOf(container), () => fileSystemTime(claimsOf(container)), own)).length > 0;
}

function claimsOf(container: Place): string {
  return join(container.directory, 'claims');
}
