import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { open, rm, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { temporaryPath } from './atomic-file.ts';
import { decodeIdentity, encodeIdentity, isAbandoned, isOfThisBoot } from './process-identity.ts';
import { processState, thisProcess, UNSEEN_LIMIT } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { STORE_MODES } from './layout-names.ts';
import { errnoOf } from './store-errors.ts';

/**
 * A claim is a file that says which process holds something. What all locks, leases and claims of a store share is here:
 * their text, how one is taken and given back, the sign of life, and when a holder is dead. It dies with its process: a
 * claim of a process that is gone is stale. Where that cannot be told (the process is in another container, or the
 * store moved to another machine), a claim is stale when its holder has not touched it for {@link HEARTBEAT_LIMIT}.
 *
 * What differs is who waits for whom: of a lock one holder at a time ({@link withLock}), also of a step, which nobody waits
 * for without end ({@link claimStep}); of a lease any number ({@link takeLease}). Locks of the kernel ({@link FileLock}) are for
 * what must be shared by readers, and never be taken over: the files of a cache mount while a command writes them.
 */
export interface Claim {
  readonly holder: ProcessIdentity | undefined;
  /** The file's content, different for every claim. */
  readonly text: string;
  readonly stale: boolean;
  /** When the holder last said that it lives, by the file system's own time: milliseconds. */
  readonly touched: number;
}

const HEARTBEAT_INTERVAL = 5_000;
/** Milliseconds; six missed heartbeats. */
export const HEARTBEAT_LIMIT = 30_000;
/** Who waits for a lock or a claim looks so often at most: milliseconds. */
export const LONGEST_PAUSE = 100;

/** The content of a new claim of this process. */
export function newClaimText(): string {
  return `${JSON.stringify({ ...encodeIdentity(thisProcess()), claim: randomBytes(8).toString('hex') })}\n`;
}

/** Reads a claim; undefined when there is none (any more). `now` is the file system's own time, milliseconds. */
export async function readClaim(path: string, now: number): Promise<Claim | undefined> {
  try {
    const text = readFileSync(path, 'utf8');
    const { mtimeMs } = statSync(path);
    const value = parse(text);
    const holder = decodeIdentity(value);
    return { holder, text, stale: isStale(value, holder, now - mtimeMs), touched: mtimeMs };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isStale(value: unknown, holder: ProcessIdentity | undefined, age: number): boolean {
  if (holder === undefined) return age > HEARTBEAT_LIMIT;
  // Earlier versions claimed containers without a sign of life, and without `world`; a container is of one machine.
  const isSilent = !Object.hasOwn(Object(value), 'world');
  if (isSilent && !isOfThisBoot(holder)) return true;
  return isAbandoned(processState(holder), () => age, isSilent ? UNSEEN_LIMIT.file : HEARTBEAT_LIMIT);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How a holder is called in messages; `otherwise` is for one that did not say who it is. */
export function holderName({ holder }: Pick<Claim, 'holder'>, otherwise: string): string {
  return holder === undefined ? otherwise : `process ${holder.pid}`;
}

/**
 * Takes the claim at `path` for this process, with all its content at once: a hard link fails when the name exists.
 * Synchronous, as every step pays for it: a fifth of the time of promises.
 * @returns false when somebody has it, alive or dead
 * @throws the file system's error
 */
export function takeClaim(path: string, text: string, temporaryDirectory: string): boolean {
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

/** Gives a claim back. Were we taken for dead (a machine that slept, seen from another container), it is no longer ours. */
export function giveClaimBack(path: string, text: string): void {
  try {
    if (readFileSync(path, 'utf8') === text) unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/**
 * Touches a claim every few seconds until the returned function is called. Does not keep the process alive. `onLost` is
 * told when the claim is gone: this process was stopped for long, and taken for dead.
 */
export function heartbeat(path: string, onLost: () => void = () => {}): () => void {
  let stopped = false;
  const timer = setInterval(() => {
    touch(path).catch((error: unknown) => {
      // When the store went away, whoever uses it next will say so.
      if (!stopped && errnoOf(error) === 'ENOENT') onLost();
    });
  }, HEARTBEAT_INTERVAL);
  timer.unref();
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}

/** Writes the first byte again: unlike `utimes`, this takes the time from the file system's own clock. */
async function touch(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.write('{', 0);
  } finally {
    await file.close();
  }
}

/** The time by the clock of the file system that holds `directory` (a server's, for a network file system). */
export async function fileSystemTime(directory: string): Promise<number> {
  const probe = temporaryPath(directory, 'time');
  await writeFile(probe, '', { flag: 'wx', mode: STORE_MODES.file });
  try {
    return (await stat(probe)).mtimeMs;
  } finally {
    await rm(probe, { force: true });
  }
}
