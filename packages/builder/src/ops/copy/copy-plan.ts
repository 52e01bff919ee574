import { type ByteString, utf8ToByteString } from '@tsbuild/oci';
import { hasWildcard, matchGlob } from '../../context/glob.ts';
import type { SourceEntry, SourceTree } from '../../context/source-tree.ts';
import { BuildError } from '../../diagnostics/build-error.ts';
import type { ArchiveEntry } from '../add/archive-entry.ts';
import { CopyFilter } from './copy-filter.ts';
import { type CopyItem, type CopyOrigin, type CopyPlan, type ItemLook, itemType } from './copy-item.ts';
import type { ModeChange } from './file-mode.ts';
import { printablePath } from '../listing.ts';
import type { Owner } from './ownership.ts';
import { cleanRelative, joinRelative, nameOf, parentOf } from '../relative-path.ts';
import { planUnpack } from '../add/unpack.ts';
import type { WrittenTree } from './written-tree.ts';

/** Where the files go. */
export interface CopyDestination {
  /** As written after expansion; a trailing `/` (or `.`) says that it is a folder. */
  readonly path: string;
  /** Absolute, for relative destinations. */
  readonly workingDirectory: string;
}

/** Options that change what the copied files look like. */
export interface CopyLook {
  /** Of folders made on the way. */
  readonly owner: Owner;
  /** From `--chown` alone: without it files keep the owner that they have in their stage or archive; in a context all are root's. */
  readonly givenOwner: Owner | undefined;
  /** From `--chmod`: for copied files and folders, and for folders made on the way. */
  readonly mode: ModeChange | undefined;
}

/** A path of a source that a pattern names. */
export interface CopyMatch {
  readonly path: ByteString;
  /** What is there; a symlink that is named itself is followed, so that it is never one. */
  readonly entry: SourceEntry;
  /** Found by a wildcard, so that `--exclude` may take it out by its own name. */
  readonly wild: boolean;
}

/**
 * What a COPY source means in `tree`. A wildcard that matches nothing means nothing; a literal name must be there.
 * @throws BuildError `SOURCE_NOT_FOUND`; `COPY_FAILED` for a malformed pattern
 */
export function matchSource(tree: SourceTree, pattern: string): readonly CopyMatch[] {
  const cleaned = cleanRelative(utf8ToByteString(pattern));
  const wild = hasWildcard(cleaned);
  return (wild ? matchGlob(tree, cleaned) : [cleaned]).flatMap((path) => {
    const followed = tree.resolve(path);
    const entry = followed === undefined ? undefined : tree.lookup(followed);
    if (entry === undefined) throw notFound(pattern);
    return [{ path, entry, wild }];
  });
}

/** A folder to copy and what below it is meant: a source of `COPY --parents`. */
export interface PivotedSource {
  /** The folder that paths are kept from: what stands before `/./`, or the root. */
  readonly root: string;
  /** The paths below it, with `**` for any number of folders; empty for all. */
  readonly pattern: string;
}

/** Splits a source of `COPY --parents` at its `/./`. */
export function splitPivot(source: string): PivotedSource {
  const at = source.indexOf('/./');
  const root = at < 0 ? '' : source.slice(0, at);
  return { root, pattern: cleanRelative(at < 0 ? source : source.slice(at + 3)) };
}

/**
 * Decides what COPY and ADD do, as BuildKit's file operations do it, on names and types alone; no content is read.
 * Sources are added in order, then {@link CopyPlanner.finish} gives the plan. Errors are BuildErrors `COPY_FAILED`.
 */
export class CopyPlanner {
  readonly #written: WrittenTree;
  readonly #look: CopyLook;
  readonly #destination: ByteString;
  readonly #isFolder: boolean;
  readonly #excludes: readonly string[];
  readonly #sockets: ByteString[] = [];
  #linkScope = 0;

  constructor(written: WrittenTree, destination: CopyDestination, look: CopyLook, excludes: readonly string[]) {
    const { path, workingDirectory } = destination;
    this.#written = written;
    this.#look = look;
    this.#destination = cleanRelative(utf8ToByteString(path.startsWith('/') ? path : `${workingDirectory}/${path}`));
    this.#isFolder = /(?:^|\/)\.?$/.test(path);
    this.#excludes = excludes;
  }

  /** The sockets that were met: no layer can hold one, so they are left out, as BuildKit does. */
  get sockets(): readonly ByteString[] {
    return this.#sockets;
  }

  /** One match of a source: the contents of a folder, or a file under its own name or the destination's. */
  addMatch(match: CopyMatch, tree: SourceTree, origin: CopyOrigin): void {
    this.#linkScope++;
    const { entry, path } = match;
    if (entry.type === 'socket') {
      this.#sockets.push(entry.path);
      return;
    }
    const target = this.#target();
    const filter = CopyFilter.of(undefined, this.#excludes);
    const excluded = (match.wild || entry.type !== 'directory') && filter?.includes(nameOf(path)) === false;
    if (entry.type === 'directory') {
      if (excluded) return;
      this.#addParents(target, entry);
      this.#addContents(entry.path, target, tree, origin, filter);
      return;
    }
    this.#addFile(target, nameOf(path), excluded ? undefined : entry, origin);
  }

  /** The contents of a whole tree, as they are. */
  addTree(directory: SourceEntry, tree: SourceTree, origin: CopyOrigin): void {
    this.addMatch({ path: '', entry: directory, wild: false }, tree, origin);
  }

  /** A file that is no path of a source: a heredoc, a download. */
  addFile(name: ByteString, entry: SourceEntry, origin: CopyOrigin): void {
    this.addMatch({ path: name, entry, wild: false }, NO_TREE, origin);
  }

  /** What a source of `--parents` means: paths are kept from the pivot on, and folders on the way are copied with it. */
  addPivoted({ root, pattern }: PivotedSource, tree: SourceTree, origin: CopyOrigin): void {
    for (const { entry } of matchSource(tree, root)) {
      if (entry.type !== 'directory') throw new BuildError('COPY_FAILED', `${root}: not a directory`);
      if (pattern !== '' && !hasWildcard(root) && !hasWildcard(pattern)) {
        const path = joinRelative(entry.path, cleanRelative(utf8ToByteString(pattern)));
        if (tree.resolve(path) === undefined) throw notFound(`${root}/${pattern}`);
      }
      this.#linkScope++;
      const target = this.#target();
      this.#addParents(target, entry);
      const filter = CopyFilter.of(pattern === '' ? undefined : pattern, this.#excludes);
      this.#addContents(entry.path, target, tree, origin, filter);
    }
  }

  /** What is in an archive, into the destination, which is a folder then; `--chmod` and `--exclude` mean nothing here. */
  addArchive(entries: Iterable<ArchiveEntry>, origin: CopyOrigin): void {
    const { owner, givenOwner } = this.#look;
    const target = this.#target();
    this.#written.addParents(target, { mode: 0o755, ...owner });
    planUnpack(entries, target, this.#written, origin, givenOwner);
  }

  finish(): CopyPlan {
    return this.#written.finish();
  }

  #addFile(folderOrFile: ByteString, name: ByteString, entry: SourceEntry | undefined, origin: CopyOrigin): void {
    let target = folderOrFile;
    if (this.#isFolder || this.#written.typeAt(target) === 'directory') {
      this.#addParents(target, undefined);
      target = joinRelative(target, name);
      const isOld = this.#written.item(target) === undefined;
      if (isOld && this.#written.typeAt(target) === 'symlink') target = this.#written.resolve(target);
    }
    if (entry === undefined) return;
    this.#addParents(parentOf(target), undefined);
    this.#add(target, entry, origin);
  }

  #addContents(
    directory: ByteString,
    target: ByteString,
    tree: SourceTree,
    origin: CopyOrigin,
    filter: CopyFilter | undefined,
    enter: () => void = nothing,
  ): void {
    for (const child of tree.list(directory)) {
      if (child.type === 'socket') {
        this.#sockets.push(child.path);
        continue;
      }
      const name = nameOf(child.path);
      const childTarget = joinRelative(target, name);
      if (filter !== undefined) {
        this.#addFiltered(child, childTarget, tree, origin, filter, enter);
        continue;
      }
      this.#add(childTarget, child, origin);
      if (child.type === 'directory') this.#addContents(child.path, childTarget, tree, origin, undefined);
    }
  }

  /** `enter` makes the folders on the way: one that is not itself meant is made only when something in it is. */
  #addFiltered(
    child: SourceEntry,
    target: ByteString,
    tree: SourceTree,
    origin: CopyOrigin,
    filter: CopyFilter,
    enter: () => void,
  ): void {
    const isDirectory = child.type === 'directory';
    const { included, below } = isDirectory
      ? filter.verdict(nameOf(child.path))
      : { included: filter.includes(nameOf(child.path)), below: undefined };
    let done = false;
    const add = (): void => {
      if (done) return;
      done = true;
      enter();
      this.#add(target, child, origin);
    };
    if (included) add();
    if (isDirectory && below !== undefined) this.#addContents(child.path, target, tree, origin, below, add);
  }

  #add(target: ByteString, entry: SourceEntry, origin: CopyOrigin): void {
    const existing = this.#written.typeAt(target);
    if (entry.type === 'directory' && existing !== undefined && existing !== 'directory') {
      throw new BuildError('COPY_FAILED', `cannot copy to non-directory: /${printablePath(target)}`);
    }
    if (entry.type !== 'directory' && existing === 'directory') {
      throw new BuildError('COPY_FAILED', `cannot replace directory /${printablePath(target)} with a file`);
    }
    const linkGroup = entry.hardLinkKey === undefined ? undefined : `${this.#linkScope}:${entry.hardLinkKey}`;
    this.#written.put(target, { kind: 'copied', entry, origin, look: this.#lookOf(entry), linkGroup });
  }

  #lookOf(entry: SourceEntry): ItemLook {
    const { givenOwner, mode } = this.#look;
    const { uid, gid } = givenOwner ?? entry;
    if (entry.type === 'symlink') return { mode: 0o777, uid, gid };
    return { mode: mode === undefined ? entry.mode : mode(entry.mode, entry.type === 'directory'), uid, gid };
  }

  #addParents(folder: ByteString, timeFrom: SourceEntry | undefined): void {
    const { owner, mode } = this.#look;
    this.#written.addParents(folder, { mode: mode?.(0o755, true) ?? 0o755, ...owner }, timeFrom);
  }

  /** Links on the way to the destination are followed inside the image, as the files will be found there. */
  #target(): ByteString {
    return this.#written.resolve(this.#destination);
  }
}

function nothing(): void {
  // Everything on the way is there.
}

/** Stands in where a single file is copied, below which nobody looks. */
const NO_TREE: SourceTree = {
  lookup: () => undefined,
  list: () => [],
  resolve: () => undefined,
  contentSha256: () => '',
  knownSha256: () => undefined,
  remember: nothing,
  open: () => {
    throw new TypeError('there is nothing to open');
  },
};

function notFound(pattern: string): BuildError {
  return new BuildError('SOURCE_NOT_FOUND', `"/${cleanRelative(pattern)}": not found`, {
    hint: 'sources are relative to the build context (or the root of --from), and .dockerignore may exclude them',
  });
}

/** Whether any planned file is of this origin and passes `test`. */
export function someFile(plan: CopyPlan, origin: CopyOrigin, test: (entry: SourceEntry) => boolean): boolean {
  for (const item of plan.items.values()) if (isFileOf(item, origin) && test(item.entry)) return true;
  return false;
}

function isFileOf(item: CopyItem, origin: CopyOrigin): item is Extract<CopyItem, { kind: 'copied' }> {
  return item.kind === 'copied' && item.origin === origin && itemType(item) === 'file';
}
