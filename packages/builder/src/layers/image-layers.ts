import type { Digest, Image } from '@tsbuild/oci';
import { findWaste, type ImageWaste, indexImage, RootfsTree } from '@tsbuild/oci/node';
import { type LayerOrigins, originsOfImage } from '../packages/image-packages.ts';
import type { PackageStore } from '../packages/inventories.ts';
import type { PackageOrigin } from '../packages/package-origin.ts';
import { type LayerWaste, wasteByCause } from './layer-waste.ts';

/** One layer of an image. Sizes are bytes. */
export interface ShownLayer {
  readonly diffID: Digest;
  /** Of the content of its files. */
  readonly unpacked: number;
  /** As it is transferred; undefined where it is not compressed. */
  readonly packed?: number;
  readonly files: number;
  /** By how much it changes what a container sees. */
  readonly contribution: number;
  /** What it wastes or makes others waste, all kinds. */
  readonly wasted: number;
  readonly origin: PackageOrigin;
  /** False for the layers of the base image. */
  readonly isOwn: boolean;
}

/** What an image is made of, layer by layer. */
export interface ImageLayers extends Pick<LayerOrigins, 'dockerfile'> {
  /** Lowest first. */
  readonly layers: readonly ShownLayer[];
  /** By the layer to blame, lowest first. */
  readonly waste: readonly LayerWaste[];
  readonly duplicates: ImageWaste['duplicates'];
  /** The merged view of all layers. */
  readonly files: RootfsTree;
  /** The entries of each layer, lowest first. */
  readonly contents: Awaited<ReturnType<typeof indexImage>>;
}

/** Choices of {@link layersOfImage}. */
export interface LayersOfImageOptions {
  readonly signal?: AbortSignal;
  /** Called first: brings those layers into the store that lie in a shared cache. */
  readonly bring?: () => Promise<void>;
}

/**
 * Measures the layers of any image and finds what they waste. Layers of the store are not read, their indexes are.
 * @throws OciError `BLOB_CORRUPT`, `TAR_INVALID`, `LAYER_INVALID`, `LIMIT_EXCEEDED`, `UNSUPPORTED`, and of the image's place
 */
export async function layersOfImage(
  image: Image,
  store: PackageStore,
  { signal, bring }: LayersOfImageOptions = {},
): Promise<ImageLayers> {
  await bring?.();
  const { blobs, indexes } = store.layout;
  const contents = await indexImage(image, { blobs, indexes, ...(signal !== undefined && { signal }) });
  const found = findWaste(contents);
  const { layers: origins, dockerfile } = originsOfImage(image, store);
  const isOwn = (layer: number): boolean => origins[layer]?.kind !== 'base';
  const waste = wasteByCause(found, isOwn);
  const layers = image.layers.map(({ diffID, descriptor }, at): ShownLayer => {
    const content = found.layers[at] ?? { unpacked: 0, files: 0, contribution: 0 };
    const blamed = waste.filter(({ cause }) => cause === at);
    return {
      diffID,
      ...content,
      ...(descriptor.digest !== diffID && { packed: descriptor.size }),
      wasted: blamed.reduce((sum, { bytes }) => sum + bytes, 0),
      origin: origins[at] ?? { kind: 'layer' },
      isOwn: isOwn(at),
    };
  });
  const named = dockerfile === undefined ? {} : { dockerfile };
  return { ...named, layers, waste, duplicates: found.duplicates, files: new RootfsTree(contents), contents };
}
