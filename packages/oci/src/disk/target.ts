import type { ByteString } from '../spec/byte-string.ts';
import type { RawPath } from './raw-path.ts';

/** Owner of a file. */
export interface DiskOwner {
  readonly uid: number;
  readonly gid: number;
}

/** A directory that an `EntryWriter` writes to, by paths that cannot lead out of it. */
export interface Target {
  /** Sees to the directories above `path`. @throws OciError `LAYER_INVALID` when one is something else */
  makeParents(path: ByteString): void;
  /** Makes a directory, for now open to its owner only. */
  makeDirectory(path: ByteString): void;
  /** Makes a new, empty file; the caller closes it. */
  makeFile(path: ByteString): number;
  makeSymlink(path: ByteString, target: ByteString): void;
  /** Gives a file one more name. @throws OciError `LAYER_INVALID` when there is no such file */
  makeLink(path: ByteString, target: ByteString): void;
  /** Makes room for what the caller makes at `path`; returns {@link at}. */
  makeRoom(path: ByteString): RawPath;
  /** Removes what is at a path; nothing is no error. */
  remove(path: ByteString): void;
  /** Changes the mode of what is at a path, which is no symlink. */
  chmod(path: ByteString, mode: number): void;
  /** The path that system calls take for `path`; its last component must not be followed. Valid until the next call. */
  at(path: ByteString): RawPath;
}
