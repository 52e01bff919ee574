import { closeSync, fstatSync, readSync } from 'node:fs';
import { createHash } from 'node:crypto';
import type { ByteString } from '@tsbuild/oci';
import { errorCode } from '@tsbuild/oci/internal';
import { type ContextEntry, contextEntry } from './context-entry.ts';
import { contextError } from './context-error.ts';
import { factsOf } from './directory-scan.ts';
import type { HostDirectory } from './host-directory.ts';
import type { SourceReader } from './source-tree.ts';

/** A larger file is not held: logs and small state are what programs write all the time. */
const LARGEST = 64 * 1024 * 1024;

/** So often a file is read until two readings in a row agree. */
const MOST_READINGS = 50;

/** A file that did not stand still while it was copied: read at once into memory, and served from there. */
export interface HeldFile {
  readonly entry: ContextEntry;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** Reads a file as it is at one moment. Undefined when it is gone, no file, too large, or changes all the time. */
export function holdFile(directory: HostDirectory, path: ByteString): HeldFile | undefined {
  let before: string | undefined;
  let size = -1;
  for (let reading = 0; reading < MOST_READINGS; reading++) {
    const held = readOnce(directory, path, size);
    if (held === undefined) return undefined;
    // Two readings of the same bytes: between them the file held just these, whatever it held before and after.
    if (held.isWhole && held.sha256 === before && held.entry.size === size) return held;
    before = held.sha256;
    size = held.isWhole ? held.entry.size : -1;
  }
  return undefined;
}

/** As many bytes as the file has now, or `size` when it has more: what is appended meanwhile must not count. */
function readOnce(
  directory: HostDirectory,
  path: ByteString,
  size: number,
): (HeldFile & { readonly isWhole: boolean }) | undefined {
  let fd: number;
  try {
    fd = directory.open(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ELOOP' || errorCode(error) === 'ENXIO') return undefined;
    throw contextError(path, error);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > LARGEST) return undefined;
    const entry = contextEntry(path, factsOf(stats), 0, String);
    const wanted = size >= 0 && stats.size > size ? size : stats.size;
    const bytes = Buffer.alloc(wanted);
    let filled = 0;
    for (let count = -1; count !== 0 && filled < wanted; filled += count) {
      count = readSync(fd, bytes, filled, wanted - filled, filled);
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { entry: { ...entry, size: wanted }, bytes, sha256, isWhole: filled === wanted };
  } catch (error) {
    throw contextError(path, error);
  } finally {
    closeSync(fd);
  }
}

/** Reads a held file. */
export function readHeld({ bytes }: HeldFile): SourceReader {
  let at = 0;
  const readAt = (buffer: Uint8Array, position: number): number => bytes.copy(buffer, 0, position);
  return {
    read(buffer) {
      const count = readAt(buffer, at);
      at += count;
      return count;
    },
    readAt,
    close: () => {},
  };
}
