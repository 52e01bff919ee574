import type { Worker } from 'node:worker_threads';
import type { ByteString } from '@tsbuild/oci';
import type { ContextEntry } from './context-entry.ts';
import type { FilesAhead, PieceAhead } from './source-tree.ts';
import { plannedFiles } from './planned-files.ts';
import type { Piece, ReadAheadMessage } from './read-ahead-thread.ts';
import { startThread } from './start-thread.ts';

const SLOTS = 4;
/** Large enough that passing one on costs nothing, small enough for the processor's cache. */
const SLOT_BYTES = 2 * 1024 * 1024;

/** Fewer files and fewer bytes than these are read before a thread has even started (some 30 ms). */
const MANY_FILES = 1500;
const MANY_BYTES = 48 * 1024 * 1024;

/** Whether reading these files is work enough for a thread of its own. */
export function isWorthThread(entries: readonly ContextEntry[]): boolean {
  if (entries.length >= MANY_FILES) return true;
  return entries.reduce((sum, { size }) => sum + size, 0) >= MANY_BYTES;
}

/** What both threads see. */
interface SharedSlots {
  readonly slots: readonly Uint8Array[];
  readonly states: Int32Array;
}

/**
 * Context files that a second thread opens, reads, checks and hashes while this one writes the layer: on two processors
 * a cold COPY takes little longer than the slower half. Memory is a few slots, whatever the files' sizes.
 */
export class ReadAhead implements FilesAhead {
  readonly #slots: readonly Uint8Array[];
  readonly #states: Int32Array;
  readonly #entries: readonly ContextEntry[];
  readonly #worker: Worker;
  readonly #filled: Extract<ReadAheadMessage, object>[] = [];
  #pieces: readonly Piece[] = [];
  #next = 0;
  #slot = -1;
  #ended = false;
  #wake: (() => void) | undefined;

  private constructor(entries: readonly ContextEntry[], memory: SharedSlots, worker: Worker) {
    this.#entries = entries;
    this.#slots = memory.slots;
    this.#states = memory.states;
    this.#worker = worker;
    this.#worker.on('message', (message: ReadAheadMessage) => this.#heard(message));
    this.#worker.once('error', () => this.#heard('ended'));
    this.#worker.once('exit', () => this.#heard('ended'));
  }

  /** Starts reading `entries` below the directory `prefix`, in this order. */
  static async start(prefix: ByteString, entries: readonly ContextEntry[]): Promise<ReadAhead> {
    const memory = {
      slots: Array.from({ length: SLOTS }, () => new Uint8Array(new SharedArrayBuffer(SLOT_BYTES))),
      states: new Int32Array(new SharedArrayBuffer(4 * SLOTS)),
    };
    const job = { kind: 'read-ahead', ...plannedFiles(prefix, entries), ...memory } as const;
    return new ReadAhead(entries, memory, await startThread(job));
  }

  async ready(): Promise<boolean> {
    while (!this.isReady) {
      if (this.#next === this.#pieces.length && this.#takeSlot()) continue;
      if (this.#ended) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return true;
  }

  get isReady(): boolean {
    return this.#next < this.#pieces.length;
  }

  take(): PieceAhead {
    const piece = this.peek();
    this.#next++;
    return piece;
  }

  peek(): PieceAhead {
    const [file, from, to, sha256] = this.#pieces[this.#next] ?? [];
    const entry = this.#entries[file ?? -1];
    const slot = this.#slots[this.#slot];
    if (entry === undefined || slot === undefined) throw new TypeError('no piece is ready');
    return { entry, bytes: slot.subarray(from, to), sha256 };
  }

  close(): void {
    this.#ended = true;
    void this.#worker.terminate();
  }

  #heard(message: ReadAheadMessage): void {
    if (message === 'ended') this.#ended = true;
    else this.#filled.push(message);
    this.#wake?.();
  }

  /** Gives the slot that was used up back to the thread, and goes on to the next one. */
  #takeSlot(): boolean {
    if (this.#slot >= 0) {
      Atomics.store(this.#states, this.#slot, 0);
      Atomics.notify(this.#states, this.#slot);
      this.#slot = -1;
      this.#pieces = [];
      this.#next = 0;
    }
    const filled = this.#filled.shift();
    if (filled === undefined) return false;
    this.#slot = filled.slot;
    this.#pieces = filled.pieces;
    this.#next = 0;
    return true;
  }
}
