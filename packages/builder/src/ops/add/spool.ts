import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryPath } from '@tsbuild/oci/internal';

/** A file without a name: what is too large for memory lies there for a while. Gone when closed, or with the process. */
export class Spool implements Disposable {
  readonly #fd: number;
  #size = 0;
  #isOpen = true;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    const folder = temporaryPath(directory, 'spool');
    mkdirSync(folder, { mode: 0o700 });
    try {
      this.#fd = openSync(join(folder, 'spool'), 'wx+', 0o600);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  append(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#fd, chunk, at, chunk.length - at, this.#size + at);
    this.#size += chunk.length;
  }

  /** Fills `buffer` from `position`; returns the bytes read, 0 at the end. */
  readAt(buffer: Uint8Array, position: number): number {
    return readSync(this.#fd, buffer, 0, buffer.length, position);
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#fd);
  }
}
