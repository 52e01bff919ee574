import type { BlobStore } from '@tsbuild/oci';
import type { LayerIndexStore } from '@tsbuild/oci/node';
import type { LayerFetcher } from '../src/ops/layer-fetcher.ts';

/** A {@link LayerFetcher} that has what is in the store and nothing else. */
export function localLayers(blobs: BlobStore, indexes: LayerIndexStore): LayerFetcher {
  return {
    ensure: (layers) =>
      Promise.all(
        layers.map(async ({ digest }) => {
          const info = await blobs.has(digest);
          if (info === undefined) throw new Error(`layer ${digest} is not here`);
          return info;
        }),
      ),
    index: (layer) => indexes.get(layer),
  };
}
