import type { Digest } from '@tsbuild/oci';
import { type LayerIndex, type LayerIndexStore, RootfsTree } from '@tsbuild/oci/node';
import type { LayerFetcher } from './layer-fetcher.ts';
import type { Rootfs } from './rootfs.ts';

/** Merged views by filesystem; each layer's index is read once per build. */
export class RootfsTrees {
  readonly #indexes: LayerIndexStore;
  readonly #layers: LayerFetcher;
  readonly #loaded = new Map<Digest, Promise<LayerIndex>>();

  constructor(indexes: LayerIndexStore, layers: LayerFetcher) {
    this.#indexes = indexes;
    this.#layers = layers;
  }

  async treeOf(rootfs: Rootfs): Promise<RootfsTree> {
    const layers = await Promise.all(
      rootfs.layers.map(async (info) => ({ info, index: await this.#indexOf(info.digest) })),
    );
    return new RootfsTree(layers);
  }

  /** Keeps the index of a layer just written, on disk and in memory. */
  async remember(layer: Digest, index: LayerIndex): Promise<void> {
    this.#loaded.set(layer, Promise.resolve(index));
    await this.#indexes.put(layer, index);
  }

  #indexOf(layer: Digest): Promise<LayerIndex> {
    let index = this.#loaded.get(layer);
    if (index === undefined) {
      index = this.#layers.index(layer);
      this.#loaded.set(layer, index);
    }
    return index;
  }
}
