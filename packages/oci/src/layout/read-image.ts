import type { BlobStore } from '../blob/blob-store.ts';
import { readBlob } from '../blob/read-blob.ts';
import type { Descriptor } from '../descriptor.ts';
import type { Digest } from '../digest.ts';
import { OciError } from '../errors.ts';
import { decodeImageConfig } from '../image-config.ts';
import { decodeImageIndex, isAttestation, selectManifest } from '../image-index.ts';
import { decodeManifest } from '../manifest.ts';
import { isIndexType } from '../media-type.ts';
import { formatPlatform } from '../platform.ts';
import type { Platform } from '../platform.ts';
import type { StoredImage } from './stored-image.ts';

/** An index within an index within … : deeper than this is an attack, not an image. */
const INDEX_DEPTH_LIMIT = 4;

/** Where documents are read from: a blob store, or an archive. */
export interface DocumentSource {
  has(digest: Digest): Promise<boolean>;
  /** The verified bytes of a manifest, index or config. */
  read(descriptor: Descriptor): Promise<Uint8Array>;
}

/** The documents of a blob store. */
export function documentsOf(blobs: BlobStore): DocumentSource {
  return {
    has: async (digest) => (await blobs.has(digest)) !== undefined,
    read: (descriptor) => readBlob(blobs, descriptor),
  };
}

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

/**
 * The image manifests that an entry leads to: itself, or those of an index, nested ones too. Attestations are left out, and
 * members of an index that are not there: it is usual to store an index whole and the image of one platform only.
 * Each index is read once, as a few that name each other many times over hold more ways than anyone can walk.
 */
export async function manifestsBehind(
  documents: DocumentSource,
  entry: Descriptor,
  depth = 0,
  seen: Set<Digest> = new Set(),
): Promise<readonly Descriptor[]> {
  if (!isIndexType(entry.mediaType)) return isAttestation(entry) ? [] : [entry];
  if (depth >= INDEX_DEPTH_LIMIT) {
    throw new OciError('LIMIT_EXCEEDED', `image index ${entry.digest} is nested more than ${INDEX_DEPTH_LIMIT} deep`);
  }
  if (seen.has(entry.digest)) return [];
  seen.add(entry.digest);
  const out: Descriptor[] = [];
  for (const inner of decodeImageIndex(await documents.read(entry), entry.mediaType).manifests) {
    if (await documents.has(inner.digest)) out.push(...(await manifestsBehind(documents, inner, depth + 1, seen)));
  }
  return out;
}

/**
 * The manifest that an entry means on `platform`: itself, or the best of an index. An index with a single image means that
 * image, whatever its platform.
 * @throws OciError `PLATFORM_INVALID`, naming the platforms that there are
 */
export async function manifestFor(
  documents: DocumentSource,
  entry: Descriptor,
  platform: Platform,
): Promise<Descriptor> {
  if (!isIndexType(entry.mediaType)) return entry;
  const manifests = await manifestsBehind(documents, entry);
  const [only] = manifests;
  if (only !== undefined && manifests.length === 1) return only;
  const chosen = selectManifest({ schemaVersion: 2, mediaType: entry.mediaType, manifests }, platform);
  if (chosen !== undefined) return chosen;
  const offered = manifests.map((m) => (m.platform === undefined ? 'unknown' : formatPlatform(m.platform)));
  throw new OciError(
    'PLATFORM_INVALID',
    `there is no image for ${formatPlatform(platform)}; there is ${offered.join(', ') || 'none at all'}`,
    { fields: { digest: entry.digest } },
  );
}
