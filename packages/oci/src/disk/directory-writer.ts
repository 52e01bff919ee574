import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import type { ByteString } from '../spec/byte-string.ts';
import { OciError } from '../spec/oci-error.ts';
import type { TarTime } from '../tar/entry.ts';
import { layerInvalid } from '../layer/layer-error.ts';
import { baseName, isCleanPath, parentPath } from '../layer/layer-path.ts';
import { nearestMillisecond } from './file-times.ts';
import { O_PATH } from './native.ts';
import { errorCode, type RawPath, rawPath } from './raw-path.ts';
import type { DiskOwner, Target } from './target.ts';

const HAS_PROC = existsSync('/proc/self/fd');
const OPEN_DIRECTORY = constants.O_DIRECTORY | constants.O_NOFOLLOW | (HAS_PROC ? O_PATH : constants.O_RDONLY);

/**
 * Changes what is in a directory, by paths that cannot lead out of it: each component above the last must be a real
 * directory, opened one from the other without following links, and the last is never followed. On Linux that holds even
 * against someone who swaps directories for links meanwhile; elsewhere nobody else may write to the directory.
 */
export class DirectoryWriter implements Target {
  readonly #root: Buffer;
  readonly #rootFd: number;
  /** The directory used last: entries come sorted, so most share it with the one before. */
  #last: { readonly path: ByteString; readonly fd: number } | undefined;

  /** @param root an existing directory; may itself be reached through links */
  constructor(root: string) {
    this.#root = Buffer.from(root);
    this.#rootFd = openSync(root, constants.O_DIRECTORY | (HAS_PROC ? O_PATH : constants.O_RDONLY));
  }

  close(): void {
    this.#forget();
    closeSync(this.#rootFd);
  }

  /** What is at a path itself; undefined when nothing is. */
  typeAt(path: ByteString): 'directory' | 'file' | 'symlink' | 'other' | undefined {
    const stats = lstatSync(this.at(path), { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (stats.isSymbolicLink()) return 'symlink';
    return stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : 'other';
  }

  /** True when all components of `path` are real directories; false when one is missing or something else. */
  hasDirectory(path: ByteString): boolean {
    try {
      this.#directory(path);
      return true;
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || error instanceof OciError) return false;
      throw error;
    }
  }

  /** Refuses a path below something that is there and is no directory. @throws OciError `LAYER_INVALID` */
  checkParents(path: ByteString): void {
    try {
      this.#directory(parentPath(path));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }

  /** Makes the directories above `path` that are missing, 0755. @throws OciError `LAYER_INVALID` as {@link checkParents} */
  makeParents(path: ByteString): void {
    const parent = parentPath(path);
    if (this.#isThere(parent)) return;
    // From the top down, so that each is opened from the one above: paths may be thousands deep.
    for (const directory of [...ancestorsOf(parent), parent]) {
      if (this.#isThere(directory)) continue;
      mkdirSync(this.at(directory), { mode: 0o755 });
      this.chmod(directory, 0o755);
    }
  }

  /** Makes a directory, for now open to its owner only; one that is there stays, anything else goes. */
  makeDirectory(path: ByteString): void {
    if (this.typeAt(path) === 'directory') return;
    this.remove(path);
    mkdirSync(this.at(path), { mode: 0o700 });
  }

  /** Makes a new, empty file in place of whatever is there; the caller closes it. */
  makeFile(path: ByteString): number {
    this.remove(path);
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
    return openSync(this.at(path), flags, 0o600);
  }

  makeSymlink(path: ByteString, target: ByteString): void {
    this.remove(path);
    symlinkSync(Buffer.from(target, 'latin1'), this.at(path));
  }

  /** Gives a regular file one more name. @throws OciError `LAYER_INVALID` when there is no such file */
  makeLink(path: ByteString, target: ByteString): void {
    if (!this.hasDirectory(parentPath(target)) || this.typeAt(target) !== 'file') {
      throw layerInvalid(path, 'the target of the hard link is not an existing file');
    }
    this.remove(path);
    this.withFile(target, (from) => linkSync(from, this.at(path)));
  }

  makeRoom(path: ByteString): RawPath {
    this.remove(path);
    return this.at(path);
  }

  /** Calls `use` with a path for system calls that stays valid until it returns, whatever else it asks for. */
  withFile(path: ByteString, use: (at: Buffer) => void): void {
    // Opened for itself: the directory used last is open for other names meanwhile.
    const directory = this.#open(parentPath(path));
    try {
      use(this.#named(directory, path));
    } finally {
      closeSync(directory);
    }
  }

  /** Removes what is there, with all that is in it; nothing is no error. */
  remove(path: ByteString): void {
    const type = this.typeAt(path);
    if (type === undefined) return;
    if (type !== 'directory') unlinkSync(this.at(path));
    else {
      this.removeChildren(path);
      rmdirSync(this.at(path));
      // Another directory may come to stand at this path.
      if (this.#last?.path === path) this.#forget();
    }
  }

  /** Empties a directory. */
  removeChildren(directory: ByteString): void {
    for (const name of this.#names(directory)) this.remove(directory === '' ? name : `${directory}/${name}`);
  }

  /** Sets owner, mode and time of the directory that all paths start from. */
  setRootAttributes(owner: DiskOwner | undefined, mode: number, mtime: TarTime): void {
    const root = HAS_PROC ? `/proc/self/fd/${this.#rootFd}` : this.#root;
    if (owner !== undefined) chownSync(root, owner.uid, owner.gid);
    chmodSync(root, mode);
    const time = nearestMillisecond(mtime);
    utimesSync(root, time, time);
  }

  /** The path that system calls take for `path`; its last component must not be followed. Valid until the next call. */
  at(path: ByteString): Buffer {
    if (!isCleanPath(path)) throw layerInvalid(path, 'not a clean path relative to the root');
    return this.#named(this.#directory(parentPath(path)), path);
  }

  #named(directory: number, path: ByteString): Buffer {
    if (HAS_PROC)
      return Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), Buffer.from(baseName(path), 'latin1')]);
    return rawPath(this.#root, path);
  }

  #directory(path: ByteString): number {
    if (path === '') return this.#rootFd;
    if (this.#last?.path === path) return this.#last.fd;
    const fd = this.#open(path);
    this.#forget();
    this.#last = { path, fd };
    return fd;
  }

  #forget(): void {
    if (this.#last !== undefined) closeSync(this.#last.fd);
    this.#last = undefined;
  }

  /** Opens a directory from the root, or from the one used last, down, component by component. */
  #open(path: ByteString): number {
    if (path === '') return openSync(HAS_PROC ? `/proc/self/fd/${this.#rootFd}/.` : this.#root, OPEN_DIRECTORY);
    const from = this.#last !== undefined && path.startsWith(`${this.#last.path}/`) ? this.#last : undefined;
    const start = from?.fd ?? this.#rootFd;
    let fd = start;
    let done: ByteString = from?.path ?? '';
    for (const name of path.slice(from === undefined ? 0 : from.path.length + 1).split('/')) {
      done = done === '' ? name : `${done}/${name}`;
      const above = fd;
      try {
        fd = openSync(this.#named(above, done), OPEN_DIRECTORY);
      } catch (error) {
        if (['ENOTDIR', 'ELOOP', 'EMLINK'].includes(errorCode(error) ?? ''))
          throw layerInvalid(done, 'it has entries below it, but is not a directory');
        throw error;
      } finally {
        if (above !== start) closeSync(above);
      }
    }
    return fd;
  }

  #names(directory: ByteString): readonly ByteString[] {
    const fd = this.#open(directory);
    try {
      const path = HAS_PROC ? `/proc/self/fd/${fd}` : rawPath(this.#root, directory);
      return readdirSync(path, { encoding: 'buffer' }).map((name) => name.toString('latin1'));
    } finally {
      closeSync(fd);
    }
  }

  #isThere(path: ByteString): boolean {
    try {
      this.#directory(path);
      return true;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  /** Neither follows a symlink nor opens the thing itself: opening a device may have effects. */
  chmod(path: ByteString, mode: number): void {
    if (!HAS_PROC) return chmodSync(this.at(path), mode);
    const fd = openSync(this.at(path), O_PATH | constants.O_NOFOLLOW);
    try {
      chmodSync(`/proc/self/fd/${fd}`, mode);
    } finally {
      closeSync(fd);
    }
  }
}

/** The directories above `path`, the topmost first; not the root. */
function ancestorsOf(path: ByteString): readonly ByteString[] {
  const ancestors: ByteString[] = [];
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) ancestors.push(path.slice(0, end));
  return ancestors;
}
