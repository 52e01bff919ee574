import { constants, closeSync, openSync, readFileSync } from 'node:fs';
import { replaceFileUnsynced, sealJson, unsealJson } from '@tsbuild/oci/internal';

/**
 * Reads a small JSON document; undefined when it is missing, damaged or not `isValid`. One without a checksum, which an
 * earlier version wrote, is only looked at when `unsealed` is allowed: `isValid` must then look at each member.
 */
export function readKept<T>(
  path: string,
  isValid: (value: Partial<T>) => boolean,
  unsealed: 'refused' | 'allowed' = 'refused',
): T | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const document = unsealJson(readFileSync(fd, 'utf8'));
      if (document === undefined || (!document.isSealed && unsealed === 'refused')) return undefined;
      const { value } = document;
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
export function writeKept(path: string, value: object): void {
  try {
    replaceFileUnsynced(path, sealJson(value));
  } catch {
    // As said.
  }
}
