import type { BlobStore } from '../blob/blob-store.ts';
import { readBlob } from '../blob/read-blob.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { imageConfigOf } from '../selection/image-config-of.ts';
import { decodeImageIndex, isAttestation } from '../spec/image-index.ts';
import { decodeManifest, isImageManifest } from '../spec/manifest.ts';
import { isIndexType, isManifestType } from '../spec/media-type.ts';
import type { Platform } from '../spec/platform.ts';
import { chooseManifest } from '../selection/choose-manifest.ts';
import type { IndexEntries } from './index-entries.ts';
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
  const decoded = decodeManifest(await readBlob(blobs, manifest), manifest.mediaType);
  const { config: descriptor, layers } = decoded;
  const rawConfig = await readBlob(blobs, descriptor);
  return {
    id: descriptor.digest,
    manifest,
    config: imageConfigOf(decoded, rawConfig),
    rawConfig,
    layers,
    names,
    size: layers.reduce((sum, layer) => sum + layer.size, 0),
  };
}

/**
 * The image manifests that an entry leads to: itself, or those of an index, nested ones too. Attestations are left out, and
 * members of an index that are not there: it is usual to store an index whole and the image of one platform only.
 * Each document is read once, as a few that name each other many times over hold more ways than anyone can walk.
 */
export async function manifestsBehind(
  documents: DocumentSource,
  entry: Descriptor,
  depth = 0,
  seen: Map<Digest, 'index' | 'image' | 'other'> = new Map(),
): Promise<readonly Descriptor[]> {
  if (!isIndexType(entry.mediaType)) {
    const known = seen.get(entry.digest) ?? ((await isImage(documents, entry)) ? 'image' : 'other');
    seen.set(entry.digest, known);
    return known === 'image' && !isAttestation(entry) ? [entry] : [];
  }
  if (depth >= INDEX_DEPTH_LIMIT) {
    throw new OciError('LIMIT_EXCEEDED', `image index ${entry.digest} is nested more than ${INDEX_DEPTH_LIMIT} deep`);
  }
  if (seen.has(entry.digest)) return [];
  seen.set(entry.digest, 'index');
  const out: Descriptor[] = [];
  for (const inner of decodeImageIndex(await documents.read(entry), entry.mediaType).manifests) {
    if (await documents.has(inner.digest)) out.push(...(await manifestsBehind(documents, inner, depth + 1, seen)));
  }
  return out;
}

/**
 * False for attestations, signatures and other artifacts that lie beside images. What cannot be read may be one: whoever
 * needs it says what is wrong.
 */
export async function isImage(documents: Pick<DocumentSource, 'read'>, entry: Descriptor): Promise<boolean> {
  if (!isManifestType(entry.mediaType) || isAttestation(entry)) return false;
  try {
    return isImageManifest(decodeManifest(await documents.read(entry), entry.mediaType));
  } catch (error) {
    if (error instanceof OciError) return true;
    throw error;
  }
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
  const index = decodeImageIndex(await documents.read(entry), entry.mediaType);
  return chooseManifest(documents, index, { platform, soleImageIsMeant: true });
}

/** As {@link manifestFor}, but where an index has none for the platform, its first image is meant. */
export async function manifestForOrFirst(
  documents: DocumentSource,
  entry: Descriptor,
  platform: Platform,
): Promise<{ readonly manifest: Descriptor; readonly isFirst: boolean }> {
  try {
    return { manifest: await manifestFor(documents, entry, platform), isFirst: false };
  } catch (error) {
    if (!(error instanceof OciError) || error.code !== 'PLATFORM_INVALID') throw error;
    const [manifest] = await manifestsBehind(documents, entry);
    if (manifest === undefined) throw error;
    return { manifest, isFirst: true };
  }
}

/**
 * Every blob that the entries need: manifests, configs, layers, nested indexes. A document that cannot be read is an error:
 * what it needs is unknown, so nothing may be deleted.
 * @param options with `present`, without documents that are not there, such as an index's images of other platforms
 */
export async function reachable(
  blobs: BlobStore,
  entries: IndexEntries,
  options: { readonly present?: boolean } = {},
): Promise<Set<Digest>> {
  const found = new Set<Digest>();
  const pending: Descriptor[] = [...entries];
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    if (found.has(entry.digest)) continue;
    const isDocument = isIndexType(entry.mediaType) || isManifestType(entry.mediaType);
    if (options.present === true && isDocument && !(await stored(blobs, entry))) continue;
    found.add(entry.digest);
    if (isIndexType(entry.mediaType)) pending.push(...(await indexMembers(blobs, entry)));
    else if (isManifestType(entry.mediaType)) pending.push(...(await manifestMembers(blobs, entry)));
  }
  return found;
}

async function indexMembers(blobs: BlobStore, entry: Descriptor): Promise<readonly Descriptor[]> {
  // An index may name images of other platforms that were never stored.
  return (await stored(blobs, entry)) ? decodeImageIndex(await readBlob(blobs, entry)).manifests : [];
}

async function manifestMembers(blobs: BlobStore, entry: Descriptor): Promise<readonly Descriptor[]> {
  if (!(await stored(blobs, entry))) return [];
  const { config, layers, subject } = decodeManifest(await readBlob(blobs, entry));
  return [config, ...layers, ...(subject === undefined ? [] : [subject])];
}

async function stored(blobs: BlobStore, { digest }: Descriptor): Promise<boolean> {
  return (await blobs.has(digest)) !== undefined;
}
