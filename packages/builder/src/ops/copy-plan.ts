import { type ByteString, compareByteStrings, utf8ToByteString } from '@tsbuild/oci';
import type { RootfsTree } from '@tsbuild/oci/node';
import { hasWildcard, matchGlob } from '../context/glob.ts';
import type { SourceEntry, SourceTree } from '../context/source-tree.ts';
import { BuildError } from '../errors.ts';
import { printablePath } from './listing.ts';

/** One path that the copy puts into the layer. */
export type CopyItem =
  | {
      /** Something that is copied. */
      readonly kind: 'copied';
      readonly entry: SourceEntry;
      /** Files with the same group are names of one file. */
      readonly linkGroup: string | undefined;
    }
  | {
      /** A folder on the way to the destination: what the parent has there, or a new one. */
      readonly kind: 'parent';
      readonly existing: { readonly mode: number; readonly uid: number; readonly gid: number } | undefined;
      /** The folder whose contents are copied into it, which gives it its time. */
      readonly timeFrom: SourceEntry | undefined;
    };

/** What a copy will write: every path of the layer, by its place in the image. */
export type CopyPlan = ReadonlyMap<ByteString, CopyItem>;

/** Where the files go. */
export interface CopyDestination {
  /** As written after expansion; a trailing `/` (or `.`) says that it is a folder. */
  readonly path: string;
  /** Absolute, for relative destinations. */
  readonly workingDirectory: string;
}

/**
 * Decides what COPY does, as BuildKit's file operations do it, on names and types alone; no content is read.
 * @throws BuildError `COPY_FAILED`, `SOURCE_NOT_FOUND`
 */
export function planCopy(
  source: SourceTree,
  patterns: readonly string[],
  destination: CopyDestination,
  parent: RootfsTree,
): CopyPlan {
  const planner = new CopyPlanner(source, parent, destination);
  patterns.forEach((pattern, ordinal) => planner.addSource(pattern, ordinal));
  return planner.finish();
}

class CopyPlanner {
  readonly #items = new Map<ByteString, CopyItem>();
  readonly #source: SourceTree;
  readonly #parent: RootfsTree;
  readonly #destination: ByteString;
  readonly #isFolder: boolean;
  #linkScope = '';

  constructor(source: SourceTree, parent: RootfsTree, destination: CopyDestination) {
    this.#source = source;
    this.#parent = parent;
    const { path, workingDirectory } = destination;
    const absolute = path.startsWith('/') ? path : `${workingDirectory}/${path}`;
    this.#destination = cleanRelative(utf8ToByteString(absolute));
    this.#isFolder = /(?:^|\/)\.?$/.test(path);
  }

  addSource(pattern: string, ordinal: number): void {
    const matches = this.#matches(pattern);
    matches.forEach((match, index) => {
      this.#linkScope = `${ordinal}.${index}`;
      this.#copyMatch(match, pattern);
    });
  }

  finish(): CopyPlan {
    return new Map([...this.#items].toSorted(([a], [b]) => compareByteStrings(a, b)));
  }

  /** A wildcard that matches nothing copies nothing; a literal name must be there. */
  #matches(pattern: string): readonly ByteString[] {
    const cleaned = cleanRelative(utf8ToByteString(pattern));
    return hasWildcard(cleaned) ? matchGlob(this.#source, cleaned) : [cleaned];
  }

  #copyMatch(match: ByteString, pattern: string): void {
    // The named source itself is followed when it is a link; what lies below it is not.
    const followed = this.#source.resolve(match);
    const entry = followed === undefined ? undefined : this.#source.lookup(followed);
    if (entry === undefined) throw notFound(pattern);
    if (entry.type === 'socket') return;
    let target = this.#resolveTarget(this.#destination);
    if (entry.type === 'directory') {
      this.#addParents(target, entry);
      this.#copyContents(entry, target);
      return;
    }
    if (this.#isFolder || this.#typeAt(target) === 'directory') {
      this.#addParents(target, undefined);
      target = join(target, basename(match));
      if (this.#typeAt(target) === 'symlink' && !this.#items.has(target)) target = this.#resolveTarget(target);
    }
    this.#addParents(dirname(target), undefined);
    this.#add(target, entry);
  }

  #copyContents(directory: SourceEntry, target: ByteString): void {
    for (const child of this.#source.list(directory.path)) {
      if (child.type === 'socket') continue;
      const childTarget = join(target, basename(child.path));
      this.#add(childTarget, child);
      if (child.type === 'directory') this.#copyContents(child, childTarget);
    }
  }

  #add(target: ByteString, entry: SourceEntry): void {
    const existing = this.#typeAt(target);
    if (entry.type === 'directory' && existing !== undefined && existing !== 'directory') {
      throw new BuildError('COPY_FAILED', `cannot copy to non-directory: /${printablePath(target)}`);
    }
    if (entry.type !== 'directory' && existing === 'directory') {
      throw new BuildError('COPY_FAILED', `cannot replace directory /${printablePath(target)} with a file`);
    }
    const linkGroup = entry.hardLinkKey === undefined ? undefined : `${this.#linkScope}:${entry.hardLinkKey}`;
    this.#items.set(target, { kind: 'copied', entry, linkGroup });
  }

  /** Every folder from the root down to `folder` is in the layer: with the parent's metadata, or new. */
  #addParents(folder: ByteString, timeFrom: SourceEntry | undefined): void {
    if (folder === '') return;
    const above = dirname(folder);
    this.#addParents(above, undefined);
    const item = this.#items.get(folder);
    if (item !== undefined) {
      if (item.kind === 'copied' && item.entry.type !== 'directory') throw notADirectory(folder);
      if (item.kind === 'parent' && timeFrom !== undefined) this.#items.set(folder, { ...item, timeFrom });
      return;
    }
    const existing = this.#parent.lookup(folder);
    if (existing !== undefined && existing.type !== 'directory') throw notADirectory(folder);
    const metadata = existing === undefined ? undefined : { mode: existing.mode, uid: existing.uid, gid: existing.gid };
    this.#items.set(folder, { kind: 'parent', existing: metadata, timeFrom });
  }

  /** What is at this place now: put there by this very copy, or by the parent. */
  #typeAt(target: ByteString): string | undefined {
    if (target === '') return 'directory';
    const item = this.#items.get(target);
    if (item !== undefined) return item.kind === 'parent' ? 'directory' : item.entry.type;
    return this.#parent.lookup(target)?.type;
  }

  /** Links on the way to the destination are followed inside the image, as the files will be found there. */
  #resolveTarget(path: ByteString): ByteString {
    return this.#parent.resolveForWrite(path);
  }
}

function notFound(pattern: string): BuildError {
  return new BuildError('SOURCE_NOT_FOUND', `"/${cleanRelative(pattern)}": not found`, {
    hint: 'sources are relative to the build context (or the root of --from), and .dockerignore may leave them out',
  });
}

function notADirectory(path: ByteString): BuildError {
  return new BuildError('COPY_FAILED', `/${printablePath(path)}: not a directory`);
}

/** Clean, without leading or trailing slash; `..` stops at the root. */
function cleanRelative(path: ByteString): ByteString {
  const parts: ByteString[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

function join(directory: ByteString, name: ByteString): ByteString {
  return directory === '' ? name : `${directory}/${name}`;
}

function dirname(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function basename(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1);
}
