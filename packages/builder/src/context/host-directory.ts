import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  type PathLike,
  readdirSync,
  readlinkSync,
  type Stats,
  statfsSync,
} from 'node:fs';
import type { ByteString } from '@tsbuild/oci';
import { errorCode } from '@tsbuild/oci/internal';

/** Linux's O_PATH: an anchor for the path below it, no right to read. Node has no name for it. */
const O_PATH = 0x200000;

/** Linux refuses paths of 4096 bytes; what is longer is walked in pieces of less than this. */
const MAX_PATH = 4000;

/**
 * A directory of the machine, seen through paths that are bytes, relative to it, `''` being itself. All calls are
 * synchronous: for many small files that takes less than half the time of promises.
 */
export class HostDirectory {
  /** The directory's own path, empty for `/`: what stands before the slash of every path below it. */
  readonly prefix: ByteString;
  readonly #ascii: boolean;

  /** `root` is an absolute path. */
  constructor(root: string) {
    this.prefix = Buffer.from(root === '/' ? '' : root).toString('latin1');
    this.#ascii = isAscii(this.prefix);
  }

  /** lstat, undefined when there is no such path. */
  lstat(path: ByteString): Stats | undefined {
    try {
      return this.#at(path, (host) => lstatSync(host, IF_PRESENT));
    } catch (error) {
      // A name too long for the file system can be on none; the walk of a long path fails like lstat would.
      const code = errorCode(error);
      if (code === 'ENAMETOOLONG' || code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  /** The type of the file system that has a path, by its magic number; undefined when nobody can tell. */
  fileSystemType(path: ByteString): number | undefined {
    try {
      // A link's own file system is that of the directory it is in: statfs(2) would follow it.
      const at =
        path !== '' && this.lstat(path)?.isSymbolicLink() === true
          ? path.slice(0, Math.max(0, path.lastIndexOf('/')))
          : path;
      return this.#at(at, (host) => statfsSync(host)).type;
    } catch {
      return undefined;
    }
  }

  /** The names in a directory, sorted by bytes. */
  names(path: ByteString): ByteString[] {
    return this.#at(path, (host) => readdirSync(host, LATIN1)).toSorted();
  }

  /** A symlink's target. */
  readlink(path: ByteString): ByteString {
    return this.#at(path, (host) => readlinkSync(host, LATIN1));
  }

  /** Opens for reading, never through a symlink at the end of the path, never waiting for a fifo's writer. */
  open(path: ByteString): number {
    // Node adds O_CLOEXEC to every open.
    return this.#at(path, (host) => openSync(host, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  }

  #at<T>(path: ByteString, use: (host: PathLike) => T): T {
    const full = path === '' ? this.prefix || '/' : `${this.prefix}/${path}`;
    if (full.length > MAX_PATH) return inPieces(full, use);
    // Strings are the faster argument, but Node encodes them as UTF-8: only ASCII means the same in both.
    return use(this.#ascii && isAscii(path) ? full : Buffer.from(full, 'latin1'));
  }
}

const IF_PRESENT = { throwIfNoEntry: false } as const;
const LATIN1 = { encoding: 'latin1' } as const;

function isAscii(path: ByteString): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is the point.
  return /^[\x01-\x7f]*$/.test(path);
}

/** Goes down a path that is too long for one call, holding one directory at a time. */
function inPieces<T>(full: ByteString, use: (host: PathLike) => T): T {
  let rest = full.slice(1);
  let anchor = openSync('/', O_PATH | constants.O_DIRECTORY);
  try {
    while (rest.length > MAX_PATH) {
      const cut = rest.lastIndexOf('/', MAX_PATH);
      if (cut < 0) break;
      const next = openSync(
        Buffer.from(`/proc/self/fd/${anchor}/${rest.slice(0, cut)}`, 'latin1'),
        O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW,
      );
      closeSync(anchor);
      anchor = next;
      rest = rest.slice(cut + 1);
    }
    return use(Buffer.from(`/proc/self/fd/${anchor}/${rest}`, 'latin1'));
  } finally {
    closeSync(anchor);
  }
}
