import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, readSync } from 'node:fs';
import type { ContextEntry } from './context-entry.ts';
import { contextError, fileChanged } from './context-error.ts';
import type { HostDirectory } from './host-directory.ts';
import type { SourceReader } from './source-tree.ts';

/**
 * A context file while it is read. What comes out is the file as it was at one moment: the one that `entry` describes, or, of a
 * file that only grew or was touched since (a log), as much as `entry` says of what it holds now. A file that was replaced,
 * became shorter or changed while it was read is an error.
 */
export class ContextFile implements SourceReader {
  readonly #entry: ContextEntry;
  #fd: number;
  #left: number;
  #verified = false;
  /** Of a file that is written to: what its bytes must turn out to be, and what has come of them. */
  #moving: { readonly expected: string; readonly read: Hash } | undefined;

  /** @throws BuildError `FILE_CHANGED`, or `CONTEXT_INVALID` when it may not be read. */
  constructor(directory: HostDirectory, entry: ContextEntry) {
    this.#entry = entry;
    this.#left = entry.size;
    this.#fd = openFile(directory, entry);
    try {
      if (!this.#isSteady()) this.#moving = { expected: this.#digest(), read: createHash('sha256') };
    } catch (error) {
      this.close();
      throw error;
    }
  }

  read(buffer: Uint8Array): number {
    if (buffer.length === 0) return 0;
    const count = this.#left > 0 ? this.#readSome(buffer) : 0;
    this.#left -= count;
    if (count === 0 && this.#left > 0) throw fileChanged(this.#entry.path, 'became shorter while it was read');
    if (count > 0) this.#moving?.read.update(buffer.subarray(0, count));
    if (this.#left === 0 && !this.#verified) {
      this.#verify();
      this.#verified = true;
    }
    return count;
  }

  /** Whether the file changed shows in what is read alone: whoever reads here knows the digests. */
  readAt(buffer: Uint8Array, position: number): number {
    try {
      return readSync(this.#fd, buffer, 0, buffer.length, position);
    } catch (error) {
      throw contextError(this.#entry.path, error);
    }
  }

  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    closeSync(fd);
  }

  #readSome(buffer: Uint8Array): number {
    try {
      // Never more than the entry has, whatever was appended since.
      return readSync(this.#fd, buffer, 0, Math.min(buffer.length, this.#left), null);
    } catch (error) {
      throw contextError(this.#entry.path, error);
    }
  }

  /** What came out was all there at one moment: nothing has moved, or it was the same when it was read before. */
  #verify(): void {
    const isWhole =
      this.#moving === undefined ? this.#isSteady() : this.#moving.read.digest('hex') === this.#moving.expected;
    if (!isWhole) throw fileChanged(this.#entry.path, 'changed during the build');
  }

  /** Whether it is what `entry` says, to the last field. @throws BuildError when it cannot even begin with that. */
  #isSteady(): boolean {
    const { path, size, mtimeMs, ctimeMs, ino, dev } = this.#entry;
    const now = fstatSync(this.#fd);
    if (!now.isFile() || now.ino !== ino || now.dev !== dev) throw fileChanged(path, 'was replaced during the build');
    if (now.size < size) throw fileChanged(path, 'became shorter during the build');
    return now.size === size && now.mtimeMs === mtimeMs && now.ctimeMs === ctimeMs;
  }

  /** sha256 of the bytes that `entry` speaks of. */
  #digest(): string {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(Math.min(this.#entry.size, PIECE));
    for (let at = 0; at < this.#entry.size; ) {
      const count = this.readAt(buffer.subarray(0, Math.min(buffer.length, this.#entry.size - at)), at);
      if (count === 0) throw fileChanged(this.#entry.path, 'became shorter during the build');
      hash.update(buffer.subarray(0, count));
      at += count;
    }
    return hash.digest('hex');
  }
}

/** So much is read at once where only the digest is wanted. */
const PIECE = 256 * 1024;

function openFile(directory: HostDirectory, entry: ContextEntry): number {
  try {
    return directory.open(entry.path);
  } catch (error) {
    throw contextError(entry.path, error);
  }
}
