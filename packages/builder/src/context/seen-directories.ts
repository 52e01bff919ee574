import { createHash, type Hash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type ByteString, compareByteStrings } from '@tsbuild/oci';
import { type ContextEntry, contextEntry } from './context-entry.ts';
import { contextError } from './context-error.ts';
import { type DirectoryScan, Fact, FACTS, factsOf, indexOfName, isDirectoryAt, writeFacts } from './directory-scan.ts';
import type { HostDirectory } from './host-directory.ts';
import type { DirectoryMatch, PatternMatcher } from './pattern-matcher.ts';
import type { TreeFingerprint } from './source-tree.ts';
import type { FileTimes, Lasting } from './trust/lasting.ts';

/** A directory that is real (no symlink on the way) and may hold something that is not ignored. */
interface Directory {
  readonly entry: ContextEntry;
  readonly match: DirectoryMatch | undefined;
  /** What is in it and not ignored, once somebody asked. */
  scan: DirectoryScan | undefined;
  /** The same as entries. */
  children: readonly ContextEntry[] | undefined;
}

/**
 * What a build has seen of its context's directories: ignored ones are never listed unless a `!` pattern may match in
 * them, and what was seen of a path once stays so.
 */
export class SeenDirectories {
  readonly #host: HostDirectory;
  /** undefined: looked for, and not there. */
  readonly #directories = new Map<ByteString, Directory | undefined>();
  /** The facts of what was looked up one by one, in directories that nobody listed. */
  readonly #single = new Map<ByteString, Float64Array | undefined>();
  readonly #readlink = (path: ByteString): ByteString => this.#host.readlink(path);

  /** `root` is what stat says of the whole. */
  constructor(host: HostDirectory, root: Stats, matcher: PatternMatcher | undefined) {
    this.#host = host;
    const entry = contextEntry('', factsOf(root), 0, String);
    this.#directories.set('', { entry, match: matcher?.root(), scan: undefined, children: undefined });
  }

  /** The entry at exactly this path; undefined when it is missing or ignored. */
  lookup(path: ByteString): ContextEntry | undefined {
    if (path === '') return this.#directories.get('')?.entry;
    const parent = this.#open(parentOf(path));
    if (parent === undefined) return undefined;
    const { children, scan } = parent;
    if (children !== undefined) return find(children, path);
    const name = nameIn(parent, path);
    if (scan !== undefined) {
      const index = indexOfName(scan, name);
      return index < 0 ? undefined : this.#entry(path, scan.facts, FACTS * index);
    }
    if (!this.#single.has(path)) this.#single.set(path, isName(name) ? this.#look(parent, path, name) : undefined);
    const facts = this.#single.get(path);
    return facts && this.#entry(path, facts, 0);
  }

  /** What is in a directory, sorted by bytes; nothing when there is none. */
  list(path: ByteString): readonly ContextEntry[] {
    const directory = this.#open(path);
    if (directory === undefined) return [];
    if (directory.children !== undefined) return directory.children;
    const { names, facts } = this.#scan(directory);
    const prefix = path === '' ? '' : `${path}/`;
    directory.children = names.map((name, i) => this.#entry(`${prefix}${name}`, facts, FACTS * i));
    return directory.children;
  }

  /** Of what is at this path and below. */
  fingerprint(path: ByteString, lasting: Lasting): TreeFingerprint {
    const hash = createHash('sha256');
    const entry = this.lookup(path);
    if (entry === undefined) return { digest: hash.digest('hex'), isLasting: () => false };
    const { mode, size, mtimeMs, ctimeMs, ino, dev } = entry;
    hash.update(JSON.stringify([entry.type, mode, size, mtimeMs, ctimeMs, ino, dev, entry.hardLinkKey ?? null]));
    const directory = entry.type === 'directory' ? this.#open(path) : undefined;
    const recent: number[] = [];
    if (lasting.isRecent(entry)) recent.push(ino);
    const isKept =
      (directory === undefined || this.#addBelow(directory, hash, lasting, recent)) &&
      (entry.type === 'directory' || lasting.isKept(entry, () => path));
    return {
      digest: hash.digest('hex'),
      isLasting: () => isKept && !recent.some((inode) => lasting.mayBeMapped(inode)),
    };
  }

  /** Returns whether all files are kept so well that they need not be read again; `recent` is told of those in doubt. */
  #addBelow(directory: Directory, hash: Hash, lasting: Lasting, recent: number[]): boolean {
    const { names, facts } = this.#scan(directory);
    const text = names.join('/');
    hash.update(`${names.length} ${text.length} ${text}`, 'latin1');
    hash.update(new Uint8Array(facts.buffer, 0, 8 * FACTS * names.length));
    let isKept = true;
    for (const [i, name] of names.entries()) {
      const at = FACTS * i;
      if (!isDirectoryAt(facts, at)) {
        const times = timesOf(facts, at);
        if (lasting.isRecent(times)) recent.push(times.ino);
        isKept &&= lasting.isKept(times, () => childOf(directory, name));
        continue;
      }
      const below = this.#openScanned(directory, name, at);
      if (below !== undefined && !this.#addBelow(below, hash, lasting, recent)) isKept = false;
    }
    return isKept;
  }

  #open(path: ByteString): Directory | undefined {
    if (this.#directories.has(path)) return this.#directories.get(path);
    const parent = this.#open(parentOf(path));
    const directory = parent === undefined ? undefined : this.#openIn(parent, path);
    this.#directories.set(path, directory);
    return directory;
  }

  /** {@link #open} of a directory in one that was scanned, where its facts begin at `at`. */
  #openScanned(parent: Directory, name: ByteString, at: number): Directory | undefined {
    const { match, scan } = parent;
    const path = childOf(parent, name);
    if (scan === undefined || this.#directories.has(path)) return this.#open(path);
    const below = match?.child(name);
    const opened = {
      entry: this.#entry(path, scan.facts, at),
      match: below,
      scan: undefined,
      children: undefined,
    };
    this.#directories.set(path, below?.canInclude === false ? undefined : opened);
    return this.#directories.get(path);
  }

  #openIn(parent: Directory, path: ByteString): Directory | undefined {
    const name = nameIn(parent, path);
    const match = parent.match?.child(name);
    if (!isName(name) || match?.canInclude === false) return undefined;
    const entry = match?.ignored === true ? this.#lstatEntry(path) : this.lookup(path);
    return entry?.type === 'directory' ? { entry, match, scan: undefined, children: undefined } : undefined;
  }

  #scan(directory: Directory): DirectoryScan {
    directory.scan ??= this.#read(directory);
    return directory.scan;
  }

  #read(directory: Directory): DirectoryScan {
    const { path } = directory.entry;
    const prefix = path === '' ? '' : `${path}/`;
    const listed = this.#names(path);
    const names: ByteString[] = [];
    const facts = new Float64Array(FACTS * listed.length);
    for (const name of listed) {
      const child = `${prefix}${name}`;
      const at = FACTS * names.length;
      const seen = this.#single.size > 0 && this.#single.has(child);
      if (seen || directory.match?.ignores(name) === true) {
        const known = seen ? this.#single.get(child) : this.#lookIgnored(child);
        if (known === undefined) continue;
        facts.set(known, at);
      } else {
        const stats = this.#lstat(child);
        // A name that is gone again by now was never there.
        if (stats === undefined) continue;
        writeFacts(stats, facts, at);
      }
      names.push(name);
    }
    return { names, facts };
  }

  #look(parent: Directory, path: ByteString, name: ByteString): Float64Array | undefined {
    if (parent.match?.ignores(name) === true) return this.#lookIgnored(path);
    const stats = this.#lstat(path);
    return stats && factsOf(stats);
  }

  /** An ignored path is there all the same when it is a directory in which something is not. */
  #lookIgnored(path: ByteString): Float64Array | undefined {
    const directory = this.#open(path);
    if (directory === undefined || this.#scan(directory).names.length === 0) return undefined;
    const stats = this.#lstat(path);
    return stats && factsOf(stats);
  }

  #names(path: ByteString): ByteString[] {
    try {
      return this.#host.names(path);
    } catch (error) {
      throw contextError(path, error);
    }
  }

  #lstat(path: ByteString): Stats | undefined {
    try {
      return this.#host.lstat(path);
    } catch (error) {
      throw contextError(path, error);
    }
  }

  #lstatEntry(path: ByteString): ContextEntry | undefined {
    const stats = this.#lstat(path);
    return stats && this.#entry(path, factsOf(stats), 0);
  }

  #entry(path: ByteString, facts: Float64Array, at: number): ContextEntry {
    try {
      return contextEntry(path, facts, at, this.#readlink);
    } catch (error) {
      throw contextError(path, error);
    }
  }
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

function childOf({ entry }: Directory, name: ByteString): ByteString {
  return entry.path === '' ? name : `${entry.path}/${name}`;
}

function timesOf(facts: Float64Array, at: number): FileTimes {
  const fact = (which: number): number => facts[at + which] ?? 0;
  return { mtimeMs: fact(Fact.mtimeMs), ctimeMs: fact(Fact.ctimeMs), ino: fact(Fact.ino), dev: fact(Fact.dev) };
}

function nameIn(parent: Directory, path: ByteString): ByteString {
  return parent.entry.path === '' ? path : path.slice(parent.entry.path.length + 1);
}

/** Whether a name can be that of a directory's child: none that leads elsewhere, or that the system cannot be asked for. */
function isName(name: ByteString): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}
