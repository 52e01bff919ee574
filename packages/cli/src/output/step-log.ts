import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OutputLines } from './output-lines.ts';

/** So much of a log stays in memory; what is more goes to a file that has no name. Bytes. */
const IN_MEMORY = 1024 * 1024;
const PIECE = 64 * 1024;

/** Everything that one step wrote, both streams in the order in which they came, for the case that it fails. */
export class StepLog implements Disposable {
  #chunks: Uint8Array[] = [];
  #size = 0;
  #file: number | undefined;
  #inFile = 0;
  /** There was no room on disk: the beginning is missing. */
  #cut = false;

  push(chunk: Uint8Array): void {
    // Copied: the producer may reuse its buffer.
    this.#chunks.push(Uint8Array.from(chunk));
    this.#size += chunk.length;
    if (this.#size > IN_MEMORY) this.#spill();
  }

  get isEmpty(): boolean {
    return this.#size === 0 && this.#inFile === 0;
  }

  /** The log as clean lines. */
  *lines(): Generator<string, void, undefined> {
    const lines = new OutputLines();
    if (this.#cut) yield '… (the beginning did not fit on the disk)';
    for (const chunk of this.#all()) yield* lines.push(chunk);
    yield* lines.flush();
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#chunks = [];
    this.#size = 0;
    this.#inFile = 0;
  }

  *#all(): Generator<Uint8Array, void, undefined> {
    const buffer = Buffer.alloc(PIECE);
    for (let at = 0; this.#file !== undefined && at < this.#inFile; ) {
      const count = readSync(this.#file, buffer, 0, buffer.length, at);
      if (count === 0) break;
      at += count;
      yield buffer.subarray(0, count);
    }
    yield* this.#chunks;
  }

  #spill(): void {
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#size = 0;
    try {
      this.#file ??= namelessFile();
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(this.#file, bytes, written, bytes.length - written, this.#inFile + written);
      }
      this.#inFile += bytes.length;
    } catch {
      // A full disk must not end a build that would have gone well.
      this.#cut = true;
      this.#inFile = 0;
      this.#chunks = [bytes.subarray(-IN_MEMORY / 2)];
      this.#size = IN_MEMORY / 2;
    }
  }
}

/** A file that goes with its descriptor, however the process ends. */
function namelessFile(): number {
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-log-'));
  try {
    return openSync(join(folder, 'log'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
