import type { BlobStore } from '../blob/blob-store.ts';
import { corrupt } from '../blob/verify.ts';
import { changeImage } from './change-image.ts';
import { unpackedLayer } from './image-tree.ts';
import type { ReadLayersOptions } from './image-tree.ts';
import type { Image, ImageLayer } from './image-value.ts';
import { compressLayer } from '../compression/compress.ts';
import type { GzipOptions } from '../compression/gzip.ts';
import { familyOf, layerInFamily } from './media-type-family.ts';
import { layerCompression } from '../spec/media-type.ts';
import type { LayerCompression } from '../spec/media-type.ts';

/** Choices of {@link withCompression}. */
export interface RecompressOptions extends GzipOptions, Omit<ReadLayersOptions, 'blobs' | 'indexes'> {}

/**
 * The image with all layers packed alike; those that are already keep their bytes, and the config and image ID stay. Layers
 * are read one after the other: packing uses all cores by itself.
 * @param blobs where the newly packed layers are stored
 * @throws OciError `LAYER_INVALID`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED` of the layers; `UNSUPPORTED`, `STORE_UNWRITABLE`
 * @example
 *   const image = await withCompression(base, 'zstd', new DirectoryBlobStore('cache'));
 */
export async function withCompression(
  image: Image,
  compression: LayerCompression,
  blobs: BlobStore,
  options: RecompressOptions = {},
): Promise<Image> {
  const layers: ImageLayer[] = [];
  for (const layer of image.layers) {
    const isPacked = layerCompression(layer.descriptor.mediaType) === compression;
    const packed = isPacked ? layer : await recompressed(layer, compression, blobs, options);
    layers.push(isPacked ? packed : layerInFamily(packed, familyOf(image.manifest.mediaType)));
  }
  return changeImage(image, { layers });
}

async function recompressed(
  layer: ImageLayer,
  compression: LayerCompression,
  blobs: BlobStore,
  options: RecompressOptions,
): Promise<ImageLayer> {
  const sink = await blobs.create();
  const { descriptor, diffID } = await compressLayer(unpackedLayer(layer, options), compression, sink, options);
  if (layer.diffID.startsWith('sha256:') && diffID !== layer.diffID) {
    throw corrupt(
      layer.descriptor.digest,
      `its uncompressed digest is ${diffID}, but the config's diffID is ${layer.diffID}`,
    );
  }
  return { descriptor, diffID: layer.diffID, open: () => blobs.open(descriptor.digest) };
}
