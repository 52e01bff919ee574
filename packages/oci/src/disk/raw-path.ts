import type { ByteString } from '../spec/byte-string.ts';

/** One path as bytes, absolute, without a NUL at the end. */
export type RawPath = Buffer;

/** The path on disk of something in a tree: `''` is the tree's root. */
export function rawPath(root: RawPath, path: ByteString): RawPath {
  return path === '' ? root : Buffer.concat([root, Buffer.from(`/${path}`, 'latin1')]);
}

/** The `code` of an error of a system call or of this project, else undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
