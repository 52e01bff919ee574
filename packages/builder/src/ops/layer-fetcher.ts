import type { BlobInfo, Digest } from '@tsbuild/oci';
import type { LayerIndex } from '@tsbuild/oci/node';

/** A seam: brings layers into the store. Local ones are there; those of remote base images are fetched now. */
export interface LayerFetcher {
  /** All of them, in the given order, in the store afterwards; each is fetched once. */
  ensure(layers: readonly { readonly digest: Digest }[]): Promise<readonly BlobInfo[]>;
  /** The index of a layer: the bytes of one that is not in the store are fetched only where no index can be had without. */
  index(layer: Digest): Promise<LayerIndex>;
}
