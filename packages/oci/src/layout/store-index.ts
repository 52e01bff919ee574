import type { DirectoryBlobStore } from '../blob/directory.ts';
import { readBlob } from '../blob/read-blob.ts';
import { notFound } from '../blob/verify.ts';
import { NO_CONTENT } from '../image/content-source.ts';
import { assembleImage } from '../image/image.ts';
import { addEntry, emptyIndex, platformOf, withIndexAnnotations } from '../image/index-building.ts';
import { imageConfigOf } from '../selection/image-config-of.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { decodeImageIndex, isAttestation } from '../spec/image-index.ts';
import { decodeManifest, isImageManifest } from '../spec/manifest.ts';
import { OciError } from '../spec/oci-error.ts';
import { formatPlatform, normalizePlatform } from '../spec/platform.ts';
import type { Platform } from '../spec/platform.ts';
import { checkedConfig } from './image-content.ts';
import { documentsOf, manifestsBehind, readImage } from './read-image.ts';
import { absentLayer, storeImage } from './store-image.ts';
import type { ImageContent, StoredImage } from './stored-image.ts';
import type { IndexContent, IndexedImage, IndexMember, StoredIndex } from './stored-index.ts';

/** The document of an index, before or after it is stored. */
export interface IndexDocument {
  readonly descriptor: Descriptor;
  readonly rawIndex: Uint8Array;
}

/**
 * The document of an index. Its bytes depend on nothing but the members and the annotations.
 * @throws OciError `INDEX_INVALID` when two images are for one platform; `BLOB_NOT_FOUND`, `CONFIG_INVALID`
 */
export async function indexDocument(blobs: DirectoryBlobStore, content: IndexContent): Promise<IndexDocument> {
  const taken = new Set<string>();
  let index = emptyIndex();
  for (const member of content.members) {
    const entry = await entryOf(blobs, member, content);
    const platform = isAttestation(entry) ? undefined : entry.platform;
    const name = platform && formatPlatform(normalizePlatform(platform));
    if (name !== undefined && content.isForeign !== true) {
      if (taken.has(name)) throw new OciError('INDEX_INVALID', `two images of the index are for ${name}`);
      taken.add(name);
    }
    index = addEntry(index, entry, NO_CONTENT, { replace: false });
  }
  if (content.annotations !== undefined) index = withIndexAnnotations(index, content.annotations);
  const { descriptor, rawIndex } = index;
  const annotations = content.descriptorAnnotations;
  return { descriptor: { ...descriptor, ...(annotations !== undefined && { annotations }) }, rawIndex };
}

/** Stores the index with those of its images that are given as content. @throws OciError as {@link indexDocument} */
export async function storeIndex(
  blobs: DirectoryBlobStore,
  content: IndexContent,
  elsewhere: ReadonlySet<Digest> | undefined,
): Promise<Descriptor> {
  const { descriptor, rawIndex } = await indexDocument(blobs, content);
  for (const { manifest } of content.members) {
    if (isContent(manifest)) await storeImage(blobs, manifest, checkedConfig(manifest), elsewhere);
    else if (content.isForeign !== true && (await blobs.has(manifest.digest)) === undefined) {
      throw notFound(manifest.digest);
    }
  }
  await blobs.put(rawIndex, descriptor);
  return descriptor;
}

/** Whether the index and all that it was made of are in the layout already. */
export async function holdsIndex(
  blobs: DirectoryBlobStore,
  content: IndexContent,
  { digest }: Descriptor,
  elsewhere: ReadonlySet<Digest> | undefined,
): Promise<boolean> {
  if ((await blobs.has(digest)) === undefined) return false;
  for (const { manifest } of content.members) {
    if (!isContent(manifest)) continue;
    const { manifestDescriptor, configDescriptor } = assembleImage(manifest);
    for (const document of [manifestDescriptor, configDescriptor]) {
      if ((await blobs.has(document.digest)) === undefined) return false;
    }
    if ((await absentLayer(blobs, manifest, elsewhere)) !== undefined) return false;
  }
  return true;
}

/** Reads an index and the images of it that are there. @throws OciError of the blob store and the decoders */
export async function readStoredIndex(
  blobs: DirectoryBlobStore,
  { mediaType, digest, size }: Descriptor,
  names: StoredImage['names'],
): Promise<StoredIndex> {
  const descriptor = { mediaType, digest, size };
  const rawIndex = await readBlob(blobs, descriptor);
  const images: IndexedImage[] = [];
  for (const manifest of await manifestsBehind(documentsOf(blobs), descriptor)) {
    const image = await readImage(blobs, manifest, []);
    images.push({ ...image, platform: manifest.platform ?? platformOf(image.config) });
  }
  return { descriptor, index: decodeImageIndex(rawIndex, mediaType), rawIndex, images, names };
}

async function entryOf(
  blobs: DirectoryBlobStore,
  member: IndexMember,
  { isForeign }: Pick<IndexContent, 'isForeign'>,
): Promise<Descriptor> {
  const { manifest, annotations, platform } = member;
  const base = isContent(manifest) ? assembleImage(manifest).manifestDescriptor : manifest;
  const known = platform ?? (isContent(manifest) ? platformOf(checkedConfig(manifest)) : manifest.platform);
  const isAsked = known === undefined && !isContent(manifest) && isForeign !== true;
  const runsOn = isAsked ? await platformOfStored(blobs, manifest) : known;
  const { mediaType, digest, size, artifactType } = base;
  return {
    mediaType,
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && Object.keys(annotations).length > 0 && { annotations }),
    // In one order of its members, wherever it comes from.
    ...(runsOn !== undefined && { platform: platformOf(runsOn) }),
  };
}

/** Undefined for an artifact, which runs nowhere. */
async function platformOfStored(blobs: DirectoryBlobStore, manifest: Descriptor): Promise<Platform | undefined> {
  const decoded = decodeManifest(await readBlob(blobs, manifest), manifest.mediaType);
  if (!isImageManifest(decoded)) return undefined;
  return platformOf(imageConfigOf(decoded, await readBlob(blobs, decoded.config)));
}

function isContent(manifest: ImageContent | Descriptor): manifest is ImageContent {
  return 'config' in manifest;
}
