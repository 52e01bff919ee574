import { constants, closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { temporaryPath } from '@tsbuild/oci/node';

/** Reads a small JSON document; undefined when it is missing, damaged or not `isValid`. */
export function readKept<T>(path: string, isValid: (value: Partial<T>) => boolean): T | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const value: unknown = JSON.parse(readFileSync(fd, 'utf8'));
      return typeof value === 'object' && value !== null && isValid(value as Partial<T>) ? (value as T) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/**
 * Replaces a document whole: readers see the old one or the new. Not synced, and whatever goes wrong is nobody's business:
 * with such a file an explanation is lost and no more.
 */
export function writeKept(path: string, value: unknown): void {
  const temporary = temporaryPath(dirname(path), basename(path));
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeFileSync(temporary, JSON.stringify(value), { flag: 'wx', mode: 0o644 });
    renameSync(temporary, path);
  } catch {
    removeQuietly(temporary);
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Its folder is no folder: there is nothing to remove.
  }
}
