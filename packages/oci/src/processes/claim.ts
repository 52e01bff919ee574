import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { open, rm, stat, writeFile } from 'node:fs/promises';
import { temporaryPath } from './atomic-file.ts';
import { decodeIdentity, encodeIdentity, processState, thisProcess } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { STORE_MODES } from './file-modes.ts';
import { errnoOf } from './store-errors.ts';

/**
 * A claim is a file that says which process holds something: the lock of the index, a lease. It dies with its process: a
 * claim of a process that is gone is stale. Where that cannot be told (the process is in another container, or the
 * store moved to another machine), a claim is stale when its holder has not touched it for {@link HEARTBEAT_LIMIT}.
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
const HEARTBEAT_LIMIT = 30_000;

/** The content of a new claim of this process. */
export function newClaimText(): string {
  return `${JSON.stringify({ ...encodeIdentity(thisProcess()), claim: randomBytes(8).toString('hex') })}\n`;
}

/** Reads a claim; undefined when there is none (any more). `now` is the file system's own time, milliseconds. */
export async function readClaim(path: string, now: number): Promise<Claim | undefined> {
  try {
    const text = readFileSync(path, 'utf8');
    const { mtimeMs } = statSync(path);
    const holder = decodeIdentity(parse(text));
    const state = holder === undefined ? 'unknown' : processState(holder);
    const stale = state === 'gone' || (state === 'unknown' && now - mtimeMs > HEARTBEAT_LIMIT);
    return { holder, text, stale, touched: mtimeMs };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
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
