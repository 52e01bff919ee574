import { closeSync, fstatSync, readSync } from 'node:fs';
import type { ContextEntry } from './context-entry.ts';
import { contextError, fileChanged } from './context-error.ts';
import type { HostDirectory } from './host-directory.ts';
import type { SourceReader } from './source-tree.ts';

/**
 * A context file while it is read. What comes out is the file that `entry` describes, or an error: its inode, size and
 * times are compared when it is opened and again when its last byte was read.
 */
export class ContextFile implements SourceReader {
  readonly #entry: ContextEntry;
  #fd: number;
  #left: number;
  #verified = false;

  /** @throws BuildError `FILE_CHANGED`, or `CONTEXT_INVALID` when it may not be read. */
  constructor(directory: HostDirectory, entry: ContextEntry) {
    this.#entry = entry;
    this.#left = entry.size;
    this.#fd = openFile(directory, entry);
    try {
      this.#verify();
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
      // Never more than the entry has: what was appended since makes the check at the end fail.
      return readSync(this.#fd, buffer, 0, Math.min(buffer.length, this.#left), null);
    } catch (error) {
      throw contextError(this.#entry.path, error);
    }
  }

  #verify(): void {
    const { path, size, mtimeMs, ctimeMs, ino, dev } = this.#entry;
    const now = fstatSync(this.#fd);
    if (!now.isFile() || now.ino !== ino || now.dev !== dev) throw fileChanged(path, 'was replaced during the build');
    if (now.size !== size || now.mtimeMs !== mtimeMs || now.ctimeMs !== ctimeMs) {
      throw fileChanged(path, 'changed during the build');
    }
  }
}

function openFile(directory: HostDirectory, entry: ContextEntry): number {
  try {
    return directory.open(entry.path);
  } catch (error) {
    throw contextError(entry.path, error);
  }
}
