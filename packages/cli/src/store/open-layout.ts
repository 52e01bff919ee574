import { type Digest, type LayerIndexStore, Layout } from '@tsbuild/oci/node';

/** The images of the store at `root`, which is made when it is missing, and closed to other users. */
export function openLayout(root: string): Promise<Layout> {
  return Layout.open(root, { create: true, private: true });
}

/** Sizes of layers as Docker counts them: the bytes of all files. Read from the layer indexes of the store. */
export class LayerSizes {
  readonly #indexes: LayerIndexStore;

  constructor(layout: Layout) {
    this.#indexes = layout.indexes;
  }

  /** Bytes of each layer, in the order given. */
  of(layers: readonly { readonly digest: Digest }[]): Promise<readonly number[]> {
    return Promise.all(layers.map(({ digest }) => this.#indexes.contentSize(digest)));
  }

  /** Bytes of all layers together. */
  async sum(layers: readonly { readonly digest: Digest }[]): Promise<number> {
    return (await this.of(layers)).reduce((sum, size) => sum + size, 0);
  }
}
