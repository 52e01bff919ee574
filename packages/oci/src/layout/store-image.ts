import type { DirectoryBlobStore } from '../blob/directory.ts';
import { assembleImage } from '../image/image.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import type { ImageConfig } from '../spec/image-config.ts';
import { OciError } from '../spec/oci-error.ts';
import { listedPlatform } from './index-entries.ts';
import type { ImageContent } from './stored-image.ts';

/**
 * Stores the documents of an image. Its layers must be there, but for those of `elsewhere`.
 * @returns the descriptor of its manifest, with its platform
 * @throws OciError `BLOB_NOT_FOUND`, `STORE_UNWRITABLE`
 */
export async function storeImage(
  blobs: DirectoryBlobStore,
  image: ImageContent,
  config: ImageConfig,
  elsewhere: ReadonlySet<Digest> | undefined,
): Promise<Descriptor> {
  const layer = await absentLayer(blobs, image, elsewhere);
  if (layer !== undefined) {
    throw new OciError('BLOB_NOT_FOUND', `layer ${layer.digest} is not in the store with ${layer.size} bytes`, {
      fields: { digest: layer.digest },
    });
  }
  const assembled = assembleImage(image);
  // At once: the disk syncs two files in the time of one.
  const puts = await Promise.allSettled([
    blobs.put(assembled.config, assembled.configDescriptor),
    blobs.put(assembled.manifest, assembled.manifestDescriptor),
  ]);
  for (const put of puts) if (put.status === 'rejected') throw put.reason;
  return { ...assembled.manifestDescriptor, platform: listedPlatform(config) };
}

/** The first layer that should be there and is not. */
export async function absentLayer(
  blobs: DirectoryBlobStore,
  image: ImageContent,
  elsewhere: ReadonlySet<Digest> | undefined,
): Promise<Descriptor | undefined> {
  for (const layer of image.layers) {
    if (elsewhere?.has(layer.digest) === true) continue;
    if ((await blobs.has(layer.digest))?.size !== layer.size) return layer;
  }
  return undefined;
}
