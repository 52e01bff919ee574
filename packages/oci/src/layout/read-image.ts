import type { BlobStore } from '../blob/blob-store.ts';
import { readBlob } from '../blob/read-blob.ts';
import type { Descriptor } from '../descriptor.ts';
import { OciError } from '../errors.ts';
import { decodeImageConfig } from '../image-config.ts';
import { decodeImageIndex, isAttestation, selectManifest } from '../image-index.ts';
import { decodeManifest } from '../manifest.ts';
import { isIndexType } from '../media-type.ts';
import type { Platform } from '../platform.ts';
import type { StoredImage } from './stored-image.ts';

/** An index within an index within … : deeper than this is an attack, not an image. */
const INDEX_DEPTH_LIMIT = 4;

/**
 * Reads the image behind a manifest's descriptor.
 * @throws OciError of the blob store and of the decoders
 */
export async function readImage(
  blobs: BlobStore,
  manifest: Descriptor,
  names: StoredImage['names'],
): Promise<StoredImage> {
  const { config: descriptor, layers } = decodeManifest(await readBlob(blobs, manifest), manifest.mediaType);
  const rawConfig = await readBlob(blobs, descriptor);
  return {
    id: descriptor.digest,
    manifest,
    config: decodeImageConfig(rawConfig),
    rawConfig,
    layers,
    names,
    size: layers.reduce((sum, layer) => sum + layer.size, 0),
  };
}

/** The image manifests that an entry leads to: itself, or those of an index, nested ones too. Attestations are left out. */
export async function manifestsBehind(blobs: BlobStore, entry: Descriptor, depth = 0): Promise<readonly Descriptor[]> {
  if (!isIndexType(entry.mediaType)) return isAttestation(entry) ? [] : [entry];
  if (depth >= INDEX_DEPTH_LIMIT) {
    throw new OciError('LIMIT_EXCEEDED', `image index ${entry.digest} is nested more than ${INDEX_DEPTH_LIMIT} deep`);
  }
  const index = decodeImageIndex(await readBlob(blobs, entry), entry.mediaType);
  const behind = await Promise.all(index.manifests.map((inner) => manifestsBehind(blobs, inner, depth + 1)));
  return behind.flat();
}

/** The manifest that an entry means on `platform`: itself, or the best of an index; undefined when none fits. */
export async function manifestFor(
  blobs: BlobStore,
  entry: Descriptor,
  platform: Platform,
): Promise<Descriptor | undefined> {
  if (!isIndexType(entry.mediaType)) return entry;
  const manifests = await manifestsBehind(blobs, entry);
  const chosen = selectManifest({ schemaVersion: 2, mediaType: entry.mediaType, manifests }, platform);
  if (chosen !== undefined || manifests.length !== 1) return chosen;
  // A single image without a platform is what it is.
  return manifests[0]?.platform === undefined ? manifests[0] : undefined;
}
