import type { ByteString } from '@tsbuild/oci';
import type { RawPath } from './native.ts';

/** The path on disk of something in a tree: `''` is the tree's root. */
export function rawPath(root: RawPath, path: ByteString): RawPath {
  return path === '' ? root : Buffer.concat([root, Buffer.from(`/${path}`, 'latin1')]);
}

/** The path of `name` in a directory; `''` is the root. */
export function join(directory: ByteString, name: ByteString): ByteString {
  return directory === '' ? name : `${directory}/${name}`;
}

/** The directory that `path` lies in. */
export function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The last component. */
export function nameOf(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The `code` of an error of a system call, else undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
