import type { Digest, ImageConfig, Platform } from '@tsbuild/oci';

/** A base image, pinned: its config and layers, the bytes of which are read only when something needs them. */
export interface ResolvedImage {
  /** The name to show, e.g. `docker.io/library/node:18-alpine`. */
  readonly name: string;
  /** What the name stands for: the manifest or index of a registry, or the ID of an image that is only in the store. */
  readonly digest: Digest;
  readonly config: ImageConfig;
  /** Uncompressed layers (digest = diffID), lowest first. */
  readonly layers: readonly { readonly digest: Digest }[];
}

/** A seam: finds base images by name. Contract suite: `sourceContract()` in `testing/`. */
export interface Source {
  /**
   * The image of this name for this platform, or undefined when this source does not have it.
   * @throws OciError `REFERENCE_INVALID` when `name` is no image name
   */
  resolve(name: string, platform: Platform): Promise<ResolvedImage | undefined>;
}
