import { createHash, hash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import type { ByteString } from '@tsbuild/oci';
import { errorCode } from '@tsbuild/oci/internal';
import { BuildError } from '../diagnostics/build-error.ts';
import { type ContextEntry, isContextEntry } from './context-entry.ts';
import { fileChanged } from './context-error.ts';
import { ContextFile } from './context-file.ts';
import { hashFiles } from './hash-files.ts';
import { type HeldFile, holdFile, readHeld } from './held-file.ts';
import { HostDirectory } from './host-directory.ts';
import type { PatternMatcher } from './pattern-matcher.ts';
import { resolveLinks } from './resolve-links.ts';
import { isWorthThread, ReadAhead } from './read-ahead.ts';
import { SeenDirectories } from './seen-directories.ts';
import type { FilesAhead, SourceEntry, SourceReader, SourceTree, TreeFingerprint } from './source-tree.ts';
import type { StatCache } from './stat-cache.ts';
import { KeptTimes } from './trust/kept-times.ts';
import { Lasting } from './trust/lasting.ts';

/**
 * A build context: a directory of the machine without what its ignore patterns leave out. Ignored files are never
 * opened, and ignored directories never listed unless a `!` pattern may match in them. What was seen of a path once
 * stays so for this tree's life, one build.
 */
export class ContextTree implements SourceTree {
  readonly #directory: HostDirectory;
  readonly #cache: StatCache;
  readonly #lasting: Lasting;
  readonly #rescan: () => SeenDirectories;
  readonly #held = new Map<ByteString, HeldFile>();
  #seen: SeenDirectories;
  #buffer: Buffer | undefined;

  private constructor(directory: HostDirectory, rescan: () => SeenDirectories, cache: StatCache, lasting: Lasting) {
    this.#directory = directory;
    this.#rescan = rescan;
    this.#seen = rescan();
    this.#cache = cache;
    this.#lasting = lasting;
  }

  /** @throws BuildError `CONTEXT_INVALID` when `root` is missing or no directory. */
  static open(root: string, matcher: PatternMatcher | undefined, cache: StatCache): ContextTree {
    const openedAt = Date.now();
    try {
      const real = realpathSync(root);
      const stats = statSync(real);
      if (!stats.isDirectory()) throw notADirectory(root);
      const directory = new HostDirectory(real);
      const times = new KeptTimes((path) => directory.fileSystemType(path), stats.dev);
      const seen = (): SeenDirectories => new SeenDirectories(directory, stats, matcher);
      return new ContextTree(directory, seen, cache, new Lasting(times, openedAt));
    } catch (error) {
      if (error instanceof BuildError) throw error;
      if (errorCode(error) === 'ENOTDIR') throw notADirectory(root);
      throw new BuildError('CONTEXT_INVALID', `the build context ${root} ${problem(error)}`, {
        hint: 'The last argument must be the directory whose files the Dockerfile copies, e.g. "tsbuild build .".',
        cause: error,
      });
    }
  }

  lookup(path: ByteString): ContextEntry | undefined {
    const entry = this.#seen.lookup(path);
    return entry === undefined ? undefined : (this.#held.get(path)?.entry ?? entry);
  }

  list(directory: ByteString): readonly ContextEntry[] {
    const entries = this.#seen.list(directory);
    if (this.#held.size === 0) return entries;
    return entries.map((entry) => this.#held.get(entry.path)?.entry ?? entry);
  }

  resolve(path: ByteString): ByteString | undefined {
    return resolveLinks(path, (at) => this.lookup(at));
  }

  /**
   * After a file was not what the build took it for: looks at everything again, and reads that file at once, to have it as
   * it was at one moment whatever is written to it.
   */
  recover(path: ByteString): void {
    const held = holdFile(this.#directory, path);
    if (held !== undefined) this.#held.set(path, held);
    this.#seen = this.#rescan();
  }

  contentSha256(entry: SourceEntry): string {
    const own = this.#own(entry);
    const held = this.#heldFile(own);
    if (held !== undefined) return held.sha256;
    const known = this.#cache.get(own.path, own);
    if (known !== undefined) return known;
    return this.#learn(own);
  }

  #learn(entry: ContextEntry): string {
    const sha256 = this.#readSha256(entry);
    this.#cache.set(entry.path, entry, sha256, this.#isLasting(entry));
    return sha256;
  }

  knownSha256(entry: SourceEntry): string | undefined {
    const own = this.#own(entry);
    const held = this.#heldFile(own);
    if (held !== undefined) return held.sha256;
    return this.#cache.get(own.path, own);
  }

  remember(entry: SourceEntry, sha256: string): void {
    const own = this.#own(entry);
    if (this.#cache.get(own.path, own) !== sha256) this.#cache.set(own.path, own, sha256, this.#isLasting(own));
  }

  open(entry: SourceEntry): SourceReader {
    const own = this.#own(entry);
    if (own.type !== 'file') throw fileChanged(own.path, 'is not a regular file');
    const held = this.#heldFile(own);
    if (held !== undefined) return readHeld(held);
    this.#lasting.beforeReading(own);
    return new ContextFile(this.#directory, own);
  }

  get place(): ByteString {
    return this.#directory.prefix;
  }

  wasSeen(entry: SourceEntry): boolean {
    return this.#cache.has(entry.path);
  }

  fingerprint(entry: SourceEntry): TreeFingerprint {
    const fingerprint = this.#seen.fingerprint(entry.path, this.#lasting);
    return this.#held.size === 0 ? fingerprint : { ...fingerprint, isLasting: () => false };
  }

  async learnAll(entries: readonly SourceEntry[], signal: AbortSignal): Promise<void> {
    const own = entries.map((entry) => this.#own(entry)).filter((entry) => this.knownSha256(entry) === undefined);
    if (!isWorthThread(own)) return;
    for (const file of own) this.#lasting.beforeReading(file);
    const hashHere = (entry: ContextEntry): void => void this.#learn(entry);
    await hashFiles(this.#directory.prefix, own, hashHere, (entry, sha256) => this.remember(entry, sha256), signal);
  }

  async readAhead(entries: readonly SourceEntry[]): Promise<FilesAhead | undefined> {
    const own = entries.map((entry) => this.#own(entry));
    if (!isWorthThread(own)) return undefined;
    for (const file of own) this.#lasting.beforeReading(file);
    return ReadAhead.start(this.#directory.prefix, own);
  }

  #heldFile(entry: ContextEntry): HeldFile | undefined {
    const held = this.#held.get(entry.path);
    return held !== undefined && isSame(held.entry, entry) ? held : undefined;
  }

  /** Whether the digest of a file that was read just now still holds in later builds while its lstat is the same. */
  #isLasting(entry: ContextEntry): boolean {
    const isMapped = this.#lasting.isRecent(entry) && this.#lasting.mayBeMapped(entry.ino);
    return !isMapped && this.#lasting.isKept(entry, () => entry.path);
  }

  /** The entry as this tree made it, also for a copy of it with fewer fields. */
  #own(entry: SourceEntry): ContextEntry {
    if (isContextEntry(entry)) return entry;
    const own = this.lookup(entry.path);
    if (own === undefined) throw fileChanged(entry.path, 'is not in the build context');
    return own;
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

function isSame(a: ContextEntry, b: ContextEntry): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
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

function notADirectory(root: string): BuildError {
  return new BuildError('CONTEXT_INVALID', `the build context ${root} is not a directory`, {
    hint: 'Use the directory that contains the files; name the Dockerfile with -f.',
  });
}

function problem(error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return 'does not exist';
    case 'EACCES':
      return 'is not readable';
    default:
      return `cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
  }
}
