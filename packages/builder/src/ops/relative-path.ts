import type { ByteString } from '@tsbuild/oci';

/** Clean, without leading or trailing slash; `..` stops at the root. */
export function cleanRelative(path: ByteString): ByteString {
  const parts: ByteString[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

/** `name` inside `directory`; `''` is the root. */
export function joinRelative(directory: ByteString, name: ByteString): ByteString {
  if (name === '') return directory;
  return directory === '' ? name : `${directory}/${name}`;
}

/** The directory that a clean relative path lies in. */
export function parentOf(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** The last name of a clean relative path. */
export function nameOf(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1);
}
