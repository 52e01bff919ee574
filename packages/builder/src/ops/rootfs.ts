import { type BlobInfo, chainID, type Digest, isDigest } from '@tsbuild/oci';

/**
 * A filesystem as a value: uncompressed layers by their diffIDs, lowest first. No directory stands behind it, and those of
 * a base image in a registry need not be in the store yet.
 */
export interface Rootfs {
  readonly layers: readonly { readonly digest: Digest }[];
}

/** The filesystem of `FROM scratch`. */
export const EMPTY_ROOTFS: Rootfs = { layers: [] };

/** What the cache remembers of a step: the layer it made. */
export interface LayerOutput {
  readonly layer: BlobInfo;
}

/** Tells it from other JSON that a damaged record may hold. */
export function isLayerOutput(value: unknown): value is LayerOutput {
  const { layer } = (value ?? {}) as { readonly layer?: Partial<BlobInfo> | null };
  return isDigest(layer?.digest) && Number.isSafeInteger(layer.size) && Number(layer.size) >= 0;
}

/** A digest that stands for no layer at all, so that keys over an empty filesystem are well formed. */
const EMPTY_ID: Digest = `sha256:${'0'.repeat(64)}`;

/** The content id of a filesystem: its chainID (image-spec config.md, "Layer ChainID"). */
export function rootfsId(rootfs: Rootfs): Digest {
  return rootfs.layers.length === 0 ? EMPTY_ID : chainID(rootfs.layers.map((layer) => layer.digest));
}

/** The filesystem with one more layer on top. */
export function withLayer(rootfs: Rootfs, layer: BlobInfo): Rootfs {
  return { layers: [...rootfs.layers, { digest: layer.digest }] };
}
