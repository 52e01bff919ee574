import type { Artifact } from '../image/artifact.ts';
import { makeStoreFolder } from '../blob/directory-writer.ts';
import { DirectoryBlobStore } from '../blob/directory.ts';
import type { BlobStore } from '../blob/blob-store.ts';
import { blobContent, imageFrom } from '../image/content-source.ts';
import type { ContentSource } from '../image/content-source.ts';
import { copyContent } from '../image/copy-content.ts';
import type { ContentSink, CopyOptions } from '../image/copy-content.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { decodeManifest } from '../spec/manifest.ts';
import { OciError } from '../spec/oci-error.ts';
import { hostPlatform } from '../processes/host-platform.ts';
import type { Image } from '../image/image-value.ts';
import { contentBehind, indexOf, selectImage, wholeContent } from '../image/index-building.ts';
import type { MultiPlatformImage } from '../image/index-building.ts';
import type { DecompressOptions } from '../compression/compression.ts';
import { storePackedLayer } from '../layer/store-layer.ts';
import { findImage } from './find-image.ts';
import { entryName, listedPlatform, withImage } from './index-entries.ts';
import type { IndexEntries } from './index-entries.ts';
import { layoutPaths } from '../processes/layout-names.ts';
import { checkLayout, readIndex, writeIndex } from './layout-files.ts';
import { Layout } from './layout.ts';
import { withLock } from '../processes/lock.ts';
import { isImage } from './read-image.ts';
import type { StoredImage } from './stored-image.ts';
import { isIndexType, MediaType } from '../spec/media-type.ts';
import { formatPlatform } from '../spec/platform.ts';
import type { Platform } from '../spec/platform.ts';
import { formatReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';

/** The specification's annotation for names (image-spec annotations.md). */
const REF_NAME_ANNOTATION = 'org.opencontainers.image.ref.name';

/** Choices of {@link fromLayout}. */
export interface FromLayoutOptions {
  /** Reference, tag, digest of the manifest, image ID or its beginning; may be left out where there is one image. */
  readonly name?: string | undefined;
  /** Which image of an index to take; that of this machine unless told. */
  readonly platform?: Platform;
}

/**
 * An image of an OCI image layout directory, ours or any other tool's. Artifacts beside it are passed over.
 * @param options or the name alone
 * @throws OciError `LAYOUT_INVALID`, `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`, `PLATFORM_INVALID`, `REFERENCE_INVALID`,
 * `NOT_AN_IMAGE`
 * @example
 *   const image = await fromLayout('layout', { name: 'app:1', platform: parsePlatform('linux/arm64') });
 */
export async function fromLayout(root: string, options: FromLayoutOptions | string = {}): Promise<Image> {
  const { name, platform = hostPlatform() } = typeof options === 'string' ? { name: options } : options;
  const { blobs, entries } = await openForReading(root);
  const content = blobContent(blobs);
  const images = name === undefined ? await imageEntries(content, entries) : entries;
  const entry = entryOf(images, root, name);
  if (entry !== undefined) {
    if (!isIndexType(entry.mediaType)) return imageFrom(content, entry);
    return selectImage(indexOf(await content.document(entry), content, entry), platform);
  }
  const found = await findImage(blobs, entries, name ?? '', { platform });
  if (found === undefined) throw notFound(root, name);
  return imageFrom(content, found.image.manifest);
}

/**
 * A layout as a source, and the entry of a name, or the only one.
 * @param options `withoutSubject`: the only one that refers to no other, as signatures do
 * @throws OciError as {@link fromLayout}
 */
export async function openLayoutEntries(
  root: string,
  name: string | undefined,
  { withoutSubject = false }: { readonly withoutSubject?: boolean } = {},
): Promise<{ readonly content: ContentSource; readonly entry: Descriptor; readonly entries: IndexEntries }> {
  const { blobs, entries } = await openForReading(root);
  const content = blobContent(blobs);
  const wanted =
    name === undefined ? undefined : entries.find((each) => entryName(each) !== undefined && shownName(each) === name);
  const subjects = withoutSubject && name === undefined ? await subjectsOf(content, entries) : undefined;
  const meant = subjects === undefined ? entries : entries.filter(({ digest }) => !subjects.has(digest));
  const entry = entryOf(meant, root, name) ?? wanted;
  if (entry === undefined) throw notFound(root, name);
  return { content, entry, entries };
}

/** To what the entries of a layout refer: signatures and SBOMs name their image. By their own digests. */
export async function subjectsOf(content: ContentSource, entries: IndexEntries): Promise<ReadonlyMap<Digest, Digest>> {
  const subjects = new Map<Digest, Digest>();
  for (const entry of entries) {
    if (isIndexType(entry.mediaType)) continue;
    const { subject } = decodeManifest(await content.document(entry), entry.mediaType);
    if (subject !== undefined) subjects.set(entry.digest, subject.digest);
  }
  return subjects;
}

/**
 * An index of an OCI image layout directory.
 * @param options or the name alone
 * @example
 *   const index = await indexFromLayout('layout', { name: 'app:1' });
 * @throws OciError as {@link fromLayout}; `INDEX_INVALID` when the name means an image for one platform
 */
export async function indexFromLayout(
  root: string,
  options: Pick<FromLayoutOptions, 'name'> | string = {},
): Promise<MultiPlatformImage> {
  const { name } = typeof options === 'string' ? { name: options } : options;
  const { blobs, entries } = await openForReading(root);
  const entry = entryOf(entries, root, name) ?? entries.find((each) => isNamed(each, name));
  if (entry === undefined) throw notFound(root, name);
  if (!isIndexType(entry.mediaType)) {
    throw new OciError('INDEX_INVALID', `${name ?? entry.digest} is an image for one platform, not an index`);
  }
  const content = blobContent(blobs);
  return indexOf(await content.document(entry), content, entry);
}

/** The value of an image that a {@link Layout} listed or resolved. @throws OciError `BLOB_NOT_FOUND`, `BLOB_CORRUPT` */
export function fromStoredImage(blobs: BlobStore, stored: Pick<StoredImage, 'manifest'>): Promise<Image> {
  return imageFrom(blobContent(blobs), stored.manifest);
}

/** Choices of {@link toLayout} and {@link toStore}. */
export interface ToLayoutOptions extends CopyOptions {
  readonly names?: readonly Reference[];
}

/**
 * Puts an image, an index with all its images, or an artifact into a layout exactly as it is: digests do not change. A directory that is
 * no layout yet is made one. The names move when everything is on the disk.
 * @returns the descriptor of the manifest or index
 * @throws OciError `LAYOUT_INVALID`, `STORE_UNWRITABLE`, `LOCK_TIMEOUT`, and of whatever the image is read from
 * @example
 *   await toLayout(image, 'layout', { names: [parseReference('app:1')] });
 */
export async function toLayout(
  image: Image | MultiPlatformImage | Artifact,
  target: string | Layout,
  options: ToLayoutOptions = {},
): Promise<Descriptor> {
  const layout = typeof target === 'string' ? await Layout.open(target, { create: true }) : target;
  const paths = layoutPaths(layout.root);
  const lease = await layout.lease();
  try {
    await copyContent(wholeContent(image), image.descriptor, blobSink(layout.blobs), options);
    const entry =
      'config' in image ? { ...image.descriptor, platform: listedPlatform(image.config) } : image.descriptor;
    // A layout that a tool tidied lacks it, and an image that is there already wrote no blob.
    await makeStoreFolder(paths.temporary, paths.modes.directory);
    await withLock(paths.lock, { temporaryDirectory: paths.temporary }, async (lock) => {
      await writeIndex(paths, withImage(await readIndex(paths), entry, options.names ?? []), lock);
    });
    return image.descriptor;
  } finally {
    await lease[Symbol.asyncDispose]();
  }
}

/**
 * Puts an image into a layout that builds are made from: layers are stored uncompressed and checked against their diffIDs,
 * so the manifest is another one; config and image ID stay. Layers that the store has are not read.
 * @throws OciError as {@link toLayout}; `LAYER_INVALID`, `LIMIT_EXCEEDED` of the layers
 */
export async function toStore(
  image: Image,
  layout: Layout,
  options: ToLayoutOptions & DecompressOptions = {},
): Promise<StoredImage> {
  const lease = await layout.lease();
  try {
    const source = { document: async () => image.rawManifest, blob: contentBehind(image).blob };
    const layers = new Map<Descriptor['digest'], Descriptor>();
    const diffIDs = new Map(image.layers.map(({ descriptor, diffID }) => [descriptor.digest, diffID]));
    await copyContent(
      source,
      image.descriptor,
      {
        blob: async ({ digest }, open) => {
          const diffID = diffIDs.get(digest);
          if (diffID === undefined) return;
          const known = await layout.blobs.has(diffID);
          const { blobs, indexes } = layout;
          const info = known ?? (await storePackedLayer(open(), blobs, indexes, { digest: diffID }, options));
          layers.set(diffID, { mediaType: MediaType.ociLayer, ...info });
        },
        document: async () => {},
      },
      options,
    );
    const stored = image.layers.map(({ diffID }) => layers.get(diffID)).filter((layer) => layer !== undefined);
    return await layout.add({ config: image.rawConfig, layers: stored }, options.names ?? []);
  } finally {
    await lease[Symbol.asyncDispose]();
  }
}

/** A blob store as a sink; content that it has with the right size is not read. */
export function blobSink(blobs: BlobStore): ContentSink {
  return {
    blob: async (descriptor, open) => {
      const known = await blobs.has(descriptor.digest);
      if (known?.size !== descriptor.size) await blobs.put(open(), descriptor);
    },
    document: async (descriptor, bytes) => {
      await blobs.put(bytes, descriptor);
    },
  };
}

async function openForReading(root: string): Promise<{ blobs: DirectoryBlobStore; entries: IndexEntries }> {
  const paths = layoutPaths(root);
  if (!(await checkLayout(paths))) {
    throw new OciError('LAYOUT_INVALID', `there is no image layout at ${root}: oci-layout is missing`, {
      fields: { path: root },
    });
  }
  return { blobs: new DirectoryBlobStore(root), entries: await readIndex(paths) };
}

/** The entries that are no artifacts. */
async function imageEntries(content: ContentSource, entries: IndexEntries): Promise<IndexEntries> {
  const images: Descriptor[] = [];
  for (const entry of entries) {
    const read = (descriptor: Descriptor): Promise<Uint8Array> => content.document(descriptor);
    const isOne = isIndexType(entry.mediaType) || entries.length === 1 || (await isImage({ read }, entry));
    if (isOne) images.push(entry);
  }
  return images;
}

/** The entry that is meant when it can be told from the index alone. */
function entryOf(entries: IndexEntries, root: string, name: string | undefined): Descriptor | undefined {
  if (name !== undefined) return entries.find((entry) => isNamed(entry, name));
  const manifests = new Set(entries.map(({ digest }) => digest));
  if (manifests.size === 1) return entries[0];
  throw new OciError(
    manifests.size === 0 ? 'IMAGE_NOT_FOUND' : 'IMAGE_AMBIGUOUS',
    `the layout at ${root} has ${manifests.size} images; choose one: ${entries.map(shownName).join(', ')}`,
  );
}

/** By the digest, or by the very text of the specification's annotation: skopeo and umoci write a lone tag there. */
function isNamed(entry: Descriptor, name: string | undefined): boolean {
  return entry.digest === name || (name !== undefined && entry.annotations?.[REF_NAME_ANNOTATION] === name);
}

function shownName(entry: Descriptor): string {
  const name = entryName(entry);
  if (name !== undefined) return formatReference(name);
  return entry.annotations?.[REF_NAME_ANNOTATION] ?? (entry.platform ? formatPlatform(entry.platform) : entry.digest);
}

function notFound(root: string, name: string | undefined): OciError {
  return new OciError('IMAGE_NOT_FOUND', `no image ${name ?? ''} in the layout at ${root}`, {
    fields: { name: name ?? '' },
  });
}
