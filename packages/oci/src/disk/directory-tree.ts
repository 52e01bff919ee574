import { createHash } from 'node:crypto';
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { byteStringToUtf8, compareByteStrings, type ByteString } from '../spec/byte-string.ts';
import type { TarTime } from '../tar/entry.ts';
import { readXattrs, type Xattrs } from './getfattr.ts';
import { errorCode, rawPath } from './raw-path.ts';
import type { FileReader } from '../layer/file-reader.ts';
import { KEPT_XATTR_PATTERN, keptXattrs } from '../layer/kept-xattrs.ts';
import { layerInvalid } from '../layer/layer-error.ts';
import { joinPath } from '../layer/layer-path.ts';
import type { FileTree, TreeEntry } from '../layer/tree-comparison.ts';

/** Choices of {@link DirectoryTree}. */
export interface DirectoryTreeOptions {
  /** Read file capabilities and `user.*` attributes, with the program getfattr; true unless told, where it is there. */
  readonly xattrs?: boolean;
  /** The owner of all files instead of what the disk says. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

const READ_SIZE = 256 * 1024;
const SECOND = 1_000_000_000n;
const TYPES: Readonly<Record<number, TreeEntry['type']>> = {
  0o010000: 'fifo',
  0o020000: 'char',
  0o040000: 'directory',
  0o060000: 'block',
  0o100000: 'file',
  0o120000: 'symlink',
};

/** A directory on disk as a file tree. Nothing should change in it while it is read. Sockets are passed over. */
export class DirectoryTree implements FileTree {
  readonly #root: Buffer;
  readonly #owner: DirectoryTreeOptions['owner'];
  readonly #xattrs: Xattrs | undefined;

  constructor(root: string, options: DirectoryTreeOptions = {}) {
    this.#root = Buffer.from(root);
    this.#owner = options.owner;
    this.#xattrs = options.xattrs === false ? undefined : readable(this.#root);
  }

  list(directory: ByteString): readonly TreeEntry[] {
    return readdirSync(rawPath(this.#root, directory), { encoding: 'buffer' })
      .map((name) => joinPath(directory, name.toString('latin1')))
      .toSorted(compareByteStrings)
      .map((path) => this.#entry(path))
      .filter((entry) => entry !== undefined);
  }

  contentSha256(entry: TreeEntry): string {
    const file = this.open(entry);
    try {
      const sha256 = createHash('sha256');
      const buffer = Buffer.allocUnsafe(READ_SIZE);
      for (let length = file.read(buffer); length > 0; length = file.read(buffer)) {
        sha256.update(buffer.subarray(0, length));
      }
      return sha256.digest('hex');
    } finally {
      file.close();
    }
  }

  open(entry: Pick<TreeEntry, 'path'>): FileReader {
    const fd = openSync(
      rawPath(this.#root, entry.path),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    return { read: (buffer) => readSync(fd, buffer), close: () => closeSync(fd) };
  }

  #entry(path: ByteString): TreeEntry | undefined {
    const raw = rawPath(this.#root, path);
    const stats = lstatSync(raw, { bigint: true });
    const type = TYPES[Number(stats.mode) & 0o170000];
    if (type === undefined) return undefined;
    const isDevice = type === 'char' || type === 'block';
    if (type === 'char' && stats.rdev === 0n) {
      throw layerInvalid(
        path,
        `/${byteStringToUtf8(path)} is overlayfs's whiteout: this is the upper directory of a mount`,
      );
    }
    const xattrs = keptXattrs(this.#xattrs?.get(path));
    return {
      path,
      type,
      mode: type === 'symlink' ? 0o777 : Number(stats.mode) & 0o7777,
      uid: this.#owner?.uid ?? Number(stats.uid),
      gid: this.#owner?.gid ?? Number(stats.gid),
      size: type === 'file' ? Number(stats.size) : 0,
      mtime: timeOf(stats),
      linkPath: type === 'symlink' ? readlinkSync(raw, { encoding: 'latin1' }) : '',
      // makedev(3) of Linux.
      devMajor: isDevice ? Number(((stats.rdev >> 32n) & 0xfffff000n) | ((stats.rdev >> 8n) & 0xfffn)) : 0,
      devMinor: isDevice ? Number(((stats.rdev >> 12n) & 0xffffff00n) | (stats.rdev & 0xffn)) : 0,
      ...(type === 'file' && stats.nlink > 1n && { hardLinkKey: `${stats.dev}:${stats.ino}` }),
      ...(xattrs !== undefined && { xattrs }),
    };
  }
}

/** The attributes of all files; undefined where there is no program to read them. */
function readable(root: Buffer): Xattrs | undefined {
  try {
    return readXattrs(root, KEPT_XATTR_PATTERN);
  } catch (error) {
    if (errorCode(error) === 'UNSUPPORTED') return undefined;
    throw error;
  }
}

/** Rounds down, also before 1970, as the kernel and tar do. */
function timeOf({ mtimeNs }: BigIntStats): TarTime {
  const nanoseconds = ((mtimeNs % SECOND) + SECOND) % SECOND;
  return { seconds: Number((mtimeNs - nanoseconds) / SECOND), nanoseconds: Number(nanoseconds) };
}
