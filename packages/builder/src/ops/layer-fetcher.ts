import type { BlobInfo, Digest } from '@tsbuild/oci';

/** A seam: brings layers into the store. Local ones are there; those of remote base images are fetched now. */
export interface LayerFetcher {
  /** All of them, in the given order, in the store afterwards; each is fetched once. */
  ensure(layers: readonly { readonly digest: Digest }[]): Promise<readonly BlobInfo[]>;
}
