import type { ByteString } from '@tsbuild/oci';
import { resolveLinks } from './resolve-links.ts';
import type { FilesAhead, SourceEntry, SourceReader, SourceTree } from './source-tree.ts';

/** Told what a build reads of one directory of the machine. All paths are relative to it. */
export interface DirectoryObserver {
  /** Before a directory is listed: what comes or changes in it from now on, the build may not have seen. */
  listing(directory: ByteString): void;
  /** What the list held. */
  listed(directory: ByteString, entries: readonly SourceEntry[]): void;
  /** Before a path is looked up by itself. */
  lookingUp(path: ByteString): void;
  /** The content of a file matters. */
  reading(path: ByteString): void;
}

/** Told of the directories that a build reads from: its context, and named ones. */
export interface ContextObserver {
  /** `root` is absolute, without links. `ignores`: what `.dockerignore` says of a path, with all that may ever be below it. */
  directory(root: string, ignores: (path: ByteString) => boolean): DirectoryObserver;
}

/** A tree whose reader is observed: for builds that are to be made again when what they read changes. */
export class ObservedTree implements SourceTree {
  readonly place?: ByteString;
  readonly #tree: SourceTree;
  readonly #observer: DirectoryObserver;

  constructor(tree: SourceTree, observer: DirectoryObserver) {
    this.#tree = tree;
    this.#observer = observer;
    if (tree.place !== undefined) this.place = tree.place;
  }

  lookup(path: ByteString): SourceEntry | undefined {
    this.#observer.lookingUp(path);
    return this.#tree.lookup(path);
  }

  list(directory: ByteString): readonly SourceEntry[] {
    this.#observer.listing(directory);
    const entries = this.#tree.list(directory);
    this.#observer.listed(directory, entries);
    return entries;
  }

  /** Every link on the way is looked up, and so observed. */
  resolve(path: ByteString): ByteString | undefined {
    return resolveLinks(path, (at) => this.lookup(at));
  }

  contentSha256(entry: SourceEntry): string {
    this.#observer.reading(entry.path);
    return this.#tree.contentSha256(entry);
  }

  knownSha256(entry: SourceEntry): string | undefined {
    this.#observer.reading(entry.path);
    return this.#tree.knownSha256(entry);
  }

  remember(entry: SourceEntry, sha256: string): void {
    this.#tree.remember(entry, sha256);
  }

  open(entry: SourceEntry): SourceReader {
    this.#observer.reading(entry.path);
    return this.#tree.open(entry);
  }

  recover(path: ByteString): void {
    this.#tree.recover?.(path);
  }

  wasSeen(entry: SourceEntry): boolean {
    return this.#tree.wasSeen?.(entry) === true;
  }

  async learnAll(entries: readonly SourceEntry[], signal: AbortSignal): Promise<void> {
    for (const { path } of entries) this.#observer.reading(path);
    await this.#tree.learnAll?.(entries, signal);
  }

  async readAhead(entries: readonly SourceEntry[]): Promise<FilesAhead | undefined> {
    for (const { path } of entries) this.#observer.reading(path);
    return await this.#tree.readAhead?.(entries);
  }
}
