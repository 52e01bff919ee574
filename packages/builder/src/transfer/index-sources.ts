import {
  type ContentSource,
  type Descriptor,
  type Image,
  imageFrom,
  indexOf,
  isAttestation,
  isIndexType,
  type MultiPlatformImage,
  OciError,
  parseReference,
  platformOf,
  type Platform,
  type Reference,
} from '@tsbuild/oci';
import {
  fromArchive,
  fromLayout,
  indexFromArchive,
  indexFromLayout,
  registryContent,
  type RegistryReader,
  type StoredImage,
} from '@tsbuild/oci/node';
import type { Store } from '../store/store.ts';
import { imageOrArtifact } from './pull-index.ts';

/** Where an image for an index is. */
export type IndexSource =
  /** By name or ID. */
  | { readonly kind: 'store'; readonly image: string }
  /** A directory, and the name or digest of an image there, unless it is the only one. */
  | { readonly kind: 'layout' | 'archive'; readonly path: string; readonly image?: string }
  /** By tag or digest. */
  | { readonly kind: 'registry'; readonly reference: string };

/** One image of a source, or an attestation. */
export interface SourceMember {
  /** The source, as people wrote it. */
  readonly from: string;
  /** With platform and annotations, where the source is an index. */
  readonly entry: Descriptor;
  /** Of images. */
  readonly platform?: Platform;
  /** Of the store. */
  readonly stored?: StoredImage;
  /** Of elsewhere; undefined for what is no image. */
  readonly image?: Image;
  readonly content?: ContentSource;
  /** Of registries. */
  readonly reference?: Reference;
}

/** What finding images works with. */
export interface SourceWork {
  readonly store: Store;
  readonly client: () => RegistryReader;
  readonly signal: AbortSignal;
}

/** The images of a source: one, or all of an index. @throws OciError `IMAGE_NOT_FOUND`, and of the place */
export async function membersOfSource(source: IndexSource, work: SourceWork): Promise<readonly SourceMember[]> {
  switch (source.kind) {
    case 'store':
      return storeMembers(source.image, work);
    case 'layout':
      return placeMembers(source.path, work, {
        index: () => indexFromLayout(source.path, named(source.image)),
        image: () => fromLayout(source.path, named(source.image)),
      });
    case 'archive':
      return placeMembers(source.path, work, {
        index: () => indexFromArchive(source.path, named(source.image)),
        image: () => fromArchive(source.path, named(source.image)),
      });
    case 'registry':
      return registryMembers(parseReference(source.reference), source.reference, work);
  }
}

async function storeMembers(name: string, { store: { layout } }: SourceWork): Promise<readonly SourceMember[]> {
  const image = await layout.resolve(name);
  const index = await layout.index(image);
  if (index === undefined)
    return [{ from: name, entry: image.manifest, platform: platformOf(image.config), stored: image }];
  const members: SourceMember[] = [];
  for (const entry of index.index.manifests) {
    const stored = index.images.find(({ manifest }) => manifest.digest === entry.digest);
    if (stored !== undefined) members.push({ from: name, entry, platform: stored.platform, stored });
    else if ((await layout.blobs.has(entry.digest)) !== undefined) members.push({ from: name, entry });
  }
  return members;
}

async function placeMembers(
  from: string,
  { signal }: SourceWork,
  open: { readonly index: () => Promise<MultiPlatformImage>; readonly image: () => Promise<Image> },
): Promise<readonly SourceMember[]> {
  try {
    return await indexMembers(from, await open.index(), signal);
  } catch (error) {
    const isSingle = error instanceof OciError && ['INDEX_INVALID', 'IMAGE_NOT_FOUND'].includes(error.code);
    if (!isSingle) throw error;
  }
  const image = await open.image();
  return [{ from, entry: image.descriptor, platform: platformOf(image.config), image }];
}

async function registryMembers(
  reference: Reference,
  from: string,
  { client, signal }: SourceWork,
): Promise<readonly SourceMember[]> {
  const { descriptor, bytes } = await client().manifest(reference, signal);
  const content = registryContent(client(), reference);
  if (isIndexType(descriptor.mediaType)) {
    const members = await indexMembers(from, indexOf(bytes, content, descriptor), signal);
    return members.map((member) => ({ ...member, reference }));
  }
  const image = await imageFrom(content, descriptor, signal);
  return [{ from, entry: image.descriptor, platform: platformOf(image.config), image, content, reference }];
}

/** Layouts and archives may have a part of an index only. */
async function indexMembers(
  from: string,
  { index, content }: MultiPlatformImage,
  signal: AbortSignal,
): Promise<readonly SourceMember[]> {
  const members: SourceMember[] = [];
  for (const entry of index.manifests) {
    if (isIndexType(entry.mediaType)) continue;
    try {
      const image = isAttestation(entry) ? undefined : await imageOrArtifact({ content }, entry, signal);
      if (image === undefined) {
        await content.document(entry, signal);
        members.push({ from, entry, content });
        continue;
      }
      members.push({ from, entry, platform: platformOf(entry.platform ?? image.config), image, content });
    } catch (error) {
      if (!(error instanceof OciError) || !ABSENT.has(error.code)) throw error;
    }
  }
  return members;
}

/** How places say that a document is not there. */
const ABSENT: ReadonlySet<string> = new Set(['BLOB_NOT_FOUND', 'REGISTRY_NOT_FOUND']);

function named(image: string | undefined): { readonly name?: string } {
  return image === undefined ? {} : { name: image };
}
