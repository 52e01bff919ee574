import type { ByteString } from '../spec/byte-string.ts';
import type { Digest } from '../spec/digest.ts';
import type { LayerEntry } from '../layer/layer-entry.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import { type RootfsEntry, type RootfsLayer, RootfsTree } from '../layer/rootfs-tree.ts';
import { type DuplicateGroup, type DuplicateSum, findDuplicates } from './duplicates.ts';
import { FileNames } from './file-names.ts';
import { hiddenFiles } from './hidden-files.ts';

/** Why bytes of a layer are in no container: another content in the place, other attributes alone, or nothing. */
export type DeadKind = 'overwritten' | 'attributes' | 'deleted';

/** Files of one layer that a later one made useless. Sizes are bytes of content. */
export interface DeadFiles {
  readonly kind: DeadKind;
  /** The layer that holds the bytes, counted from the lowest, 0. */
  readonly place: number;
  /** The layer that hid, touched or removed them. */
  readonly cause: number;
  readonly bytes: number;
  readonly files: number;
  /** Some of them, the largest first. */
  readonly largest: readonly FileSize[];
}

/** A file and the bytes of its content. */
export interface FileSize {
  readonly path: ByteString;
  readonly size: number;
}

/** What one layer is made of. */
export interface LayerContent {
  /** Bytes of content of its files; a file with several names counts once. */
  readonly unpacked: number;
  readonly files: number;
  /** By how much it changes what a container sees: less than nothing where it removes more than it brings. */
  readonly contribution: number;
}

/** Where the bytes of an image are, and which of them nobody needs. */
export interface ImageWaste {
  /** Lowest first. */
  readonly layers: readonly LayerContent[];
  /** By cause, place and kind. Files that were hidden twice count once: for the layer that hid them first. */
  readonly dead: readonly DeadFiles[];
  /** The same content under several names of the finished image, most wasted bytes first; whole directories where they are alike. */
  readonly duplicates: readonly DuplicateGroup[];
  /** What the copies of the same content take, by the layer that holds the copy; the lowest one is no copy. */
  readonly duplicated: readonly DuplicateSum[];
}

/**
 * Finds the waste of an image in the indexes of its layers, lowest first. For each file of a layer that the finished image does
 * not show, its size counts once: as `overwritten`, `attributes` (the same bytes with another mode, owner, time or attribute) or
 * `deleted`. The same bytes under k names of the finished image are k - 1 times their size of `duplicated`. Hard links are one
 * file, which is dead when its last name is. Empty files are no waste.
 * @throws OciError `LAYER_INVALID` when the layers do not fit together
 * @example
 *   await using tree = await ImageTree.open(await fromArchive('image.tar'));
 *   const { dead } = findWaste(tree.layers);
 */
export function findWaste(layers: readonly RootfsLayer[]): ImageWaste {
  // Layers may be there twice: what is seen of one is of the highest.
  const numbers = new Map<Digest, number>();
  const names = new FileNames();
  const groups = new Map<string, DeadGroup>();
  const contents: LayerContent[] = [];
  let below = new RootfsTree([]);
  for (const [cause, { index, info }] of layers.entries()) {
    const view = new RootfsTree(layers.slice(0, cause + 1));
    names.add(index, view, (layer) => (layer === info.digest ? cause : (numbers.get(layer) ?? 0)));
    const placeOf = (layer: Digest): number => numbers.get(layer) ?? 0;
    let hidden = 0;
    for (const [path, entry] of cause === 0 ? [] : hiddenFiles(index, below)) {
      if (!names.hide(entry, placeOf) || entry.size === 0) continue;
      hidden += entry.size;
      const place = placeOf(entry.layer);
      const kind = kindOf(entry, index, view, path);
      const key = `${cause} ${place} ${kind}`;
      const group = groups.get(key) ?? new DeadGroup(kind, place, cause);
      groups.set(key, group);
      group.add({ path, size: entry.size });
    }
    contents.push(contentOf(index, hidden));
    numbers.set(info.digest, cause);
    below = view;
  }
  const dead = [...groups.values()].map((group) => group.result());
  return { layers: contents, dead: dead.toSorted(byCause), ...findDuplicates(below, numbers) };
}

function byCause(a: DeadFiles, b: DeadFiles): number {
  return a.cause - b.cause || a.place - b.place || (a.kind < b.kind ? -1 : 1);
}

/** What became of a hidden file in the layer that hides it. */
function kindOf(before: RootfsEntry, index: LayerIndex, view: RootfsTree, path: ByteString): DeadKind {
  const now = index.get(path);
  if (now === undefined) return 'deleted';
  const file = now.type === 'hardlink' ? view.lookup(path) : now;
  const isSame = file?.type === 'file' && file.size === before.size && file.contentSha256 === before.contentSha256;
  return isSame ? 'attributes' : 'overwritten';
}

function contentOf(index: LayerIndex, hidden: number): LayerContent {
  let unpacked = 0;
  let files = 0;
  for (const entry of index.entries()) {
    if (!isContent(entry)) continue;
    unpacked += entry.size;
    files += 1;
  }
  return { unpacked, files, contribution: unpacked - hidden };
}

function isContent({ type, path }: LayerEntry): boolean {
  return type === 'file' && !path.slice(path.lastIndexOf('/') + 1).startsWith('.wh.');
}

/** How many paths of a group are told. */
const SHOWN = 10;

class DeadGroup {
  readonly #of: Pick<DeadFiles, 'kind' | 'place' | 'cause'>;
  #bytes = 0;
  #files = 0;
  #largest: FileSize[] = [];

  constructor(kind: DeadKind, place: number, cause: number) {
    this.#of = { kind, place, cause };
  }

  add(file: FileSize): void {
    this.#bytes += file.size;
    this.#files += 1;
    const least = this.#largest[SHOWN - 1];
    if (least !== undefined && file.size <= least.size) return;
    this.#largest = [...this.#largest, file].toSorted((a, b) => b.size - a.size).slice(0, SHOWN);
  }

  result(): DeadFiles {
    return { ...this.#of, bytes: this.#bytes, files: this.#files, largest: this.#largest };
  }
}
