import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryPath } from '../processes/atomic-file.ts';
import { thisProcess } from '../processes/process-identity.ts';
import { STORE_MODES } from '../processes/file-modes.ts';
import { errnoOf, unwritable } from '../processes/store-errors.ts';
import { heartbeat, newClaimText, readClaim } from '../processes/claim.ts';
import { STEP_CLAIM } from './step-claim.ts';

/** Keeps a collection from deleting blobs until it is disposed of or its process ends. */
export interface Lease extends AsyncDisposable {
  /** The file that stands for it: `leases/<pid>-<start time>-<random>`. */
  readonly path: string;
}

/** Makes a lease's file; the caller then sees to it that no collection is past its look for leases. @throws OciError `STORE_UNWRITABLE` */
export async function takeLease(directory: string): Promise<Lease> {
  const { pid, start } = thisProcess();
  const path = join(directory, `${pid}-${start}-${randomBytes(8).toString('hex')}`);
  writeLease(directory, path);
  const stopHeartbeat = heartbeat(path, () => {
    // A collection took us for dead. What it deleted is found missing when it is used; nothing more is to go.
    try {
      writeLease(directory, path);
    } catch {
      // Tried again by the next beat.
    }
  });
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      stopHeartbeat();
      rmSync(path, { force: true });
    },
  };
}

function writeLease(directory: string, path: string): void {
  const temporary = temporaryPath(dirname(directory), 'lease');
  try {
    // A layout of another tool has no such folder yet.
    mkdirSync(directory, { recursive: true, mode: STORE_MODES.directory });
    // Whole or not at all: of an empty lease nobody could tell whose it was, and it would hold up collections.
    writeFileSync(temporary, newClaimText(), { flag: 'wx', mode: STORE_MODES.file });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw unwritable(path, error);
  }
}

/**
 * Counts the leases of processes that still run, and removes the others. The caller holds the index's lock. `now` is the
 * file system's own time.
 */
export async function countLeases(directory: string, now: number): Promise<number> {
  let names: readonly string[] = [];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  let live = 0;
  for (const name of names) {
    const path = join(directory, name);
    const claim = await readClaim(path, now);
    if (claim === undefined) continue;
    if (claim.stale) await rm(path, { force: true });
    else if (!name.startsWith(STEP_CLAIM)) live++;
  }
  return live;
}
