import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileSystemTime, giveClaimBack, heartbeat, HEARTBEAT_LIMIT, LONGEST_PAUSE } from './claim.ts';
import { newClaimText, readClaim, takeClaim } from './claim.ts';
import { breakLock } from './lock.ts';

/** The beginning of the names of claims among the leases, which say what a process works on and keep no collection waiting. */
export const STEP_CLAIM = 'step-';

/** The right to do a piece of work that processes of one store do once. It may be done by now: look before you do it. */
export type StepClaim = AsyncDisposable;

/** How {@link claimStep} waits. */
export interface ClaimOptions {
  readonly signal: AbortSignal;
  /** Told once, when another process has the claim. */
  readonly onWait: (pid: number | undefined) => void;
}

/**
 * Waits until no other process of a store does the work called `name` (letters, digits), and says then that this
 * one does. A claim only saves work, and must never be what correctness hangs on: a holder that died loses its claim; one
 * that is stopped or hangs, and gave no sign of life for as long, is left behind; and where no file can be made everybody
 * goes on without.
 * @param places `leases` holds the claims, `temporary` is on the same file system
 * @throws the signal's reason
 */
export async function claimStep(
  { leases, temporary: temporaryDirectory }: { readonly leases: string; readonly temporary: string },
  name: string,
  options: ClaimOptions,
): Promise<StepClaim> {
  const path = join(leases, `${STEP_CLAIM}${name}`);
  const text = newClaimText();
  let waited = false;
  for (let pause = 5; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    options.signal.throwIfAborted();
    try {
      if (takeClaim(path, text, temporaryDirectory)) return heldClaim(path, text);
      const now = await fileSystemTime(temporaryDirectory);
      const claim = await readClaim(path, now);
      if (claim === undefined) continue;
      if (claim.stale) {
        await breakLock(path, claim, { temporaryDirectory });
        continue;
      }
      if (!waited) options.onWait(claim.holder?.pid);
      waited = true;
      if (now - claim.touched > HEARTBEAT_LIMIT) return { [Symbol.asyncDispose]: async () => {} };
    } catch {
      return { [Symbol.asyncDispose]: async () => {} };
    }
    await delay(pause * (0.5 + Math.random()), undefined, { signal: options.signal }).catch(() => undefined);
  }
}

function heldClaim(path: string, text: string): StepClaim {
  const stopHeartbeat = heartbeat(path);
  return {
    [Symbol.asyncDispose]: async () => {
      stopHeartbeat();
      try {
        giveClaimBack(path, text);
      } catch {
        // It stays, and is known as stale later.
      }
    },
  };
}
