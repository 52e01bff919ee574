import type { BlobStore } from '../blob/blob-store.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import type { Platform } from '../spec/platform.ts';
import { familiarName, parseReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';
import { bareDescriptor, entryName, entryNamed, namesOf } from './index-entries.ts';
import type { IndexEntries } from './index-entries.ts';
import { documentsOf, manifestFor, readImage } from './read-image.ts';
import type { StoredImage } from './stored-image.ts';

/** What a person wrote to name an image, understood. */
export interface FoundImage {
  readonly image: StoredImage;
  /** The name it was found by; undefined when found by its ID. */
  readonly reference: Reference | undefined;
}

/** Every image of the entries, each once, whatever names it has; unordered. */
export async function readImages(
  blobs: BlobStore,
  entries: IndexEntries,
  platform: Platform,
): Promise<readonly StoredImage[]> {
  const byId = new Map<Digest, StoredImage>();
  const seen = new Set<Digest>();
  for (const entry of entries) {
    if (seen.has(entry.digest)) continue;
    seen.add(entry.digest);
    const image = await readEntryOfPlatform(blobs, entries, entry, platform);
    if (image === undefined) continue;
    const twin = byId.get(image.id);
    byId.set(image.id, twin === undefined ? image : { ...twin, names: [...twin.names, ...image.names] });
  }
  return [...byId.values()];
}

/** The image of one entry, with all its names. */
async function readEntry(
  blobs: BlobStore,
  entries: IndexEntries,
  entry: Descriptor,
  platform: Platform,
): Promise<StoredImage> {
  const manifest = await manifestFor(documentsOf(blobs), entry, platform);
  return readImage(blobs, bareDescriptor(manifest), namesOf(entries, new Set([entry.digest])));
}

/** In a listing, an index without an image for this platform is passed over, as are artifacts. */
async function readEntryOfPlatform(...args: Parameters<typeof readEntry>): Promise<StoredImage | undefined> {
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
 * @throws OciError `IMAGE_AMBIGUOUS`, `REFERENCE_INVALID`
 */
export async function findImage(
  blobs: BlobStore,
  entries: IndexEntries,
  text: string,
  platform: Platform,
): Promise<FoundImage | undefined> {
  const prefix = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(text)?.[1];
  const isIdOnly = prefix !== undefined && (text.startsWith('sha256:') || prefix.length === 64);
  if (!isIdOnly) {
    const found = await findByName(blobs, entries, parseReference(text), platform);
    if (found !== undefined || prefix === undefined) return found;
  }
  const matches = (await readImages(blobs, entries, platform)).filter((image) =>
    image.id.startsWith(`sha256:${prefix}`),
  );
  if (matches.length > 1) throw ambiguous(text, matches);
  return matches[0] && { image: matches[0], reference: undefined };
}

async function findByName(
  blobs: BlobStore,
  entries: IndexEntries,
  reference: Reference,
  platform: Platform,
): Promise<FoundImage | undefined> {
  const entry = entryNamed(entries, reference) ?? entryPinned(entries, reference);
  if (entry === undefined) return undefined;
  return { image: await readEntry(blobs, entries, entry, platform), reference: entryName(entry) };
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
  const list = matches.map(({ id, names }) => `${id.slice(7, 19)}${names[0] ? ` (${familiarName(names[0])})` : ''}`);
  return new OciError('IMAGE_AMBIGUOUS', `${text} could be ${list.join(' or ')}; use more digits of the ID`, {
    fields: { name: text },
  });
}
