import { createHash } from 'node:crypto';
import {
  chmodSync, closeSync, constants, fchmodSync, fchownSync, futimesSync, lchownSync, linkSync, lutimesSync, mkdirSync, openSync,
  symlinkSync,
} from 'node:fs'; // biome-ignore format: one list
import { setImmediate } from 'node:timers/promises';
import type { BlobReader, BlobStore, ByteString, Digest, SparseRegion } from '@tsbuild/oci';
import { byteStringToUtf8 } from '@tsbuild/oci';
import { namingPath, rangeReader, SparseFile } from '@tsbuild/oci/internal';
import { type NewLayerEntry } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import type { DiskOwners } from '../disk/disk-owners.ts';
import { CAPABILITY_XATTR } from '../disk/native.ts';
import type { Native, RawPath } from '../disk/native.ts';
import { errorCode, nameOf, parentOf, rawPath } from '../disk/raw-path.ts';

/** What files are made with. */
export interface MaterializeTools {
  readonly blobs: BlobStore;
  readonly native: Native;
  readonly owners: DiskOwners;
  readonly notice: (text: string) => void;
  readonly signal: AbortSignal;
}

/** An entry with its content's place; what layer indexes and merged views both have. */
export interface SourceEntry extends NewLayerEntry {
  readonly size: number;
  readonly linkPath: ByteString;
  readonly devMajor: number;
  readonly devMinor: number;
  readonly offset: number;
  readonly sparse?: readonly SparseRegion[];
  readonly contentSha256?: string;
}

const BUFFER_SIZE = 1024 * 1024;
const YIELD_MILLISECONDS = 20;
const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

/**
 * Writes entries of layers into a fresh directory that nobody else writes to. Every parent must have been made by it as
 * a real directory, so no entry can reach outside through a symlink. Directories get their times at the end.
 */
export class Materializer {
  readonly #root: RawPath;
  readonly #tools: MaterializeTools;
  readonly #directories = new Map<ByteString, SourceEntry['mtime'] | undefined>([['', undefined]]);
  readonly #readers = new Map<Digest, BlobReader>();
  readonly #buffer = Buffer.allocUnsafe(BUFFER_SIZE);
  #whiteout: RawPath | undefined;
  #yieldedAt = performance.now();

  /** @param root an empty directory */
  constructor(root: string, tools: MaterializeTools) {
    this.#root = Buffer.from(root);
    this.#tools = tools;
  }

  hasDirectory(path: ByteString): boolean {
    return this.#directories.has(path);
  }

  /** Makes one entry other than a hard link. `layer` is where its content lies. */
  async add(entry: SourceEntry, layer: Digest): Promise<void> {
    this.#checkParent(entry.path);
    const path = rawPath(this.#root, entry.path);
    if (path.length > MOST_PATH_BYTES) throw tooDeep(entry.path);
    if (entry.type === 'directory') this.#directory(entry, path);
    else if (entry.type === 'file') await this.#file(entry, path, layer);
    else if (entry.type === 'symlink') {
      symlinkSync(Buffer.from(entry.linkPath, 'latin1'), path);
      lchownSync(path, this.#tools.owners.uid(entry.uid), this.#tools.owners.gid(entry.gid));
      this.#setTimes(path, entry.mtime);
    } else this.#node(entry, path);
    if (performance.now() - this.#yieldedAt < YIELD_MILLISECONDS) return;
    await setImmediate();
    this.#tools.signal.throwIfAborted();
    this.#yieldedAt = performance.now();
  }

  /** Gives a file made before one more name. */
  link(target: ByteString, path: ByteString): void {
    this.#checkParent(path);
    this.#checkParent(target);
    linkSync(rawPath(this.#root, target), rawPath(this.#root, path));
  }

  /** Makes what overlayfs takes for "not here": a device 0:0. All of them share one inode, as the kernel's own do. */
  whiteout(path: ByteString): void {
    this.#checkParent(path);
    const at = rawPath(this.#root, path);
    try {
      if (this.#whiteout !== undefined) return linkSync(this.#whiteout, at);
    } catch (error) {
      if (errorCode(error) !== 'EMLINK') throw error;
    }
    this.#tools.native.mknod(at, S_IFCHR, 0, 0);
    this.#whiteout = at;
  }

  /** Sets the directories' times, which everything put into them had changed. */
  finish(): void {
    for (const [path, mtime] of [...this.#directories].toReversed()) {
      if (mtime !== undefined) this.#setTimes(rawPath(this.#root, path), mtime);
    }
  }

  /** Lets go of the layers. */
  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
  }

  #checkParent(path: ByteString): void {
    const name = nameOf(path);
    const isName = name !== '' && name !== '.' && name !== '..' && !name.includes('\0');
    if (isName && this.#directories.has(parentOf(path))) return;
    throw new BuildError(
      'LAYER_INVALID',
      `the layer entry ${byteStringToUtf8(path)} is not inside a directory of the image`,
    );
  }

  #directory(entry: SourceEntry, path: RawPath): void {
    mkdirSync(path, { mode: 0o700 });
    lchownSync(path, this.#tools.owners.uid(entry.uid), this.#tools.owners.gid(entry.gid));
    chmodSync(path, entry.mode);
    this.#directories.set(entry.path, entry.mtime);
  }

  async #file(entry: SourceEntry, path: RawPath, layer: Digest): Promise<void> {
    const fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW, 0o600);
    try {
      try {
        this.#copy(entry, fd, layer);
      } catch (error) {
        throw namingPath(error, path.toString());
      }
      // Owner before mode: chown takes setuid bits away; and both before the attributes: it takes capabilities away too.
      fchownSync(fd, this.#tools.owners.uid(entry.uid), this.#tools.owners.gid(entry.gid));
      fchmodSync(fd, entry.mode);
      const capability = entry.xattrs?.get(CAPABILITY_XATTR);
      if (capability !== undefined) this.#tools.native.setXattr(path, CAPABILITY_XATTR, capability);
      if (isPlain(entry.mtime)) futimesSync(fd, entry.mtime.seconds, entry.mtime.seconds);
      else this.#setTimes(path, entry.mtime);
    } finally {
      closeSync(fd);
    }
  }

  #copy(entry: SourceEntry, fd: number, layer: Digest): void {
    if (entry.size === 0) return;
    const file = rangeReader(this.#reader(layer), entry);
    const sha256 = createHash('sha256');
    const target = new SparseFile(fd);
    for (let done = 0; done < entry.size; ) {
      const length = file.read(this.#buffer);
      if (length === 0) break;
      const piece = this.#buffer.subarray(0, length);
      target.write(piece);
      sha256.update(piece);
      done += length;
    }
    target.finish();
    if (sha256.digest('hex') === entry.contentSha256) return;
    throw new BuildError(
      'SNAPSHOT_FAILED',
      `the stored layer ${layer} is damaged: ${byteStringToUtf8(entry.path)} has changed`,
      {
        hint: 'Run tsbuild fsck, or remove the image and pull or build it again.',
      },
    );
  }

  #node(entry: SourceEntry, path: RawPath): void {
    const type = { char: S_IFCHR, block: S_IFBLK, fifo: S_IFIFO, hardlink: 0 }[
      entry.type as 'char' | 'block' | 'fifo' | 'hardlink'
    ];
    if (type === S_IFCHR && entry.devMajor === 0 && entry.devMinor === 0) {
      throw new BuildError(
        'LAYER_INVALID',
        `the layer contains the device 0:0 at ${byteStringToUtf8(entry.path)}, which hides files of other layers`,
      );
    }
    try {
      this.#tools.native.mknod(path, type | 0o600, entry.devMajor, entry.devMinor);
    } catch (error) {
      if (errorCode(error) !== 'EPERM' || type === S_IFIFO) throw error;
      this.#tools.notice(`skipped the device /${byteStringToUtf8(entry.path)}: only root can create devices`);
      return;
    }
    lchownSync(path, this.#tools.owners.uid(entry.uid), this.#tools.owners.gid(entry.gid));
    chmodSync(path, entry.mode);
    this.#setTimes(path, entry.mtime);
  }

  #setTimes(path: RawPath, { seconds, nanoseconds }: SourceEntry['mtime']): void {
    if (isPlain({ seconds, nanoseconds })) lutimesSync(path, seconds, seconds);
    else this.#tools.native.setTimes(path, seconds, nanoseconds);
  }

  #reader(layer: Digest): BlobReader {
    let reader = this.#readers.get(layer);
    if (reader === undefined) this.#readers.set(layer, (reader = this.#tools.blobs.openReader(layer)));
    return reader;
  }
}

/** What Node's own calls set right: they cut nanoseconds, and take times before 1970 for now. */
function isPlain({ seconds, nanoseconds }: SourceEntry['mtime']): boolean {
  return seconds >= 0 && nanoseconds === 0;
}

/** Linux's PATH_MAX, without the zero behind it. */
const MOST_PATH_BYTES = 4095;

function tooDeep(path: ByteString): BuildError {
  return new BuildError(
    'SNAPSHOT_FAILED',
    `a command cannot run on this image: its path ${byteStringToUtf8(path.slice(0, 60))}… is ${path.length} bytes long, more than Linux supports`,
    { hint: 'COPY can store such trees; exclude them from stages with a RUN.' },
  );
}
