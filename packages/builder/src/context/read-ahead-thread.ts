import { createHash, hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { type PlannedFiles, withPlannedFile } from './planned-files.ts';

/** What the thread is told: all plain values and shared memory. Files are read in the order of their paths. */
export interface ReadAheadJob extends PlannedFiles {
  readonly kind: 'read-ahead';
  readonly slots: readonly Uint8Array[];
  /** Of each slot: 0 to be filled, 1 filled. */
  readonly states: Int32Array;
}

/** A stretch of a slot. `sha256` (of the whole file, hexadecimal) comes with the last piece of a file alone. */
export type Piece = readonly [file: number, from: number, to: number, sha256: string | undefined];

/** What the thread says: a slot is filled, or there will be no more (the end, or a file that is not what it was). */
export type ReadAheadMessage = { readonly slot: number; readonly pieces: readonly Piece[] } | 'ended';

/**
 * What the thread that reads files ahead does. A file that cannot be read, or is not the one that was planned, ends it:
 * whoever wanted it then reads it himself and finds out what is wrong.
 */
export function readFilesAhead(job: ReadAheadJob, say: (message: ReadAheadMessage) => void): void {
  const reading = new Reading(job, say);
  try {
    for (const file of job.paths.keys()) {
      withPlannedFile(job, file, (fd, size, check) => reading.read(file, fd, size, check));
    }
  } catch {
    // Said by its absence: what was read so far is passed on, and nothing after it.
  }
  reading.end();
}

class Reading {
  readonly #job: ReadAheadJob;
  readonly #say: (message: ReadAheadMessage) => void;
  #at = 0;
  #filled = 0;
  #pieces: Piece[] = [];

  constructor(job: ReadAheadJob, say: (message: ReadAheadMessage) => void) {
    this.#job = job;
    this.#say = say;
  }

  read(file: number, fd: number, size: number, check: () => void): void {
    const capacity = this.#current.length;
    if (size > capacity) return this.#readLarge(file, fd, size, check);
    if (size > capacity - this.#filled) this.#pass();
    const piece = this.#fill(fd, size);
    check();
    this.#pieces.push([file, this.#filled - size, this.#filled, hash('sha256', piece)]);
  }

  end(): void {
    if (this.#pieces.length > 0) this.#pass();
    this.#say('ended');
  }

  #readLarge(file: number, fd: number, size: number, check: () => void): void {
    const whole = createHash('sha256');
    for (let left = size; left > 0; ) {
      if (this.#filled === this.#current.length) this.#pass();
      const from = this.#filled;
      const piece = this.#fill(fd, Math.min(left, this.#current.length - from));
      left -= piece.length;
      whole.update(piece);
      if (left === 0) check();
      this.#pieces.push([file, from, this.#filled, left === 0 ? whole.digest('hex') : undefined]);
    }
  }

  get #current(): Uint8Array {
    return this.#job.slots[this.#at] ?? new Uint8Array();
  }

  #fill(fd: number, bytes: number): Uint8Array {
    const from = this.#filled;
    for (const end = from + bytes; this.#filled < end; ) {
      const count = readSync(fd, this.#current, this.#filled, end - this.#filled, null);
      if (count === 0) throw new Error('shorter than it was');
      this.#filled += count;
    }
    return this.#current.subarray(from, this.#filled);
  }

  /** Passes the slot on, and waits for the next one to be free. */
  #pass(): void {
    const { slots, states } = this.#job;
    Atomics.store(states, this.#at, 1);
    this.#say({ slot: this.#at, pieces: this.#pieces });
    this.#at = (this.#at + 1) % slots.length;
    this.#filled = 0;
    this.#pieces = [];
    while (Atomics.load(states, this.#at) === 1) Atomics.wait(states, this.#at, 1);
  }
}
