import type { Digest } from '../spec/digest.ts';
import type { HistoryEntry, ImageConfig } from '../spec/image-config.ts';
import { indexImage } from './image-tree.ts';
import type { ReadLayersOptions } from './image-tree.ts';
import type { Image } from './image-value.ts';
import { RootfsTree } from '../layer/rootfs-tree.ts';
import type { RootfsEntry } from '../layer/rootfs-tree.ts';
import { compareTrees, filesOf } from '../layer/tree-comparison.ts';
import type { TreeChange } from '../layer/tree-comparison.ts';

/** One member of a document that differs; undefined where it is missing. */
export interface ValueChange {
  /** `config.Env`, `architecture`: members joined by dots. Arrays are compared whole. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What two lists have in common at the beginning, and what comes then. */
export interface ListChange<T> {
  readonly shared: number;
  readonly removed: readonly T[];
  readonly added: readonly T[];
}

/** A layer as a comparison names it. */
export interface ComparedLayer {
  readonly diffID: Digest;
  readonly digest: Digest;
  /** Bytes as the manifest says. */
  readonly size: number;
}

/** A path that two images do not have alike. */
export type FileChange = TreeChange<RootfsEntry & FileEntry, RootfsEntry & FileEntry>;
type FileEntry = { readonly type: Exclude<RootfsEntry['type'], 'hardlink'> };

/** In what two images differ. All lists are empty for images that are the same. */
export interface ImageDiff {
  /** Of the config, without history and layers. */
  readonly config: readonly ValueChange[];
  readonly history: ListChange<HistoryEntry>;
  /** By content: layers that are only packed in another way count as shared. */
  readonly layers: ListChange<ComparedLayer>;
  /** Of the merged file trees, by path in byte order. */
  readonly files: readonly FileChange[];
}

/** Choices of {@link diffImages}. */
export interface DiffImagesOptions extends ReadLayersOptions {
  /** Compare the file trees too, for which all layers are read; true unless told. */
  readonly files?: boolean;
  /** Times of files count; true unless told. */
  readonly times?: boolean;
}

/**
 * Compares two images: config, history, layers, and the files that containers would start with. Layers are read only when
 * they are not the same.
 * @throws OciError `LAYER_INVALID`, `TAR_INVALID`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED` of the layers
 * @example
 *   const { files } = await diffImages(before, after);
 *   for (const { kind, path } of files) console.log(kind, byteStringToUtf8(path));
 */
export async function diffImages(before: Image, after: Image, options: DiffImagesOptions = {}): Promise<ImageDiff> {
  const layers = compareLists(
    before.layers.map(comparedLayer),
    after.layers.map(comparedLayer),
    (a, b) => a.diffID === b.diffID,
  );
  const isSame = layers.removed.length === 0 && layers.added.length === 0;
  return {
    config: compareValues(withoutLists(before.config), withoutLists(after.config)),
    history: compareLists(before.config.history ?? [], after.config.history ?? [], sameValue),
    layers,
    files: isSame || options.files === false ? [] : await compareFiles(before, after, options),
  };
}

async function compareFiles(before: Image, after: Image, options: DiffImagesOptions): Promise<readonly FileChange[]> {
  const trees = [await indexImage(before, options), await indexImage(after, options)] as const;
  const [old, now] = trees.map((layers) => filesOf(new RootfsTree(layers)));
  if (old === undefined || now === undefined) return [];
  return (await compareTrees(old, now, options)).changes;
}

function comparedLayer({ diffID, descriptor }: Image['layers'][number]): ComparedLayer {
  return { diffID, digest: descriptor.digest, size: descriptor.size };
}

function withoutLists(config: ImageConfig): Readonly<Record<string, unknown>> {
  const { history: _history, rootfs: _rootfs, ...rest } = config;
  return rest;
}

function compareLists<T>(before: readonly T[], after: readonly T[], same: (a: T, b: T) => boolean): ListChange<T> {
  let shared = 0;
  for (const item of before) {
    const other = after[shared];
    if (other === undefined || !same(item, other)) break;
    shared++;
  }
  return { shared, removed: before.slice(shared), added: after.slice(shared) };
}

function compareValues(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  prefix = '',
): ValueChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names.flatMap((name): ValueChange[] => {
    const [a, b] = [before[name], after[name]];
    if (sameValue(a, b)) return [];
    const path = `${prefix}${name}`;
    return isObject(a) && isObject(b) ? compareValues(a, b, `${path}.`) : [{ path, before: a, after: b }];
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The order of members does not count. */
function sameValue(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => sameValue(item, b[i]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => name in b && sameValue(a[name], b[name]));
}
