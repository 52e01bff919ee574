import { type BigIntStats, closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import type { ByteString } from '@tsbuild/oci';
import { systemError } from '@tsbuild/oci/internal';

const O_PATH = 0o10000000;
/** As Linux's own limit for one path. */
const MAX_SYMLINKS = 40;
const SYMLINK = 0o120000n;
const DIRECTORY = 0o040000n;
const TYPE = 0o170000n;

/** True for what lstat says of a directory. */
export const isDirectory = (stats: BigIntStats | undefined): boolean =>
  stats !== undefined && (stats.mode & TYPE) === DIRECTORY;
const isSymlink = (stats: BigIntStats | undefined): boolean => stats !== undefined && (stats.mode & TYPE) === SYMLINK;

/**
 * Resolves paths below a directory as a process would whose root that is: absolute targets of symlinks start there, `..`
 * stops there. Each component is opened from the one before and never followed by the kernel, so nobody who swaps
 * directories for links meanwhile leads us out (CVE-2018-15664), nor do the magic links of /proc.
 */
export class RootedDirectory implements Disposable {
  /** Names the directory to system calls and programs that this process starts. */
  readonly fd: number;

  /** @param path an existing directory; may itself be reached through links */
  constructor(path: string) {
    this.fd = openSync(path, O_PATH | constants.O_DIRECTORY);
  }

  /**
   * Finds what is at `path`; of its last component only the parent need exist. A symlink there is followed when
   * `follow` is set, and where the path ends in a slash.
   * @throws an error with `code` ENOENT, ENOTDIR, ELOOP or EACCES
   */
  find(path: ByteString, follow: boolean): HeldPlace {
    const walk = new Walk(this.fd);
    try {
      walk.go(path, follow || /(?:^|\/)\.{0,2}$/.test(path));
      return walk.place();
    } catch (error) {
      walk.close();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/** Something below a {@link RootedDirectory}, held open; `stats` is undefined when nothing is there. */
export class HeldPlace implements Disposable {
  /** Free of symlinks, relative to the root; `''` is the root itself. */
  readonly path: ByteString;
  /** What lstat says. */
  readonly stats: BigIntStats | undefined;
  /** Names the thing itself, whatever it is; undefined when nothing is there. */
  readonly fd: number | undefined;
  /** The directory that it is in; undefined for the root. */
  readonly parent: number | undefined;
  /** Its last name; `''` for the root. */
  readonly name: ByteString;
  readonly #close: () => void;

  constructor(facts: Pick<HeldPlace, 'path' | 'stats' | 'fd' | 'parent' | 'name'>, close: () => void) {
    this.path = facts.path;
    this.stats = facts.stats;
    this.fd = facts.fd;
    this.parent = facts.parent;
    this.name = facts.name;
    this.#close = close;
  }

  /** What a symlink says; empty for anything else. */
  get linkPath(): ByteString {
    return this.parent === undefined || !isSymlink(this.stats) ? '' : readLink(this.parent, this.name);
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}

interface Step {
  readonly fd: number;
  readonly name: ByteString;
  readonly stats: BigIntStats;
}

class Walk {
  readonly #root: Step;
  /** From the root down to where we are. */
  #steps: Step[];
  #missing: ByteString | undefined;

  constructor(root: number) {
    const fd = openSync(`/proc/self/fd/${root}/.`, O_PATH | constants.O_DIRECTORY);
    this.#root = { fd, name: '', stats: fstatSync(fd, { bigint: true }) };
    this.#steps = [this.#root];
  }

  go(path: ByteString, followLast: boolean): void {
    const pending = namesOf(path).toReversed();
    let followed = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (this.#missing !== undefined || !isDirectory(this.#at.stats)) {
        throw systemError(this.#missing === undefined ? 'ENOTDIR' : 'ENOENT', 'open', Buffer.from(path, 'latin1'));
      }
      if (name === '..') {
        if (this.#steps.length > 1) this.#leave();
        continue;
      }
      this.#enter(name);
      if (!isSymlink(this.#steps.at(-1)?.stats) || this.#missing !== undefined) continue;
      if (pending.length === 0 && !followLast) return;
      if (++followed > MAX_SYMLINKS) throw systemError('ELOOP', 'open', Buffer.from(path, 'latin1'));
      const target = readLink(this.#above.fd, name);
      this.#leave();
      if (target.startsWith('/')) while (this.#steps.length > 1) this.#leave();
      pending.push(...namesOf(target).toReversed());
    }
    if (followLast && /[^/]\/\.?$/.test(path) && this.#missing === undefined && !isDirectory(this.#at.stats)) {
      throw systemError('ENOTDIR', 'open', Buffer.from(path, 'latin1'));
    }
  }

  place(): HeldPlace {
    const { name, stats, fd } = this.#at;
    const names = this.#steps.slice(1).map((step) => step.name);
    const missing = this.#missing;
    const facts =
      missing === undefined
        ? { path: names.join('/'), name, stats, fd, parent: this.#steps.at(-2)?.fd }
        : { path: [...names, missing].join('/'), name: missing, stats: undefined, fd: undefined, parent: fd };
    return new HeldPlace(facts, () => this.close());
  }

  close(): void {
    for (const { fd } of this.#steps) closeSync(fd);
    this.#steps = [];
  }

  get #at(): Step {
    return this.#steps.at(-1) ?? this.#root;
  }

  get #above(): Step {
    return this.#steps.at(-2) ?? this.#root;
  }

  #enter(name: ByteString): void {
    let fd: number;
    try {
      fd = openSync(pathIn(this.#at.fd, name), O_PATH | constants.O_NOFOLLOW);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#missing = name;
      return;
    }
    this.#steps.push({ fd, name, stats: fstatSync(fd, { bigint: true }) });
  }

  #leave(): void {
    const gone = this.#steps.pop();
    if (gone !== undefined) closeSync(gone.fd);
  }
}

/** The path by which system calls of this process reach `name` in an open directory, which they must not follow. */
export function pathIn(directory: number, name: ByteString): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), Buffer.from(name, 'latin1')]);
}

function readLink(directory: number, name: ByteString): ByteString {
  return readlinkSync(pathIn(directory, name), { encoding: 'latin1' });
}

function namesOf(path: ByteString): readonly ByteString[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
