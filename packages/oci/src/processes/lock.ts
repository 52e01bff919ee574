import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { syncDirectory, temporaryOwner, temporaryPath, writeSynced } from './atomic-file.ts';
import { OciError } from '../spec/oci-error.ts';
import { errnoOf, unwritable } from './store-errors.ts';
import { fileSystemTime, giveClaimBack, heartbeat, holderName, LONGEST_PAUSE } from './claim.ts';
import { newClaimText, readClaim, takeClaim } from './claim.ts';
import type { Claim } from './claim.ts';

/** How {@link withLock} waits. */
export interface LockOptions {
  /** A folder on the lock's file system for temporary files. */
  readonly temporaryDirectory: string;
  /** Milliseconds to wait for another holder; 30 s unless told. */
  readonly timeout?: number;
}

const DEFAULT_TIMEOUT = 30_000;

/** So often an action begins again whose lock was taken over. */
const MOST_ATTEMPTS = 5;

/** A lock that this process has, as far as it knows. */
export interface HeldLock {
  /**
   * Replaces a file that the lock guards, whole, and only while nobody has taken the lock over. A process that was stopped
   * inside (a suspended machine, a paused container, a stalled server) may be taken for dead; when it goes on, at any
   * point, its file must not replace a newer one.
   * @throws LockLost, and the file system's errors
   */
  replace(path: string, content: string, mode: number): Promise<void>;
  /** @throws LockLost when somebody has taken the lock over */
  check(): void;
}

/** Somebody has taken a lock over: what was decided under it no longer holds. {@link withLock} begins again. */
class LockLost extends Error {
  constructor(path: string) {
    super(`the lock ${path} was taken over by another process`);
    this.name = 'LockLost';
  }
}

/**
 * Runs `action` while holding an exclusive lock among processes. The lock is a file made with all its content at once
 * (hard link, which fails when the name exists); a holder that died loses it. When another process took this one for
 * dead, `action` runs again from its beginning: it must not keep what it read before.
 * @throws OciError `LOCK_TIMEOUT`, `STORE_UNWRITABLE`, and whatever `action` throws
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  action: (lock: HeldLock) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await lockedOnce(path, options, action);
    } catch (error) {
      if (!(error instanceof LockLost)) throw error;
      if (attempt === MOST_ATTEMPTS) throw new OciError('LOCK_TIMEOUT', `${error.message}, again and again; try later`);
    }
  }
}

async function lockedOnce<T>(path: string, options: LockOptions, action: (lock: HeldLock) => Promise<T>): Promise<T> {
  const text = newClaimText();
  await acquire(path, text, options);
  const stopHeartbeat = heartbeat(path);
  try {
    await removeReplacements(path, options);
    return await action(heldLock(path, text, options));
  } finally {
    stopHeartbeat();
    giveClaimBack(path, text);
  }
}

/*
 * Between a look at the lock and a rename any time may pass. So a replacement waits under a name that every later holder
 * removes before it reads anything: its rename then has no source. One that is written later than that finds the
 * lock another's. It needs no clock, and no lock of the kernel's, which not every file system has.
 */
function heldLock(path: string, text: string, { temporaryDirectory }: LockOptions): HeldLock {
  const check = (): void => {
    try {
      if (readFileSync(path, 'utf8') === text) return;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    throw new LockLost(path);
  };
  const replace = async (target: string, content: string, mode: number): Promise<void> => {
    const replacement = temporaryPath(temporaryDirectory, replacementOf(path));
    try {
      await writeSynced(replacement, content, mode);
      check();
      await rename(replacement, target);
    } catch (error) {
      await rm(replacement, { force: true });
      if (errnoOf(error) !== 'ENOENT') throw error;
      check();
      throw error;
    }
    await syncDirectory(dirname(target));
  };
  return { check, replace };
}

/**
 * Sees to it that nobody who had the lock before changes what it guards now. On the way files of killed processes go, that
 * a killed build costs no room for longer than until the next change.
 */
async function removeReplacements(path: string, { temporaryDirectory }: LockOptions): Promise<void> {
  const prefix = `.${replacementOf(path)}.`;
  for (const name of await readdir(temporaryDirectory)) {
    const file = join(temporaryDirectory, name);
    if (name.startsWith(prefix)) await rm(file, { force: true });
    // Whole trees take their time, and wait for a prune.
    else if (temporaryOwner(name) === 'gone') await rm(file).catch(() => undefined);
  }
}

function replacementOf(path: string): string {
  return `${basename(path)}.next`;
}

/** True when somebody, alive or dead, has the lock. */
export async function isHeld(path: string): Promise<boolean> {
  return (await readClaim(path, 0)) !== undefined;
}

async function acquire(path: string, text: string, options: LockOptions): Promise<void> {
  const deadline = Date.now() + (options.timeout ?? DEFAULT_TIMEOUT);
  for (let pause = 2; !tryAcquire(path, text, options); pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    const claim = await readClaim(path, await fileSystemTime(options.temporaryDirectory));
    if (claim === undefined) continue;
    if (claim.stale) {
      await breakLock(path, claim, options);
      continue;
    }
    if (Date.now() > deadline) throw timedOut(path, claim);
    // Random, so that several who wait do not keep colliding.
    await delay(pause * (0.5 + Math.random()));
  }
}

function tryAcquire(path: string, text: string, { temporaryDirectory }: LockOptions): boolean {
  try {
    return takeClaim(path, text, temporaryDirectory);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/**
 * Removes the lock of a dead holder. Two processes may find it dead at once, and the slower must not remove the lock that
 * the faster has taken since: so breaking needs a lock of its own, named after the claim that is to be broken, and looks
 * again once it has that.
 */
export async function breakLock(path: string, stale: Claim, options: LockOptions): Promise<void> {
  const id = createHash('sha256').update(stale.text).digest('hex').slice(0, 16);
  await withLock(`${path}.${id}`, options, async () => {
    const claim = await readClaim(path, 0);
    if (claim?.text === stale.text) await rm(path, { force: true });
  });
}

function timedOut(path: string, claim: Claim): OciError {
  const { holder } = claim;
  const who = holderName(claim, 'another process');
  return new OciError('LOCK_TIMEOUT', `the store is busy: ${who} holds ${path}; try again, or end that process`, {
    fields: { path, ...(holder !== undefined && { pid: holder.pid }) },
  });
}
