import { createHash, hash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { type ByteString, compareByteStrings } from '@tsbuild/oci';
import { BuildError } from '../errors.ts';
import { type ContextEntry, contextEntry, isContextEntry } from './context-entry.ts';
import { contextError, errorCode, fileChanged } from './context-error.ts';
import { ContextFile } from './context-file.ts';
import { HostDirectory } from './host-directory.ts';
import type { DirectoryMatch, PatternMatcher } from './pattern-matcher.ts';
import { resolveLinks } from './resolve-links.ts';
import { isWorthThread, ReadAhead } from './read-ahead.ts';
import type { FilesAhead, SourceEntry, SourceReader, SourceTree } from './source-tree.ts';
import type { StatCache } from './stat-cache.ts';

/** A directory that is real (no symlink on the way) and may hold something that is not ignored. */
interface Directory {
  readonly entry: ContextEntry;
  readonly match: DirectoryMatch | undefined;
  /** What {@link SourceTree.list} answers, once it was asked. */
  children: readonly ContextEntry[] | undefined;
}

/**
 * A build context: a directory of the machine without what its ignore patterns leave out. Ignored files are never
 * opened, and ignored directories never listed unless a `!` pattern may match in them. What was seen of a path once
 * stays so for this tree's life, one build.
 */
export class ContextTree implements SourceTree {
  readonly #directory: HostDirectory;
  readonly #cache: StatCache;
  /** Not after any lstat of this tree: see {@link StatCache.set}. */
  readonly #openedAt: number;
  /** undefined: looked for, and not there. */
  readonly #directories = new Map<ByteString, Directory | undefined>();
  /** What was looked up one by one, in directories that nobody listed. */
  readonly #single = new Map<ByteString, ContextEntry | undefined>();
  readonly #readlink = (path: ByteString): ByteString => this.#directory.readlink(path);
  #buffer: Buffer | undefined;

  private constructor(directory: HostDirectory, root: Directory, cache: StatCache, openedAt: number) {
    this.#directory = directory;
    this.#cache = cache;
    this.#openedAt = openedAt;
    this.#directories.set('', root);
  }

  /** @throws BuildError `CONTEXT_INVALID` when `root` is missing or no directory. */
  static open(root: string, matcher: PatternMatcher | undefined, cache: StatCache): ContextTree {
    const openedAt = Date.now();
    try {
      const real = realpathSync(root);
      const stats = statSync(real);
      if (!stats.isDirectory()) throw notADirectory(root);
      const entry = contextEntry('', stats, String);
      const directory: Directory = { entry, match: matcher?.root(), children: undefined };
      return new ContextTree(new HostDirectory(real), directory, cache, openedAt);
    } catch (error) {
      if (error instanceof BuildError) throw error;
      if (errorCode(error) === 'ENOTDIR') throw notADirectory(root);
      throw new BuildError('CONTEXT_INVALID', `the build context ${root} ${problem(error)}`, {
        hint: 'Give the directory whose files the Dockerfile copies as the last argument, e.g. "tsbuild build .".',
        cause: error,
      });
    }
  }

  lookup(path: ByteString): ContextEntry | undefined {
    if (path === '') return this.#directories.get('')?.entry;
    const parent = this.#open(parentOf(path));
    if (parent === undefined) return undefined;
    const { children } = parent;
    if (children !== undefined) return find(children, path);
    if (!this.#single.has(path)) {
      const name = nameIn(parent, path);
      this.#single.set(path, isName(name) ? this.#look(parent, path, name) : undefined);
    }
    return this.#single.get(path);
  }

  list(directory: ByteString): readonly ContextEntry[] {
    const found = this.#open(directory);
    return found === undefined ? [] : this.#children(found);
  }

  resolve(path: ByteString): ByteString | undefined {
    return resolveLinks(path, (at) => this.lookup(at));
  }

  contentSha256(entry: SourceEntry): string {
    const own = this.#own(entry);
    const known = this.#cache.get(own.path, own);
    if (known !== undefined) return known;
    const sha256 = this.#readSha256(own);
    this.#cache.set(own.path, own, sha256, this.#openedAt);
    return sha256;
  }

  knownSha256(entry: SourceEntry): string | undefined {
    const own = this.#own(entry);
    return this.#cache.get(own.path, own);
  }

  remember(entry: SourceEntry, sha256: string): void {
    const own = this.#own(entry);
    if (this.#cache.get(own.path, own) !== sha256) this.#cache.set(own.path, own, sha256, this.#openedAt);
  }

  open(entry: SourceEntry): SourceReader {
    const own = this.#own(entry);
    if (own.type !== 'file') throw fileChanged(own.path, 'is not a regular file');
    return new ContextFile(this.#directory, own);
  }

  get place(): ByteString {
    return this.#directory.prefix;
  }

  wasSeen(entry: SourceEntry): boolean {
    return this.#cache.has(entry.path);
  }

  async readAhead(entries: readonly SourceEntry[]): Promise<FilesAhead | undefined> {
    const own = entries.map((entry) => this.#own(entry));
    return isWorthThread(own) ? ReadAhead.start(this.#directory.prefix, own) : undefined;
  }

  /** The entry as this tree made it, also for a copy of it with fewer fields. */
  #own(entry: SourceEntry): ContextEntry {
    if (isContextEntry(entry)) return entry;
    const own = this.lookup(entry.path);
    if (own === undefined) throw fileChanged(entry.path, 'is not in the build context');
    return own;
  }

  #open(path: ByteString): Directory | undefined {
    if (this.#directories.has(path)) return this.#directories.get(path);
    const parent = this.#open(parentOf(path));
    const directory = parent === undefined ? undefined : this.#openIn(parent, path);
    this.#directories.set(path, directory);
    return directory;
  }

  #openIn(parent: Directory, path: ByteString): Directory | undefined {
    const name = nameIn(parent, path);
    const match = parent.match?.child(name);
    if (!isName(name) || match?.canInclude === false) return undefined;
    const entry = match?.ignored === true ? this.#lstat(path) : this.lookup(path);
    return entry?.type === 'directory' ? { entry, match, children: undefined } : undefined;
  }

  #look(parent: Directory, path: ByteString, name: ByteString): ContextEntry | undefined {
    return parent.match?.ignores(name) === true ? this.#lookIgnored(path) : this.#lstat(path);
  }

  /** An ignored path is there all the same when it is a directory in which something is not. */
  #lookIgnored(path: ByteString): ContextEntry | undefined {
    const directory = this.#open(path);
    return directory !== undefined && this.#children(directory).length > 0 ? directory.entry : undefined;
  }

  #children(directory: Directory): readonly ContextEntry[] {
    if (directory.children !== undefined) return directory.children;
    const { path } = directory.entry;
    const prefix = path === '' ? '' : `${path}/`;
    const children: ContextEntry[] = [];
    for (const name of this.#names(path)) {
      const child = `${prefix}${name}`;
      // A name that is gone again by now was never there.
      const seen = this.#single.size > 0 && this.#single.has(child);
      const entry = seen ? this.#single.get(child) : this.#look(directory, child, name);
      if (entry !== undefined) children.push(entry);
    }
    directory.children = children;
    return children;
  }

  #names(path: ByteString): ByteString[] {
    try {
      return this.#directory.names(path);
    } catch (error) {
      throw contextError(path, error);
    }
  }

  #lstat(path: ByteString): ContextEntry | undefined {
    try {
      const stats = this.#directory.lstat(path);
      return stats && contextEntry(path, stats, this.#readlink);
    } catch (error) {
      throw contextError(path, error);
    }
  }

  #readSha256(entry: ContextEntry): string {
    const reader = this.open(entry);
    this.#buffer ??= Buffer.allocUnsafe(BUFFER_BYTES);
    const buffer = this.#buffer;
    try {
      const count = readFull(reader, buffer);
      // Most files end here: one call is a third of the cost of a hash object.
      if (count < buffer.length) return hash('sha256', buffer.subarray(0, count), 'hex');
      const whole = createHash('sha256').update(buffer);
      for (let more = reader.read(buffer); more > 0; more = reader.read(buffer)) whole.update(buffer.subarray(0, more));
      return whole.digest('hex');
    } finally {
      reader.close();
    }
  }
}

/** Large enough for nearly every source file, small enough to stay in the processor's cache. */
const BUFFER_BYTES = 256 * 1024;

/** Reads until the buffer is full or the file ends. */
function readFull(reader: SourceReader, buffer: Buffer): number {
  let filled = 0;
  while (filled < buffer.length) {
    const count = reader.read(buffer.subarray(filled));
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

function find(sorted: readonly ContextEntry[], path: ByteString): ContextEntry | undefined {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const entry = sorted[middle];
    const order = entry === undefined ? 0 : compareByteStrings(entry.path, path);
    if (order === 0) return entry;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameIn(parent: Directory, path: ByteString): ByteString {
  return parent.entry.path === '' ? path : path.slice(parent.entry.path.length + 1);
}

/** Whether a name can be that of a directory's child: none that leads elsewhere, or that the system cannot be asked for. */
function isName(name: ByteString): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}

function notADirectory(root: string): BuildError {
  return new BuildError('CONTEXT_INVALID', `the build context ${root} is not a directory`, {
    hint: 'Give the directory that holds the files; name the Dockerfile with -f.',
  });
}

function problem(error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return 'does not exist';
    case 'EACCES':
      return 'may not be read';
    default:
      return `cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
  }
}
