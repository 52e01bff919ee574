import type { TarEntry } from '../src/tar/entry.ts';

/** The entry that tests start from: an empty file of root's, `rw-r--r--`, of 1970. */
export const PLAIN_ENTRY: TarEntry = {
  path: 'file',
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  linkPath: '',
  devMajor: 0,
  devMinor: 0,
};
