import { createHash } from 'node:crypto';
import { fchmodSync, fchownSync, lchownSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { ByteString } from '../spec/byte-string.ts';
import type { TarEntry, TarEntryType } from '../tar/entry.ts';
import type { FileReader } from '../layer/file-reader.ts';
import { keptXattrs } from '../layer/kept-xattrs.ts';
import { layerInvalid } from '../layer/layer-error.ts';
import type { TimeSetter } from './file-times.ts';
import { type Native, S_IFBLK, S_IFCHR, S_IFIFO } from './native.ts';
import { NewFile } from './new-file.ts';
import { errorCode, type RawPath } from './raw-path.ts';
import type { DiskOwner, Target } from './target.ts';

/** What a writer makes on disk: an entry of a layer, of a merged view, of an archive or of a directory. */
export interface DiskEntry extends Omit<TarEntry, 'type'> {
  readonly type: TarEntryType | 'socket';
  /** Of a file, hexadecimal; what is written is compared with it. */
  readonly contentSha256?: string;
}

/** What of an entry could not be made. */
export interface Skipped {
  readonly path: ByteString;
  readonly what: 'device' | 'fifo' | 'attributes';
  readonly reason: string;
  /** The attributes that could not be set. */
  readonly names: readonly string[];
  /** Of the call that was to make a device or fifo. */
  readonly error?: unknown;
}

/** How an {@link EntryWriter} writes. */
export interface EntryWriterOptions<E extends DiskEntry> {
  readonly native: Native;
  readonly setTimes: TimeSetter;
  /** Whom an entry belongs to on disk; undefined leaves it to whoever runs this. */
  readonly owner: (entry: E) => DiskOwner | undefined;
  /** Make devices; fifos are always made. */
  readonly devices: boolean;
  /** Set the attributes that layers keep; true unless told. */
  readonly xattrs?: boolean;
  /** Is told what was left out. What it throws ends the writing. */
  readonly onSkip: (skipped: Skipped) => void;
  /** The error to throw for one of the file system's. */
  readonly failure: (path: ByteString, error: unknown) => unknown;
  readonly signal?: AbortSignal | undefined;
}

const NODES = { fifo: S_IFIFO, char: S_IFCHR, block: S_IFBLK } as const;
const BUFFER_SIZE = 1024 * 1024;
const YIELD_MILLISECONDS = 20;

/**
 * The one writer of entries onto a disk. Applying a layer, unpacking one for overlayfs, extracting an archive and filling a
 * directory differ in the {@link Target} (which also says what a whiteout becomes), in the owners, and in where content comes from.
 * Which attributes are kept, in which order owner, attributes, mode and time are set, and what is refused, is decided here.
 */
export class EntryWriter<E extends DiskEntry> {
  readonly #target: Target;
  readonly #options: EntryWriterOptions<E>;
  /** What gets mode and time when all else is made: directories, and what has attributes. */
  readonly #later = new Map<ByteString, E>();
  readonly #xattrs = new Map<ByteString, ReadonlyMap<string, Uint8Array>>();
  readonly #buffer = Buffer.allocUnsafe(BUFFER_SIZE);
  #yieldedAt = performance.now();

  constructor(target: Target, options: EntryWriterOptions<E>) {
    this.#target = target;
    this.#options = options;
  }

  /**
   * Makes one entry; hard links and sockets are passed over.
   * @param open the content of a file that is not empty
   * @param damaged the error for content that is not what the entry says
   */
  add(entry: E, open: (entry: E) => FileReader, damaged: (entry: E) => Error = changed): void {
    this.#changing(entry.path, () => {
      if (entry.type === 'file') this.#addFile(entry, open, damaged);
      else this.#make(entry);
    });
  }

  /**
   * Begins a file whose content the caller writes. With `atomically` it takes its name when it is complete: whoever reads an
   * old one meanwhile reads all of it, and nothing half written stays.
   */
  begin(entry: E, atomically: boolean): NewFile {
    this.#target.makeParents(entry.path);
    return new NewFile(this.#target, entry.path, atomically, (fd, at) => this.#finishFile(entry, fd, at));
  }

  /** Gives a file one more name. */
  link(path: ByteString, target: ByteString): void {
    this.#changing(path, () => {
      this.#target.makeParents(path);
      this.#target.makeLink(path, target);
      this.#forget(path);
    });
  }

  /** Sets attributes, then modes (who may not write to a file can set none) and times, which everything put into a directory had changed. */
  finish(): void {
    const files = [...this.#xattrs];
    const failures = this.#options.native.setXattrs(
      files.map(([path, values]) => ({ at: () => this.#target.at(path), values })),
    );
    for (const [i, [path]] of files.entries()) {
      const failed = failures.filter(({ index }) => index === i);
      if (failed.length === 0) continue;
      const [{ reason } = { reason: '' }] = failed;
      this.#options.onSkip({ path, what: 'attributes', reason, names: failed.map(({ name }) => name) });
    }
    for (const [path, entry] of [...this.#later].toReversed()) {
      this.#changing(path, () => {
        if (entry.type !== 'symlink') this.#target.chmod(path, entry.mode);
        this.#options.setTimes(() => this.#target.at(path), entry.mtime);
      });
    }
  }

  /** Lets timers and signals run from time to time. @throws the signal's reason */
  async breathe(): Promise<void> {
    if (performance.now() - this.#yieldedAt < YIELD_MILLISECONDS) return;
    await setImmediate();
    this.#options.signal?.throwIfAborted();
    this.#yieldedAt = performance.now();
  }

  #addFile(entry: E, open: (entry: E) => FileReader, damaged: (entry: E) => Error): void {
    using file = this.begin(entry, false);
    if (entry.size > 0) this.#copy(entry, open(entry), file, damaged);
    file.finish();
  }

  #copy(entry: E, source: FileReader, file: NewFile, damaged: (entry: E) => Error): void {
    const sha256 = entry.contentSha256 === undefined ? undefined : createHash('sha256');
    try {
      for (let left = entry.size; left > 0; ) {
        const length = source.read(this.#buffer.subarray(0, Math.min(BUFFER_SIZE, left)));
        if (length === 0) break;
        const piece = this.#buffer.subarray(0, length);
        file.write(piece);
        sha256?.update(piece);
        left -= length;
      }
    } finally {
      source.close();
    }
    if (sha256?.digest('hex') !== entry.contentSha256) throw damaged(entry);
  }

  #finishFile(entry: E, fd: number, at: () => RawPath): void {
    // Owner first: changing it takes capabilities and setuid bits away.
    const owner = this.#options.owner(entry);
    if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid);
    if (this.#noteXattrs(entry)) return;
    fchmodSync(fd, entry.mode);
    this.#options.setTimes(at, entry.mtime, fd);
  }

  #make(entry: E): void {
    const { path, type } = entry;
    this.#target.makeParents(path);
    if (type === 'directory') this.#target.makeDirectory(path);
    else if (type === 'symlink') this.#target.makeSymlink(path, entry.linkPath);
    else if (!this.#makeNode(entry)) return;
    const owner = this.#options.owner(entry);
    if (owner !== undefined) lchownSync(this.#target.at(path), owner.uid, owner.gid);
    if (this.#noteXattrs(entry)) return;
    if (type === 'directory') this.#later.set(path, entry);
    else {
      if (type !== 'symlink') this.#target.chmod(path, entry.mode);
      this.#options.setTimes(() => this.#target.at(path), entry.mtime);
    }
  }

  #makeNode({ path, type, devMajor, devMinor }: E): boolean {
    if (type !== 'fifo' && type !== 'char' && type !== 'block') return false;
    if (type === 'char' && devMajor === 0 && devMinor === 0) {
      throw layerInvalid(path, 'a 0:0 character device, which overlayfs treats as a whiteout');
    }
    const what = type === 'fifo' ? type : 'device';
    if (what === 'device' && !this.#options.devices) {
      this.#options.onSkip({ path, what, reason: 'devices are not created', names: [] });
      return false;
    }
    try {
      this.#options.native.mknod(this.#target.makeRoom(path), NODES[type] | 0o600, devMajor, devMinor);
      return true;
    } catch (error) {
      this.#options.onSkip({ path, what, reason: reasonOf(error), names: [], error });
      return false;
    }
  }

  /** Whether the entry has attributes to be set in the end, and then gets the rest there, too. */
  #noteXattrs(entry: E): boolean {
    const kept = this.#options.xattrs === false ? undefined : keptXattrs(entry.xattrs);
    if (kept === undefined) {
      this.#forget(entry.path);
      return false;
    }
    this.#xattrs.set(entry.path, kept);
    this.#later.set(entry.path, entry);
    return true;
  }

  /** An archive may have one path several times. */
  #forget(path: ByteString): void {
    if (this.#xattrs.delete(path)) this.#later.delete(path);
  }

  #changing(path: ByteString, change: () => void): void {
    try {
      change();
    } catch (error) {
      throw this.#options.failure(path, error);
    }
  }
}

function changed({ path }: DiskEntry): Error {
  return layerInvalid(path, 'its content has changed');
}

function reasonOf(error: unknown): string {
  if (errorCode(error) === 'EPERM') return 'the operation is not permitted';
  return error instanceof Error ? error.message : String(error);
}
