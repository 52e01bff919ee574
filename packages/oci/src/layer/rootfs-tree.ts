import type { BlobInfo } from '../blob/blob-store.ts';
import { type ByteString, compareByteStrings } from '../spec/byte-string.ts';
import type { Digest } from '../spec/digest.ts';
import { IMPLIED_DIRECTORY, type LayerEntry } from './layer-entry.ts';
import { layerInvalid } from './layer-error.ts';
import type { LayerIndex } from './layer-index.ts';
import { baseName, joinPath, parentPath } from './layer-path.ts';
import { fileKey, LinksBelow } from './links-below.ts';
import { type ChildFacts, listChildren, SearchedChild } from './rootfs-child.ts';
import { MAX_SYMLINKS, resolveInRoot } from './resolve-in-root.ts';
import type { Writable } from './layer-index-record.ts';
import { isWhiteoutName, OPAQUE_NAME, opaquePath } from './whiteout.ts';

/** One path of the merged view, with the layer that its content lies in. */
export interface RootfsEntry extends LayerEntry {
  /** For directories that no layer describes: the topmost layer with something inside. */
  readonly layer: Digest;
  /** Shared by all names of one file; undefined when it has one name only. */
  readonly hardLinkKey?: string;
}

/** A layer as {@link RootfsTree} needs it. */
export interface RootfsLayer {
  /** Its diffID. */
  readonly info: Pick<BlobInfo, 'digest'>;
  readonly index: LayerIndex;
}

/** Something found in the merged view. */
interface Found {
  readonly entry: RootfsEntry;
  /** Directories: the lowest layer whose content shows in them. */
  readonly floor: number;
  /** The number of the layer that it is in. */
  readonly layer: number;
  /** The number of a higher layer that only holds things below it, or -1. */
  readonly implied: number;
}

/** The digest of a layer without entries (two zero blocks), which an empty root counts as. */
const EMPTY_LAYER: Digest = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';

/**
 * The merged view over layers, lowest first, worked out from their indexes; never a mounted tree. Whiteouts and opaque
 * directories hide what is below their layer; a directory that is replaced by something else takes its content with it;
 * directories that no layer describes are 0755 and root's. A hard link comes back as its file under its own path, also
 * when that file is in a layer below; `layer` is then the layer of the file.
 *
 * A lookup costs a few binary searches per path component and layer. Nothing is changed by it but a cache, so one tree
 * may serve many readers.
 */
export class RootfsTree {
  readonly #layers: readonly RootfsLayer[];
  readonly #directories = new Map<ByteString, Found>();
  /** Directories that were looked for and are not there: thousands of files may be asked for below one. */
  readonly #absent = new Set<ByteString>();
  /** Undefined where no layer has hard links into layers below: nearly always. */
  readonly #linksBelow: LinksBelow<RootfsEntry> | undefined;

  /** @param linksBelow of a view of more layers, for the views that it makes itself */
  constructor(layers: readonly RootfsLayer[], linksBelow = linksBelowOf(layers)) {
    this.#layers = layers;
    this.#linksBelow = linksBelow;
    const layer = layers.at(-1)?.info.digest ?? EMPTY_LAYER;
    const root = layers.findLast(({ index }) => index.root !== undefined)?.index.root ?? IMPLIED_DIRECTORY;
    const floor = Math.max(
      0,
      layers.findLastIndex(({ index }) => index.find(OPAQUE_NAME) >= 0),
    );
    this.#directories.set('', { entry: { ...root, path: '', layer }, floor, layer: -1, implied: -1 });
  }

  /**
   * What is at a clean path, as lstat tells it: no symlink is followed, and parents must be real directories. `''` is the
   * root directory.
   * @throws OciError `LAYER_INVALID` when a layer puts entries below a symlink or file of the path
   */
  lookup(path: ByteString): RootfsEntry | undefined {
    return this.#find(path)?.entry;
  }

  /**
   * The children of a directory in byte order; none when there is no such directory.
   * @throws OciError `LAYER_INVALID` when a layer puts entries below a child that is no directory
   */
  list(directory: ByteString): readonly RootfsEntry[] {
    const { floor } = this.#directory(directory) ?? NOTHING;
    if (floor < 0) return [];
    const entries: RootfsEntry[] = [];
    for (const child of listChildren(this.#layers, directory, floor)) {
      const found = this.#merge(joinPath(directory, child.name), floor, child);
      if (found === undefined) continue;
      if (found.entry.type === 'directory') this.#directories.set(found.entry.path, found);
      else this.#refuseBelow(found, child);
      entries.push(found.entry);
    }
    return entries.toSorted((a, b) => compareByteStrings(a.path, b.path));
  }

  /** Follows every symlink inside the root, the last component's too; undefined when something is missing or a loop. */
  resolve(path: ByteString): ByteString | undefined {
    const resolution = resolveInRoot(path, (at) => this.lookup(at));
    return resolution?.exists === true ? resolution.path : undefined;
  }

  /**
   * Where something written to `path` would lie: symlinks that exist are followed, also to targets that are missing;
   * missing components are kept as written.
   * @throws OciError `LAYER_INVALID` on a loop
   */
  resolveForWrite(path: ByteString): ByteString {
    const resolution = resolveInRoot(path, (at) => this.lookup(at));
    if (resolution === undefined) throw layerInvalid(path, `more than ${MAX_SYMLINKS} symlinks on the way, or a loop`);
    return resolution.path;
  }

  #find(path: ByteString): Found | undefined {
    const known = this.#directories.get(path);
    if (known !== undefined) return known;
    const parent = this.#directory(parentPath(path));
    if (parent === undefined) return undefined;
    const found = this.#merge(path, parent.floor, new SearchedChild(this.#layers, path));
    if (found?.entry.type === 'directory') this.#directories.set(path, found);
    return found;
  }

  #directory(path: ByteString): Found | undefined {
    if (this.#absent.has(path)) return undefined;
    const found = this.#find(path);
    if (found === undefined) this.#absent.add(path);
    if (found === undefined || found.entry.type === 'directory') return found;
    this.#refuseBelow(found, new SearchedChild(this.#layers, path));
    return undefined;
  }

  /** What the layers from `floor` up make of one child. */
  #merge(path: ByteString, floor: number, child: ChildFacts): Found | undefined {
    const isWhiteout = isWhiteoutName(baseName(path));
    let implied = -1;
    for (let layer = this.#layers.length - 1; layer >= floor; layer--) {
      const record = isWhiteout ? -1 : child.record(layer);
      if (record >= 0) {
        const entry = this.#entry(layer, record);
        const isDirectory = entry.type === 'directory';
        return { entry, layer, implied, floor: isDirectory ? this.#contentFloor(path, floor, child) : -1 };
      }
      if (implied < 0 && child.below(layer)) implied = layer;
      if (child.whiteout(layer)) break;
    }
    const digest = this.#layers[implied]?.info.digest;
    if (digest === undefined) return undefined;
    const entry = { ...IMPLIED_DIRECTORY, path, layer: digest };
    return { entry, layer: implied, implied, floor: this.#contentFloor(path, floor, child) };
  }

  /** The lowest layer whose content shows in the directory `path`. */
  #contentFloor(path: ByteString, floor: number, child: ChildFacts): number {
    for (let layer = this.#layers.length - 1; layer >= floor; layer--) {
      const index = this.#layers[layer]?.index;
      const record = child.record(layer);
      if (record >= 0 && index?.typeAt(record) !== 'directory') return layer + 1;
      if (index === undefined || child.whiteout(layer)) return layer;
      if (child.below(layer) && index.find(opaquePath(path)) >= 0) return layer;
    }
    return floor;
  }

  #entry(layer: number, record: number): RootfsEntry {
    const { index, info } = this.#layers[layer] ?? noLayer(layer);
    const digest = info.digest;
    const entry: Writable<LayerEntry> & { layer?: Digest; hardLinkKey?: string } = index.at(record);
    if (entry.linksBelow === true) return linkedBelow(this.#linksBelow, layer, entry);
    if (entry.type === 'hardlink') {
      const { path } = entry;
      const target = index.get(entry.linkPath);
      if (target === undefined) throw layerInvalid(path, 'a hard link whose target is not in the layer');
      return { ...target, path, layer: digest, hardLinkKey: fileKey(digest, target.path) };
    }
    const isLinked = index.hasLinks(record) || this.#linksBelow?.isTarget(digest, entry.path) === true;
    if (entry.type === 'file' && isLinked) entry.hardLinkKey = fileKey(digest, entry.path);
    return Object.assign(entry, { layer: digest });
  }

  /** Throws when something lies below what is no directory, in its own layer or one above. */
  #refuseBelow({ entry, layer, implied }: Found, child: ChildFacts): void {
    const conflict = implied >= 0 ? implied : child.below(layer) ? layer : -1;
    const digest = this.#layers[conflict]?.info.digest;
    if (digest === undefined) return;
    throw layerInvalid(
      entry.path,
      `layer ${digest} has entries below it, but it is a ${entry.type}; engines disagree on what that means`,
    );
  }
}

function linksBelowOf(layers: readonly RootfsLayer[]): LinksBelow<RootfsEntry> | undefined {
  if (!layers.some(({ index }) => index.linksBelow > 0)) return undefined;
  const indexes = layers.map(({ index }) => index);
  return new LinksBelow<RootfsEntry>(indexes, (count, links) => new RootfsTree(layers.slice(0, count), links));
}

function linkedBelow(links: LinksBelow<RootfsEntry> | undefined, layer: number, entry: LayerEntry): RootfsEntry {
  const target = links?.target(layer, entry);
  if (target === undefined) throw layerInvalid(entry.path, 'a hard link whose target is not in a lower layer');
  const key = target.type === 'file' ? { hardLinkKey: target.hardLinkKey ?? fileKey(target.layer, target.path) } : {};
  return { ...target, path: entry.path, ...key };
}

function noLayer(layer: number): never {
  throw new RangeError(`no layer ${layer}`);
}

const NOTHING = { floor: -1 };
