import { createHash } from 'node:crypto';
import { type ByteString, compareByteStrings } from '../spec/byte-string.ts';
import type { Digest } from '../spec/digest.ts';
import { baseName, parentPath } from '../layer/layer-path.ts';
import type { RootfsEntry, RootfsTree } from '../layer/rootfs-tree.ts';

/** A name of content that has several. */
export interface DuplicatePlace {
  readonly path: ByteString;
  /** The layer that holds it; of a directory, the highest that holds a file of it. Counted from the lowest, 0. */
  readonly layer: number;
}

/** Files, or whole directories, with the same content. */
export interface DuplicateGroup {
  readonly kind: 'file' | 'directory';
  /** Bytes of one copy. */
  readonly size: number;
  /** What all copies but one take. */
  readonly wasted: number;
  /** By layer and path: the first is the one that the others repeat. */
  readonly places: readonly DuplicatePlace[];
}

/** What the copies in one layer take. */
export interface DuplicateSum {
  readonly layer: number;
  readonly bytes: number;
  readonly files: number;
}

/** What the search found. */
export interface Duplicates {
  readonly duplicates: readonly DuplicateGroup[];
  readonly duplicated: readonly DuplicateSum[];
}

/** A file or a directory with something in it, and what stands for its content. */
interface Item extends DuplicatePlace {
  readonly kind: 'file' | 'directory';
  readonly content: string;
  readonly size: number;
}

/**
 * Finds content that the view shows under several names. Names of one file (hard links) are one, empty files none.
 * @param numbers the number of each layer by its diffID
 */
export function findDuplicates(view: RootfsTree, numbers: ReadonlyMap<Digest, number>): Duplicates {
  const search = new Search(view, numbers);
  search.directory('');
  return { duplicates: search.groups(), duplicated: search.sums() };
}

class Search {
  readonly #view: RootfsTree;
  readonly #numbers: ReadonlyMap<Digest, number>;
  readonly #files = new Map<string, Item[]>();
  readonly #directories = new Map<string, Item[]>();
  /** Files with several names that were seen. */
  readonly #seen = new Set<string>();

  constructor(view: RootfsTree, numbers: ReadonlyMap<Digest, number>) {
    this.#view = view;
    this.#numbers = numbers;
  }

  /** Notes everything below a directory. @returns what stands for its content; undefined when it has no bytes */
  directory(path: ByteString): Item | undefined {
    const hash = createHash('sha256');
    let size = 0;
    let layer = 0;
    for (const entry of this.#view.list(path)) {
      const item = entry.type === 'directory' ? this.directory(entry.path) : this.#file(entry);
      size += item?.size ?? 0;
      layer = Math.max(layer, item?.layer ?? 0);
      const content = item?.content ?? (entry.type === 'symlink' ? entry.linkPath : '');
      hash.update(`${entry.type}\0${baseName(entry.path)}\0${content}\0`, 'latin1');
    }
    if (size === 0) return undefined;
    const item: Item = { kind: 'directory', path, layer, size, content: hash.digest('hex') };
    note(this.#directories, item);
    return item;
  }

  #file(entry: RootfsEntry): Item | undefined {
    const { type, path, size, contentSha256, hardLinkKey } = entry;
    if (type !== 'file' || size === 0 || contentSha256 === undefined) return undefined;
    const layer = this.#numbers.get(entry.layer) ?? 0;
    const item: Item = { kind: 'file', path, layer, size, content: contentSha256 };
    if (hardLinkKey !== undefined) {
      // The content counts for the directory, but takes no room a second time.
      if (this.#seen.has(hardLinkKey)) return { ...item, size: 0 };
      this.#seen.add(hardLinkKey);
    }
    note(this.#files, item);
    return item;
  }

  /** The largest groups that lie in no other: of two directories that are alike, not each of their files. */
  groups(): readonly DuplicateGroup[] {
    const inGroup = new Set<ByteString>();
    for (const items of this.#directories.values()) {
      if (items.length > 1) for (const { path } of items) inGroup.add(path);
    }
    const covered = ({ path }: Item): boolean => path !== '' && inGroup.has(parentPath(path));
    const groups: DuplicateGroup[] = [];
    for (const items of [...this.#directories.values(), ...this.#files.values()]) {
      // A copy beside those in directories that are alike keeps the group.
      if (items.length < 2 || items.every(covered)) continue;
      const [first, ...copies] = items.toSorted(byPlace);
      if (first === undefined) continue;
      const { kind, size } = first;
      const places = [first, ...copies].map(({ path, layer }) => ({ path, layer }));
      groups.push({ kind, size, wasted: size * copies.length, places });
    }
    return groups.toSorted((a, b) => b.wasted - a.wasted || compareByteStrings(firstPath(a), firstPath(b)));
  }

  sums(): readonly DuplicateSum[] {
    const sums = new Map<number, { bytes: number; files: number }>();
    for (const items of this.#files.values()) {
      const [, ...copies] = items.toSorted(byPlace);
      for (const { layer, size } of copies) {
        const sum = sums.get(layer) ?? { bytes: 0, files: 0 };
        sum.bytes += size;
        sum.files += 1;
        sums.set(layer, sum);
      }
    }
    return [...sums].map(([layer, sum]) => ({ layer, ...sum })).toSorted((a, b) => a.layer - b.layer);
  }
}

function note(items: Map<string, Item[]>, item: Item): void {
  const list = items.get(item.content);
  if (list === undefined) items.set(item.content, [item]);
  else list.push(item);
}

function byPlace(a: Item, b: Item): number {
  return a.layer - b.layer || compareByteStrings(a.path, b.path);
}

function firstPath({ places }: DuplicateGroup): ByteString {
  return places[0]?.path ?? '';
}
