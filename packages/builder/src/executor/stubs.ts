import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import type { BigIntStats } from 'node:fs';
import type { ByteString } from '@tsbuild/oci';
import { byteStringToUtf8 } from '@tsbuild/oci';
import type { RootfsEntry, RootfsTree } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';

/** The part of the merged view that mount points are found by. */
export type MountTree = Pick<RootfsTree, 'lookup' | 'resolveForWrite'>;

/** Something put into the writable layer only so that it can be mounted on. */
interface Stub {
  readonly path: ByteString;
  /** Whether the image has a directory here, of which this is a copy. */
  readonly isCopy: boolean;
  readonly made: BigIntStats;
  /** Times of the parent before and after the stub was made. */
  readonly parentBefore: BigIntStats;
  readonly parentAfter: BigIntStats;
}

/**
 * Makes files and directories in a writable layer, and takes away again those that nobody touched. Paths are relative
 * to the root and free of symlinks in the image; whatever a command put in their place since is never followed
 * (CVE-2024-23652).
 */
export class Stubs {
  readonly #tree: MountTree;
  readonly #root: Buffer;
  readonly #stubs: Stub[] = [];

  constructor(tree: MountTree, writable: string) {
    this.#tree = tree;
    this.#root = Buffer.from(writable);
  }

  /** Makes the directory visible in the writable layer, its parents too, each as the image has it. */
  directory(path: ByteString): void {
    if (path === '') return;
    const entry = this.#tree.lookup(path);
    if (entry !== undefined && entry.type !== 'directory') throw inTheWay(entry, 'a directory');
    this.directory(parentOf(path));
    this.#make(path, entry !== undefined, (at) => {
      mkdirSync(at, { mode: 0o700 });
      if (entry !== undefined) chown(at, entry.uid, entry.gid);
      chmodSync(at, entry?.mode ?? 0o755);
      if (entry !== undefined) utimesSync(at, entry.mtime.seconds, entry.mtime.seconds);
    });
  }

  /** Makes an empty file where the image has none. */
  file(path: ByteString): void {
    const entry = this.#tree.lookup(path);
    if (entry?.type === 'directory') throw inTheWay(entry, 'a file');
    if (entry !== undefined) return;
    this.directory(parentOf(path));
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
    this.#make(path, false, (at) => {
      closeSync(openSync(at, flags, 0o600));
      chmodSync(at, 0o644);
    });
  }

  /** Removes what is still as it was made, last first. */
  remove(): void {
    for (const stub of this.#stubs.splice(0).toReversed()) {
      if (!this.#hasRealParents(stub.path)) continue;
      const now = lstatSync(this.#at(stub.path), { bigint: true, throwIfNoEntry: false });
      if (now === undefined || !isSame(now, stub.made)) continue;
      // The command set its time, or used it for a while: that is a change of the image's directory.
      if (stub.isCopy && !isSameTime(now, stub.made)) continue;
      const parent = this.#at(parentOf(stub.path));
      const before = lstatSync(parent, { bigint: true });
      if (!removeEmpty(this.#at(stub.path), now)) continue;
      // The command must not see in its next step, nor a layer keep, that something was here.
      const times = isSameTime(before, stub.parentAfter) ? stub.parentBefore : before;
      utimesSync(parent, Number(times.atimeNs) / 1e9, Number(times.mtimeNs) / 1e9);
    }
  }

  #make(path: ByteString, isCopy: boolean, make: (at: Buffer) => void): void {
    const at = this.#at(path);
    if (lstatSync(at, { throwIfNoEntry: false }) !== undefined) return;
    const parent = this.#at(parentOf(path));
    const parentBefore = lstatSync(parent, { bigint: true });
    make(at);
    const parentAfter = lstatSync(parent, { bigint: true });
    this.#stubs.push({ path, isCopy, made: lstatSync(at, { bigint: true }), parentBefore, parentAfter });
  }

  #hasRealParents(path: ByteString): boolean {
    for (let parent = parentOf(path); parent !== ''; parent = parentOf(parent)) {
      if (!(lstatSync(this.#at(parent), { throwIfNoEntry: false })?.isDirectory() ?? false)) return false;
    }
    return true;
  }

  #at(path: ByteString): Buffer {
    return path === '' ? this.#root : Buffer.concat([this.#root, Buffer.from(`/${path}`, 'latin1')]);
  }
}

function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function isSame(now: BigIntStats, made: BigIntStats): boolean {
  return now.ino === made.ino && now.mode === made.mode && now.uid === made.uid && now.gid === made.gid;
}

/** {@link Stubs.remove} puts times back by Node's own call, which rounds them to less than a microsecond. */
function isSameTime(now: BigIntStats, made: BigIntStats): boolean {
  const moved = now.mtimeNs - made.mtimeNs;
  return moved < 1_000_000n && moved > -1_000_000n;
}

function removeEmpty(path: Buffer, stats: BigIntStats): boolean {
  if (!stats.isDirectory()) {
    if (stats.size === 0n) unlinkSync(path);
    return stats.size === 0n;
  }
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTEMPTY') return false;
    throw error;
  }
}

function chown(path: Buffer, uid: number, gid: number): void {
  try {
    chownSync(path, uid, gid);
  } catch (error) {
    // A single-id user namespace has no such owner; the layer below has the file as root's there too.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  }
}

function inTheWay(entry: RootfsEntry, needed: string): BuildError {
  const path = byteStringToUtf8(entry.path);
  const what = entry.type === 'symlink' ? `a symlink to ${byteStringToUtf8(entry.linkPath)}` : `a ${entry.type}`;
  return new BuildError('RUN_FAILED', `cannot run a command in this image: /${path} is ${what}, not ${needed}`, {
    hint: `Remove /${path} from the image, or make it ${needed}.`,
  });
}
