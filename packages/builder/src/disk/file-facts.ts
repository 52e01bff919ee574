import type { BigIntStats } from 'node:fs';
import { lstatSync } from 'node:fs';
import type { TarEntryType, TarTime } from '@tsbuild/oci';
import type { RawPath } from '@tsbuild/oci/internal';

/** What lstat says of a file, as far as a layer can hold it. */
export interface FileFacts {
  /** `whiteout` is overlayfs's device 0:0; sockets no layer can hold. */
  readonly type: Exclude<TarEntryType, 'hardlink'> | 'whiteout' | 'socket';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of a file; 0 for all others. */
  readonly size: number;
  readonly mtime: TarTime;
  readonly devMajor: number;
  readonly devMinor: number;
  /** The device that the file is on. */
  readonly device: bigint;
  readonly inode: bigint;
  readonly links: number;
  /** The kernel's own mark of change, in nanoseconds; no program can set it. */
  readonly ctime: bigint;
}

const TYPES: Readonly<Record<number, FileFacts['type']>> = {
  0o010000: 'fifo',
  0o020000: 'char',
  0o040000: 'directory',
  0o060000: 'block',
  0o100000: 'file',
  0o120000: 'symlink',
  0o140000: 'socket',
};
const SECOND = 1_000_000_000n;

/** The facts of what is at `path` itself. @throws ENOENT when nothing is */
export function readFacts(path: RawPath): FileFacts {
  return factsOfFile(lstatSync(path, { bigint: true }));
}

/** The same of what was looked at already. */
export function factsOfFile(stats: BigIntStats): FileFacts {
  const mode = Number(stats.mode);
  const type = TYPES[mode & 0o170000] ?? 'socket';
  const isDevice = type === 'char' || type === 'block';
  return {
    type: type === 'char' && stats.rdev === 0n ? 'whiteout' : type,
    mode: mode & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: type === 'file' ? Number(stats.size) : 0,
    mtime: timeOf(stats),
    devMajor: isDevice ? Number(((stats.rdev >> 32n) & 0xfffff000n) | ((stats.rdev >> 8n) & 0xfffn)) : 0,
    devMinor: isDevice ? Number(((stats.rdev >> 12n) & 0xffffff00n) | (stats.rdev & 0xffn)) : 0,
    device: stats.dev,
    inode: stats.ino,
    links: Number(stats.nlink),
    ctime: stats.ctimeNs,
  };
}

/** Rounds down, also before 1970, as the kernel and tar do. */
function timeOf({ mtimeNs }: BigIntStats): TarTime {
  const nanoseconds = ((mtimeNs % SECOND) + SECOND) % SECOND;
  return { seconds: Number((mtimeNs - nanoseconds) / SECOND), nanoseconds: Number(nanoseconds) };
}
