import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryPath } from '../processes/atomic-file.ts';
import { STORE_MODES } from '../processes/file-modes.ts';
import { errnoOf } from '../processes/store-errors.ts';
import { fileSystemTime, heartbeat, newClaimText, readClaim } from '../processes/claim.ts';
import { layoutPaths } from './layout-files.ts';
import { breakLock } from '../processes/lock.ts';

/** The beginning of the names of claims among the leases, which say what a process works on and keep no collection waiting. */
export const STEP_CLAIM = 'step-';

/** A holder that has not said for so long that it lives is not waited for: it may be stopped. Milliseconds. */
const PATIENCE = 30_000;
const LONGEST_PAUSE = 100;

/** The right to do a piece of work that processes of one store do once. It may be done by now: look before you do it. */
export type StepClaim = AsyncDisposable;

/** How {@link claimStep} waits. */
export interface ClaimOptions {
  readonly signal: AbortSignal;
  /** Told once, when another process has the claim. */
  readonly onWait: (pid: number | undefined) => void;
}

/**
 * Waits until no other process of the layout at `root` does the work called `name` (letters, digits), and says then that this
 * one does. A claim only saves work, and must never be what correctness hangs on: a holder that died loses its claim, one that is stopped or hangs is
 * left behind, and where no file can be made everybody goes on without.
 * @throws the signal's reason
 */
export async function claimStep(root: string, name: string, options: ClaimOptions): Promise<StepClaim> {
  const { leases, temporary: temporaryDirectory } = layoutPaths(root);
  const path = join(leases, `${STEP_CLAIM}${name}`);
  const text = newClaimText();
  let waited = false;
  for (let pause = 5; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    options.signal.throwIfAborted();
    try {
      if (tryClaim(path, text, temporaryDirectory)) return heldClaim(path, text);
      const now = await fileSystemTime(temporaryDirectory);
      const claim = await readClaim(path, now);
      if (claim === undefined) continue;
      if (claim.stale) {
        await breakLock(path, claim, { temporaryDirectory });
        continue;
      }
      if (!waited) options.onWait(claim.holder?.pid);
      waited = true;
      if (now - claim.touched > PATIENCE) return { [Symbol.asyncDispose]: async () => {} };
    } catch {
      return { [Symbol.asyncDispose]: async () => {} };
    }
    await delay(pause * (0.5 + Math.random()), undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** As a lock is taken: whole or not at all. Synchronous, as every step pays for it: a fifth of the time of promises. */
function tryClaim(path: string, text: string, temporaryDirectory: string): boolean {
  const candidate = temporaryPath(temporaryDirectory, basename(path));
  writeFileSync(candidate, text, { flag: 'wx', mode: STORE_MODES.file });
  try {
    linkSync(candidate, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(candidate);
  }
}

function heldClaim(path: string, text: string): StepClaim {
  const stopHeartbeat = heartbeat(path);
  return {
    [Symbol.asyncDispose]: async () => {
      stopHeartbeat();
      try {
        // Were we taken for dead, it is no longer ours to remove.
        if (readFileSync(path, 'utf8') === text) unlinkSync(path);
      } catch {
        // Taken over and ended meanwhile; or it stays, and is known as stale later.
      }
    },
  };
}
