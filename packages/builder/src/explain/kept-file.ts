import { constants, closeSync, openSync, readFileSync } from 'node:fs';
import { replaceFileUnsynced } from '@tsbuild/oci/node';

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
  try {
    replaceFileUnsynced(path, JSON.stringify(value));
  } catch {
    // As said.
  }
}
