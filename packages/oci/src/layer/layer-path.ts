import type { ByteString } from '../spec/byte-string.ts';

/** Longest path that Linux takes, in bytes: what is longer no engine can unpack. */
export const PATH_MAX = 4095;

/** The path of the directory that `path` lies in; `''` for what lies in the root. */
export function parentPath(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** The last component of `path`. */
export function baseName(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `name` inside `directory`, where `''` is the root. */
export function joinPath(directory: ByteString, name: ByteString): ByteString {
  return directory === '' ? name : `${directory}/${name}`;
}

/** Finds an empty component, `.` and `..`, also at either end. */
const UNCLEAN = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** True for a relative path without empty components, `.` and `..`. */
export function isCleanPath(path: ByteString): boolean {
  return !UNCLEAN.test(path) && !path.includes('\0');
}

/**
 * A name as tar archives hold it (`./x`, `/x`, `x/`, `a//b`) as a clean path; `''` is the root. Undefined when it has a
 * `..` component: what that means would depend on symlinks.
 */
export function cleanPath(name: ByteString): ByteString | undefined {
  if (!UNCLEAN.test(name)) return name;
  const components = name.split('/').filter((component) => component !== '' && component !== '.');
  return components.includes('..') ? undefined : components.join('/');
}
