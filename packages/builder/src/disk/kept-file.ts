import { closeSync, constants, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, replaceFileUnsynced, sealJson, unsealJson } from '@tsbuild/oci/internal';

/** Tells a document from other JSON. */
export type IsDocument<T> = (value: Partial<T>) => boolean;

/** A file of a store that is not what its owner would read. */
export interface Fault {
  readonly path: string;
  /** What is wrong with it, for people. */
  readonly why: string;
}

const DAMAGED = 'it is damaged: its checksum is another, or it is no JSON document';

/**
 * Reads a small JSON document; undefined when it is missing, damaged or not `isValid`. One without a checksum, which an
 * earlier version wrote, is only looked at when `unsealed` is allowed: `isValid` must then look at each member.
 */
export function readKept<T>(
  path: string,
  isValid: IsDocument<T>,
  unsealed: 'refused' | 'allowed' = 'refused',
): T | undefined {
  try {
    const document = documentAt(path, isValid);
    return typeof document === 'string' || (!document.isSealed && unsealed === 'refused') ? undefined : document.value;
  } catch {
    return undefined;
  }
}

/**
 * What is wrong with the document at `path`, by the eyes of {@link readKept}; undefined when nothing is. One without a
 * checksum was written by an earlier version: that it may count as missing is no damage.
 */
function keptFault<T>(path: string, isValid: IsDocument<T>): string | undefined {
  try {
    const document = documentAt(path, isValid);
    return typeof document === 'string' ? document : undefined;
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? undefined : DAMAGED; // It went meanwhile, or it is no file.
  }
}

/** The faults of all documents in a directory: of the files `<name>.json`. */
export function keptFaults<T>(directory: string, isValid: IsDocument<T>): readonly Fault[] {
  return namesIn(directory)
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .flatMap((name) => faultAt(join(directory, name), isValid));
}

/** The fault of one document, as a list of at most one. */
export function faultAt<T>(path: string, isValid: IsDocument<T>): readonly Fault[] {
  const why = keptFault(path, isValid);
  return why === undefined ? [] : [{ path, why }];
}

/**
 * Removes the documents of a directory, and not the directory: a build that ends beside this may be about to write into it,
 * so that it is not empty a moment after its last file went.
 */
export function removeKept(directory: string): void {
  for (const name of namesIn(directory)) rmSync(join(directory, name), { recursive: true, force: true });
}

/** The names in a directory of a store, in order; none when it is not there. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch {
    return [];
  }
}

/** The document at a path, or what is wrong with it. @throws the file system's error */
function documentAt<T>(
  path: string,
  isValid: IsDocument<T>,
): { readonly value: T; readonly isSealed: boolean } | string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const document = unsealJson(readFileSync(fd, 'utf8'));
    if (document === undefined) return DAMAGED;
    const { value, isSealed } = document;
    const isOne = typeof value === 'object' && value !== null && isValid(value as Partial<T>);
    return isOne ? { value: value as T, isSealed } : 'it is no document of its kind';
  } finally {
    closeSync(fd);
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
