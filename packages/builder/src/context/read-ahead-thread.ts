import type crypto from 'node:crypto';
import type fs from 'node:fs';
import type threads from 'node:worker_threads';

/** What the thread is told: all plain values and shared memory. */
export interface ReadAheadJob {
  /** What stands before every path, without the slash. */
  readonly prefix: string;
  /** Relative, as byte strings, in the order in which they are read. */
  readonly paths: readonly string[];
  /** Of each path: size, mtimeMs, ctimeMs, ino, dev. */
  readonly facts: Float64Array;
  readonly slots: readonly Uint8Array[];
  /** Of each slot: 0 to be filled, 1 filled. */
  readonly states: Int32Array;
}

/** A stretch of a slot. `sha256` (of the whole file, hexadecimal) comes with the last piece of a file alone. */
export type Piece = readonly [file: number, from: number, to: number, sha256: string | undefined];

/** What the thread says: a slot is filled, or there will be no more (the end, or a file that is not what it was). */
export type ReadAheadMessage = { readonly slot: number; readonly pieces: readonly Piece[] } | 'ended';

/**
 * The whole program of the thread that reads files ahead. Its text is handed to the thread, so it must use nothing from
 * outside of it. A file that cannot be read, or is not the one that was planned, ends it: whoever wanted it then reads it
 * himself and finds out what is wrong.
 */
export function readFilesAhead(load: NodeJS.Require): void {
  const { closeSync, constants, fstatSync, openSync, readSync } = load('node:fs') as typeof fs;
  const { createHash, hash } = load('node:crypto') as typeof crypto;
  const { parentPort, workerData } = load('node:worker_threads') as typeof threads;
  const { prefix, paths, facts, slots, states } = workerData as ReadAheadJob;
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let at = 0;
  let filled = 0;
  let pieces: Piece[] = [];

  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  const say = (message: ReadAheadMessage): void => parentPort?.postMessage(message);
  const current = (): Uint8Array => slots[at] ?? new Uint8Array();
  const pass = (): void => {
    Atomics.store(states, at, 1);
    say({ slot: at, pieces });
    at = (at + 1) % slots.length;
    filled = 0;
    pieces = [];
    while (Atomics.load(states, at) === 1) Atomics.wait(states, at, 1);
  };
  const check = (file: number, fd: number): void => {
    const { size, mtimeMs, ctimeMs, ino, dev, mode } = fstatSync(fd);
    const found = [size, mtimeMs, ctimeMs, ino, dev];
    const same = (mode & constants.S_IFMT) === constants.S_IFREG;
    if (!same || found.some((fact, i) => fact !== facts[5 * file + i])) throw new Error('not what it was');
  };
  const fill = (fd: number, bytes: number): void => {
    for (const end = filled + bytes; filled < end; ) {
      const count = readSync(fd, current(), filled, end - filled, null);
      if (count === 0) throw new Error('shorter than it was');
      filled += count;
    }
  };
  const readOne = (file: number, size: number, fd: number): void => {
    const capacity = current().length;
    if (size <= capacity) {
      if (size > capacity - filled) pass();
      const from = filled;
      fill(fd, size);
      check(file, fd);
      pieces.push([file, from, filled, hash('sha256', current().subarray(from, filled))]);
      return;
    }
    const whole = createHash('sha256');
    for (let left = size; left > 0; ) {
      if (filled === capacity) pass();
      const from = filled;
      fill(fd, Math.min(left, capacity - filled));
      left -= filled - from;
      const piece = current().subarray(from, filled);
      whole.update(piece);
      if (left === 0) check(file, fd);
      pieces.push([file, from, filled, left === 0 ? whole.digest('hex') : undefined]);
    }
  };
  try {
    for (const [file, path] of paths.entries()) {
      const fd = openSync(Buffer.from(`${prefix}/${path}`, 'latin1'), flags);
      try {
        check(file, fd);
        readOne(file, facts[5 * file] ?? 0, fd);
      } finally {
        closeSync(fd);
      }
    }
  } catch {
    // Said by its absence: what was read so far is passed on, and nothing after it.
  }
  if (pieces.length > 0) pass();
  say('ended');
}
