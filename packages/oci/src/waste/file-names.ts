import type { Digest } from '../spec/digest.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import { fileKey } from '../layer/links-below.ts';
import type { RootfsEntry, RootfsTree } from '../layer/rootfs-tree.ts';

/** The number of a layer that an image may have twice: of the highest one so far. */
export type NumberOf = (layer: Digest) => number;

/** How many names the files with several have: their bytes are needed until the last is hidden. */
export class FileNames {
  readonly #names = new Map<string, number>();

  /** Counts the hard links that a layer brings; `view` is the merged view up to it. */
  add(index: LayerIndex, view: RootfsTree, numberOf: NumberOf): void {
    for (const { type, path } of index.entries()) {
      const file = type === 'hardlink' ? view.lookup(path) : undefined;
      if (file === undefined) continue;
      const key = keyOf(file, numberOf);
      // The name that the links point to is one, too.
      this.#names.set(key, (this.#names.get(key) ?? 1) + 1);
    }
  }

  /** Takes a name away. @returns whether it was the file's last */
  hide(file: RootfsEntry, numberOf: NumberOf): boolean {
    const key = keyOf(file, numberOf);
    const left = (this.#names.get(key) ?? 1) - 1;
    if (left > 0) this.#names.set(key, left);
    return left <= 0;
  }
}

/** A view of the layers below does not know that a later one links to a file. */
function keyOf({ layer, path, hardLinkKey }: RootfsEntry, numberOf: NumberOf): string {
  return `${numberOf(layer)} ${hardLinkKey ?? fileKey(layer, path)}`;
}
