import type { BlobStore } from '../blob/blob-store.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { isIndexType } from '../spec/media-type.ts';
import { formatPlatform, platformFit } from '../spec/platform.ts';
import type { Platform } from '../spec/platform.ts';
import { hostPlatform } from '../processes/host-platform.ts';
import { platformOf } from '../image/index-building.ts';
import { familiarName, parseReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';
import { bareDescriptor, entryName, entryNamed, namesOf } from './index-entries.ts';
import type { IndexEntries } from './index-entries.ts';
import { documentsOf, manifestFor, manifestForOrFirst, manifestsBehind, readImage } from './read-image.ts';
import { imageIdOf, rootOf } from './stored-image.ts';
import type { StoredImage } from './stored-image.ts';

/** How images are looked for. */
export interface FindImageOptions {
  /** Only an image for this platform; unless told, of an index that for this machine, else the first. */
  readonly platform?: Platform;
}

/** What a person wrote to name an image, understood. */
export interface FoundImage {
  readonly image: StoredImage;
  /** The name it was found by; undefined when found by its ID. */
  readonly reference: Reference | undefined;
  /** Found by the ID of an image that is listed only as a part of this index. */
  readonly memberOf?: Reference | Digest;
}

/** Every image of the entries, each once, whatever names it has; unordered. Of an index, the one for this machine or the first. */
export async function readImages(blobs: BlobStore, entries: IndexEntries): Promise<readonly StoredImage[]> {
  const byId = new Map<Digest, StoredImage>();
  const seen = new Set<Digest>();
  for (const entry of entries) {
    if (seen.has(entry.digest)) continue;
    seen.add(entry.digest);
    const image = await readListedEntry(blobs, entries, entry);
    if (image === undefined) continue;
    const id = imageIdOf(image);
    const twin = byId.get(id);
    byId.set(id, twin === undefined ? image : { ...twin, names: [...twin.names, ...image.names] });
  }
  return [...byId.values()];
}

/** The image of one entry, with all its names. @throws OciError `PLATFORM_INVALID`, `NOT_AN_IMAGE` */
async function readEntry(
  blobs: BlobStore,
  entries: IndexEntries,
  entry: Descriptor,
  { platform }: FindImageOptions = {},
): Promise<StoredImage> {
  const documents = documentsOf(blobs);
  const chosen =
    platform === undefined
      ? await manifestForOrFirst(documents, entry, hostPlatform())
      : { manifest: await manifestFor(documents, entry, platform), isFirst: false };
  const image = await readImage(blobs, bareDescriptor(chosen.manifest), namesOf(entries, new Set([entry.digest])));
  if (platform !== undefined) checkPlatform(image, platform);
  if (!isIndexType(entry.mediaType)) return image;
  const { mediaType, digest, size } = entry;
  return { ...image, index: { descriptor: { mediaType, digest, size }, ...(chosen.isFirst && { isFirst: true }) } };
}

/** An image that is no part of an index says in its config what it is for; one that says nothing runs anywhere. */
function checkPlatform({ id, config }: StoredImage, platform: Platform): void {
  if (config.architecture === '' || platformFit(platform, platformOf(config)) > 0) return;
  const [wanted, offered] = [platform, platformOf(config)].map(formatPlatform);
  throw new OciError('PLATFORM_INVALID', `image ${id.slice(7, 19)} is for ${offered}, not for ${wanted}`);
}

/** In a listing, an index of which no image is there is passed over, as are artifacts. */
async function readListedEntry(...args: Parameters<typeof readEntry>): Promise<StoredImage | undefined> {
  try {
    return await readEntry(...args);
  } catch (error) {
    const isOther = error instanceof OciError && ['PLATFORM_INVALID', 'NOT_AN_IMAGE'].includes(error.code);
    if (isOther) return undefined;
    throw error;
  }
}

/**
 * Finds an image by reference, by ID, or by a prefix of the ID of at least 4 digits; names win over prefixes, as in docker.
 * The ID of an index is its digest; its images are found by their own IDs, and by the digests of their manifests.
 * @throws OciError `IMAGE_AMBIGUOUS`, `REFERENCE_INVALID`, `PLATFORM_INVALID`
 */
export async function findImage(
  blobs: BlobStore,
  entries: IndexEntries,
  text: string,
  options: FindImageOptions = {},
): Promise<FoundImage | undefined> {
  const prefix = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(text)?.[1];
  const isIdOnly = prefix !== undefined && (text.startsWith('sha256:') || prefix.length === 64);
  if (!isIdOnly) {
    const found = await findByName(blobs, entries, parseReference(text), options);
    if (found !== undefined || prefix === undefined) return found;
  }
  return findById(blobs, entries, { text, prefix: `sha256:${prefix}` }, options);
}

async function findById(
  blobs: BlobStore,
  entries: IndexEntries,
  { text, prefix }: { readonly text: string; readonly prefix: string },
  options: FindImageOptions,
): Promise<FoundImage | undefined> {
  const images = await readImages(blobs, entries);
  const matches = images.filter((image) => imageIdOf(image).startsWith(prefix));
  const [image] = matches;
  if (matches.length > 1) throw ambiguous(text, matches);
  if (image !== undefined) {
    const root = entries.find(({ digest }) => digest === rootOf(image).digest);
    const isChosen = options.platform === undefined || root === undefined;
    const asked = isChosen ? image : await readEntry(blobs, entries, root, options);
    return { image: { ...asked, names: image.names }, reference: undefined };
  }
  const members = await membersOf(blobs, images, prefix);
  const [member] = members;
  if (new Set(members.map((each) => each.image.id)).size > 1)
    throw ambiguous(
      text,
      members.map((each) => each.image),
    );
  if (member !== undefined && options.platform !== undefined) checkPlatform(member.image, options.platform);
  return member;
}

/** The images of indexes that have such an ID, or such a digest. */
async function membersOf(
  blobs: BlobStore,
  images: readonly StoredImage[],
  prefix: string,
): Promise<readonly FoundImage[]> {
  const found: FoundImage[] = [];
  for (const { index, names } of images) {
    if (index === undefined) continue;
    for (const manifest of await manifestsBehind(documentsOf(blobs), index.descriptor)) {
      const image = await readImage(blobs, bareDescriptor(manifest), []);
      if (![image.id, manifest.digest].some((digest) => digest.startsWith(prefix))) continue;
      found.push({ image, reference: undefined, memberOf: names[0] ?? index.descriptor.digest });
    }
  }
  return found;
}

async function findByName(
  blobs: BlobStore,
  entries: IndexEntries,
  reference: Reference,
  options: FindImageOptions,
): Promise<FoundImage | undefined> {
  const entry = entryNamed(entries, reference) ?? entryPinned(entries, reference);
  if (entry === undefined) return undefined;
  return { image: await readEntry(blobs, entries, entry, options), reference: entryName(entry) };
}

/** `name@sha256:…` finds the manifest of that digest under any tag of the name; so does `name:tag@sha256:…`. */
function entryPinned(entries: IndexEntries, wanted: Reference): Descriptor | undefined {
  if (wanted.digest === undefined) return undefined;
  return entries.find((entry) => {
    const name = entryName(entry);
    return (
      entry.digest === wanted.digest && name?.registry === wanted.registry && name.repository === wanted.repository
    );
  });
}

function ambiguous(text: string, matches: readonly StoredImage[]): OciError {
  const list = matches.map((image) => {
    const [name] = image.names;
    return imageIdOf(image).slice(7, 19) + (name === undefined ? '' : ` (${familiarName(name)})`);
  });
  return new OciError('IMAGE_AMBIGUOUS', `${text} could be ${list.join(' or ')}; use more digits of the ID`, {
    fields: { name: text },
  });
}
