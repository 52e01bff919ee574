import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryPath } from './atomic-file.ts';
import { thisProcess } from './process-identity.ts';
import { STORE_MODES } from './layout-names.ts';
import { errnoOf, unwritable } from './store-errors.ts';
import { heartbeat, newClaimText, readClaim } from './claim.ts';
import { STEP_CLAIM } from './step-claim.ts';

/** Keeps a collection from deleting blobs until it is disposed of or its process ends. */
export interface Lease extends AsyncDisposable {
  /** The file that stands for it: `leases/<pid>-<start time>-<random>`. */
  readonly path: string;
}

/**
 * Says in `directory` that this process uses what the directory is for, beside any others; whoever wants to be alone looks
 * at {@link liveLeases}. Who takes one sees to it that nobody is past that look.
 * @throws OciError `STORE_UNWRITABLE`
 */
export function takeLease(directory: string, name = leaseName()): Lease & Disposable {
  const path = join(directory, name);
  writeLease(directory, path);
  const stopHeartbeat = heartbeat(path, () => {
    // Somebody took us for dead. What went since is found missing when it is used; nothing more is to go.
    try {
      writeLease(directory, path);
    } catch {
      // Tried again by the next beat.
    }
  });
  const end = (): void => {
    stopHeartbeat();
    rmSync(path, { force: true });
  };
  return { path, [Symbol.dispose]: end, [Symbol.asyncDispose]: async () => end() };
}

function leaseName(): string {
  const { pid, start } = thisProcess();
  return `${pid}-${start}-${randomBytes(8).toString('hex')}`;
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
 * The leases in `directory` but `own` whose processes still run, by name; the others are removed. `now` is asked for the file
 * system's own time, when there is anything.
 */
export async function liveLeases(
  directory: string,
  now: () => Promise<number>,
  own?: string,
): Promise<readonly string[]> {
  const names = (await namesIn(directory)).filter((name) => !name.startsWith('.') && name !== own);
  if (names.length === 0) return [];
  const time = await now();
  const live: string[] = [];
  for (const name of names) {
    const path = join(directory, name);
    const claim = await readClaim(path, time);
    // Its name is never given again: nobody else's can be removed in its place.
    if (claim?.stale === true) await rm(path, { force: true });
    else if (claim !== undefined) live.push(name);
  }
  return live;
}

/** Counts the leases that hold a collection back, and removes those of the dead. The caller holds the index's lock. */
export async function countLeases(directory: string, now: number): Promise<number> {
  const live = await liveLeases(directory, async () => now);
  return live.filter((name) => !name.startsWith(STEP_CLAIM)).length;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return [];
  }
}
