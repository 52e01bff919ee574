import { createHash } from 'node:crypto';
import { link, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryPath } from '../atomic-file.ts';
import { OciError } from '../errors.ts';
import { STORE_MODES } from '../blob/file-modes.ts';
import { errnoOf, unwritable } from '../store-errors.ts';
import { fileSystemTime, heartbeat, newClaimText, readClaim } from './claim.ts';
import type { Claim } from './claim.ts';

/** How {@link withLock} waits. */
export interface LockOptions {
  /** A folder on the lock's file system for temporary files. */
  readonly temporaryDirectory: string;
  /** Milliseconds to wait for another holder; 30 s unless told. */
  readonly timeout?: number;
}

const DEFAULT_TIMEOUT = 30_000;

/**
 * Runs `action` while holding an exclusive lock among processes. The lock is a file made with all its content at once
 * (hard link, which fails when the name exists); a holder that died loses it.
 * @throws OciError `LOCK_TIMEOUT`, `STORE_UNWRITABLE`, and whatever `action` throws
 */
export async function withLock<T>(path: string, options: LockOptions, action: () => Promise<T>): Promise<T> {
  const text = newClaimText();
  await acquire(path, text, options);
  const stopHeartbeat = heartbeat(path);
  try {
    return await action();
  } finally {
    stopHeartbeat();
    // Were we taken for dead (a machine that slept, seen from another container), the lock is no longer ours to remove.
    if ((await readClaim(path, 0))?.text === text) await rm(path, { force: true });
  }
}

/** True when somebody, alive or dead, has the lock. */
export async function isHeld(path: string): Promise<boolean> {
  return (await readClaim(path, 0)) !== undefined;
}

async function acquire(path: string, text: string, options: LockOptions): Promise<void> {
  const deadline = Date.now() + (options.timeout ?? DEFAULT_TIMEOUT);
  for (let pause = 2; !(await tryAcquire(path, text, options)); pause = Math.min(pause * 2, 100)) {
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

async function tryAcquire(path: string, text: string, options: LockOptions): Promise<boolean> {
  const candidate = temporaryPath(options.temporaryDirectory, basename(path));
  try {
    await writeFile(candidate, text, { flag: 'wx', mode: STORE_MODES.file });
    await link(candidate, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw unwritable(path, error);
  } finally {
    await rm(candidate, { force: true });
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

function timedOut(path: string, { holder }: Claim): OciError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid}`;
  return new OciError('LOCK_TIMEOUT', `the store is busy: ${who} holds ${path}; try again, or end that process`, {
    fields: { path, ...(holder !== undefined && { pid: holder.pid }) },
  });
}
