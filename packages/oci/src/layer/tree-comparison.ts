import { type ByteString, compareByteStrings } from '../spec/byte-string.ts';
import { type ChangedField, changedFields } from './changed-fields.ts';
import type { LayerEntry } from './layer-entry.ts';
import type { RootfsTree } from './rootfs-tree.ts';

/** One path of a file tree, wherever that lies. */
export interface TreeEntry extends Omit<LayerEntry, 'offset'> {
  readonly type: Exclude<LayerEntry['type'], 'hardlink'>;
  /** Shared by all names of one file; undefined when it has one name only. */
  readonly hardLinkKey?: string;
}

/** A file tree that can be compared with another: the merged view of layers, or a directory on disk. */
export interface FileTree<E extends TreeEntry = TreeEntry> {
  /** The children of a directory in byte order; `''` is the root. */
  list(directory: ByteString): readonly E[];
  /** The sha256 of a file's content, hexadecimal. */
  contentSha256(entry: E): string | Promise<string>;
}

/** One path that two trees do not have alike. */
export interface TreeChange<B extends TreeEntry = TreeEntry, A extends TreeEntry = TreeEntry> {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly path: ByteString;
  readonly before?: B;
  readonly after?: A;
  /** For `changed`. `links`: the same file has other names now. */
  readonly fields: readonly ChangedField[];
  /** For `removed`: its directory is gone too. */
  readonly withDirectory?: boolean;
}

/** What {@link compareTrees} found. */
export interface TreeComparison<B extends TreeEntry = TreeEntry, A extends TreeEntry = TreeEntry> {
  /** By path, byte order. */
  readonly changes: readonly TreeChange<B, A>[];
  /** All directories of the second tree. */
  readonly directories: ReadonlyMap<ByteString, A>;
}

/** Choices of {@link compareTrees}. */
export interface CompareTreesOptions {
  /** Look at the times of files, in whole seconds as layers hold them; true unless told. Those of directories never count. */
  readonly times?: boolean;
  readonly signal?: AbortSignal;
}

/** The merged view of layers as a tree to compare. */
export function filesOf(tree: RootfsTree): FileTree<ReturnType<RootfsTree['list']>[number] & TreeEntry> {
  type Entry = ReturnType<RootfsTree['list']>[number] & TreeEntry;
  return {
    // The merged view shows a hard link as its file.
    list: (directory) => tree.list(directory) as readonly Entry[],
    contentSha256: (entry) => entry.contentSha256 ?? '',
  };
}

/** The tree without files. */
export const NO_FILES: FileTree<never> = { list: () => [], contentSha256: () => '' };

/**
 * Compares two trees path by path: type, mode, owner, content (by its bytes), link target, device numbers, attributes, times,
 * and which names are one file.
 */
export async function compareTrees<B extends TreeEntry, A extends TreeEntry>(
  before: FileTree<B>,
  after: FileTree<A>,
  options: CompareTreesOptions = {},
): Promise<TreeComparison<B, A>> {
  const walk = new Comparison(before, after, options);
  await walk.run();
  return walk.result();
}

/** A pair of names in both trees that may be names of files with several. */
interface Pair<B, A> {
  readonly before: B | undefined;
  readonly after: A;
}

class Comparison<B extends TreeEntry, A extends TreeEntry> {
  readonly #before: FileTree<B>;
  readonly #after: FileTree<A>;
  readonly #options: CompareTreesOptions;
  readonly #changes = new Map<ByteString, TreeChange<B, A>>();
  readonly #directories = new Map<ByteString, A>();
  readonly #linked: Pair<B, A>[] = [];

  constructor(before: FileTree<B>, after: FileTree<A>, options: CompareTreesOptions) {
    this.#before = before;
    this.#after = after;
    this.#options = options;
  }

  /** Directories wait in a list and not on the stack: a hostile tree may be thousands deep. */
  async run(): Promise<void> {
    const waiting: { readonly path: ByteString; readonly old: boolean; readonly now: boolean }[] = [
      { path: '', old: true, now: true },
    ];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      this.#options.signal?.throwIfAborted();
      const olds = new Map((next.old ? this.#before.list(next.path) : []).map((entry) => [entry.path, entry]));
      for (const after of next.now ? this.#after.list(next.path) : []) {
        const before = olds.get(after.path);
        olds.delete(after.path);
        await this.#compare(before, after);
        const [old, now] = [before?.type === 'directory', after.type === 'directory'];
        if (now) this.#directories.set(after.path, after);
        if (old || now) waiting.push({ path: after.path, old, now });
      }
      for (const before of olds.values()) {
        const { path } = before;
        this.#changes.set(path, { kind: 'removed', path, before, fields: [], withDirectory: !next.now });
        if (before.type === 'directory') waiting.push({ path, old: true, now: false });
      }
    }
  }

  result(): TreeComparison<B, A> {
    this.#compareLinks();
    const changes = [...this.#changes.values()].toSorted((a, b) => compareByteStrings(a.path, b.path));
    return { changes, directories: this.#directories };
  }

  async #compare(before: B | undefined, after: A): Promise<void> {
    const { path } = after;
    if (before?.hardLinkKey !== undefined || after.hardLinkKey !== undefined) this.#linked.push({ before, after });
    if (before === undefined) {
      this.#changes.set(path, { kind: 'added', path, after, fields: [] });
      return;
    }
    const fields = changedFields(before, after, this.#options.times === false ? 'none' : 'files');
    if (await this.#hasOtherContent(before, after)) fields.push('content');
    if (fields.length > 0) this.#changes.set(path, { kind: 'changed', path, before, after, fields });
  }

  async #hasOtherContent(before: B, after: A): Promise<boolean> {
    if (before.type !== 'file' || after.type !== 'file') return false;
    if (before.size !== after.size) return true;
    return (await this.#before.contentSha256(before)) !== (await this.#after.contentSha256(after));
  }

  /** Names that were one file and are not any more, or the other way round, and all names of a file that changed. */
  #compareLinks(): void {
    const splits = (groups: Iterable<readonly Pair<B, A>[]>, identity: (pair: Pair<B, A>) => string): void => {
      for (const group of groups) {
        if (new Set(group.map(identity)).size > 1) for (const pair of group) this.#noteLinks(pair);
      }
    };
    const identityBefore = ({ before, after }: Pair<B, A>): string =>
      before === undefined ? 'new' : (before.hardLinkKey ?? `one:${after.path}`);
    const identityAfter = ({ after }: Pair<B, A>): string => after.hardLinkKey ?? `one:${after.path}`;
    const existing = this.#linked.filter(({ before }) => before !== undefined);
    splits(groupedBy(existing, identityBefore), identityAfter);
    const groups = groupedBy(this.#linked, identityAfter);
    splits(groups, identityBefore);
    for (const group of groups) {
      if (group.some(({ after }) => this.#changes.has(after.path))) for (const pair of group) this.#noteLinks(pair);
    }
  }

  #noteLinks({ before, after }: Pair<B, A>): void {
    const { path } = after;
    if (before === undefined || this.#changes.has(path)) return;
    this.#changes.set(path, { kind: 'changed', path, before, after, fields: ['links'] });
  }
}

function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
