import { constants } from 'node:fs';
import type { ByteString, TarTime } from '@tsbuild/oci';
import { Fact } from './directory-scan.ts';
import type { SourceEntry } from './source-tree.ts';
import type { FileIdentity } from './stat-cache-file.ts';
import { majorOf, minorOf } from './trust/kept-times.ts';

/** A path of the context with all that its lstat said. */
export interface ContextEntry extends SourceEntry, FileIdentity {}

/** Whether an entry came out of a context, that is, carries a {@link FileIdentity}. */
export function isContextEntry(entry: SourceEntry): entry is ContextEntry {
  return 'ctimeMs' in entry && 'mtimeMs' in entry && 'ino' in entry;
}

/**
 * What COPY sees of an lstat. Owners are 0:0, as Docker copies context files for root whoever owns them; a symlink's
 * mode is 0777 as on Linux.
 * `facts` has them from `at` on.
 */
export function contextEntry(
  path: ByteString,
  facts: Float64Array,
  at: number,
  readlink: (path: ByteString) => ByteString,
): ContextEntry {
  const fact = (which: number): number => facts[at + which] ?? 0;
  const bits = fact(Fact.mode);
  const type = typeOf(bits);
  const device = type === 'char' || type === 'block';
  const mtimeMs = fact(Fact.mtimeMs);
  const ino = fact(Fact.ino);
  const dev = fact(Fact.dev);
  const entry: ContextEntry = {
    path,
    type,
    mode: type === 'symlink' ? 0o777 : bits & 0o7777,
    uid: 0,
    gid: 0,
    size: type === 'file' ? fact(Fact.size) : 0,
    mtime: tarTime(mtimeMs),
    linkPath: type === 'symlink' ? readlink(path) : '',
    devMajor: device ? majorOf(fact(Fact.rdev)) : 0,
    devMinor: device ? minorOf(fact(Fact.rdev)) : 0,
    mtimeMs,
    ctimeMs: fact(Fact.ctimeMs),
    ino,
    dev,
  };
  return type === 'file' && fact(Fact.nlink) > 1 ? { ...entry, hardLinkKey: `${dev}:${ino}` } : entry;
}

/**
 * A time in ms as tar keeps it. A double holds today's times to 244 ns: layers keep whole seconds, and a time less than
 * that before a full second counts as that second, on every machine alike. Exact times would cost every walk a fifth more.
 */
export function tarTime(ms: number): TarTime {
  const seconds = Math.floor(ms / 1000);
  // The subtraction is exact, so the fraction is in 0 … 999.999 ms also before 1970.
  return { seconds, nanoseconds: Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6)) };
}

/** The file type bits of a mode: inode(7). */
function typeOf(mode: number): SourceEntry['type'] {
  switch (mode & constants.S_IFMT) {
    case constants.S_IFREG:
      return 'file';
    case constants.S_IFDIR:
      return 'directory';
    case constants.S_IFLNK:
      return 'symlink';
    case constants.S_IFIFO:
      return 'fifo';
    case constants.S_IFCHR:
      return 'char';
    case constants.S_IFBLK:
      return 'block';
    default:
      // Linux has only sockets left; what other systems have besides can be copied as little.
      return 'socket';
  }
}
