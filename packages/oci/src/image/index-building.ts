import type { Artifact } from './artifact.ts';
import { contentOf, imageFrom, NO_CONTENT, readSmall, withContentOf } from './content-source.ts';
import type { ContentSource } from './content-source.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { ATTESTED, decodeImageIndex, isAttestation } from '../spec/image-index.ts';
import type { ImageIndex } from '../spec/image-index.ts';
import { checkContent, contentInfo } from './image-value.ts';
import type { Image } from './image-value.ts';
import { editObject, joinArray, setMembers, splitArray, splitObject } from '../spec/json-edit.ts';
import type { MemberChanges } from '../spec/json-edit.ts';
import { isIndexType, isManifestType, MediaType } from '../spec/media-type.ts';
import { samePlatform } from '../spec/platform.ts';
import type { Platform } from '../spec/platform.ts';
import { chooseManifest } from '../selection/choose-manifest.ts';

/** An image for several platforms as an immutable value: its index is read, the images behind it are not. */
export interface MultiPlatformImage {
  /** Of the index. */
  readonly descriptor: Descriptor;
  readonly index: ImageIndex;
  /** The index's exact bytes. */
  readonly rawIndex: Uint8Array;
  /** Where what the index names is read from. */
  readonly content: ContentSource;
}

/**
 * Makes the value of an index document.
 * @param announced what led to it: type, digest and size are checked
 * @throws OciError `INDEX_INVALID`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED`
 */
export function indexOf(rawIndex: Uint8Array, content: ContentSource, announced?: Descriptor): MultiPlatformImage {
  const index = decodeImageIndex(rawIndex, announced?.mediaType);
  if (announced === undefined) {
    return { descriptor: { mediaType: index.mediaType, ...contentInfo(rawIndex, 'sha256') }, index, rawIndex, content };
  }
  checkContent(rawIndex, announced);
  const { mediaType, digest, size } = announced;
  return { descriptor: { mediaType, digest, size }, index, rawIndex, content };
}

/**
 * The index without images that others are built from; of the OCI type.
 * @example
 *   const index = addImage(addImage(emptyIndex(), amd64), arm64);
 */
export function emptyIndex(): MultiPlatformImage {
  const text = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [] });
  return indexOf(new TextEncoder().encode(text), NO_CONTENT);
}

/** Choices of {@link addImage}. */
export interface AddImageOptions {
  /** What the index says that the image runs on; what its config says unless told. */
  readonly platform?: Platform;
  /** Annotations of the entry. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Adds an image. One for the same platform (with the same version and features of the system) is replaced in its place; other
 * entries keep their very bytes.
 * @example
 *   const index = addImage(await indexFromRegistry(client, reference), await fromLayout('arm64'));
 */
export function addImage(image: MultiPlatformImage, added: Image, options: AddImageOptions = {}): MultiPlatformImage {
  const { mediaType, digest, size } = added.descriptor;
  const { annotations, platform = platformOf(added.config) } = options;
  const entry = { mediaType, digest, size, ...(annotations !== undefined && { annotations }), platform };
  return addEntry(image, entry, withContentOf(added, image.content));
}

/**
 * Adds an entry for a manifest of `content`, an image's or an artifact's. It takes the place of the image for the same
 * platform, as in {@link addImage}, unless told otherwise.
 * @example
 *   const index = addEntry(images, { ...attestation.descriptor, platform, annotations }, contentBehind);
 */
export function addEntry(
  image: MultiPlatformImage,
  entry: Descriptor,
  content: ContentSource,
  { replace = true }: { readonly replace?: boolean } = {},
): MultiPlatformImage {
  const { mediaType, digest, size, annotations, platform, artifactType } = entry;
  const text = JSON.stringify({ mediaType, digest, size, annotations, platform, artifactType });
  const entries = entryTexts(image);
  const same =
    !replace || platform === undefined || isAttestation(entry)
      ? -1
      : image.index.manifests.findIndex((other) => isImageFor(other, platform));
  const manifests = same < 0 ? [...entries, text] : entries.with(same, text);
  return changeIndex(image, { manifests: joinArray(manifests) }, content);
}

/**
 * Takes away the images for a platform (of any version of the system, unless one is told), or the entry of a digest;
 * attestations of what goes, go too.
 * @example
 *   const index = removeImage(all, parsePlatform('linux/s390x'));
 */
export function removeImage(image: MultiPlatformImage, which: Platform | Digest): MultiPlatformImage {
  const gone = new Set<string>();
  for (const entry of image.index.manifests) {
    if (typeof which === 'string' ? entry.digest === which : isAnyImageFor(entry, which)) gone.add(entry.digest);
  }
  const attests = ({ annotations }: Descriptor): boolean => gone.has(annotations?.[ATTESTED] ?? '');
  const kept = entryTexts(image).filter((_, i) => {
    const entry = image.index.manifests[i];
    return entry !== undefined && !gone.has(entry.digest) && !attests(entry);
  });
  return changeIndex(image, { manifests: joinArray(kept) }, image.content);
}

/**
 * Sets annotations of the index; undefined takes one away, others stay.
 * @example
 *   const index = withIndexAnnotations(all, { 'org.opencontainers.image.version': '1.2' });
 */
export function withIndexAnnotations(
  image: MultiPlatformImage,
  annotations: Readonly<Record<string, string | undefined>>,
): MultiPlatformImage {
  const changed = setMembers(splitObject(decode(image.rawIndex)).get('annotations'), annotations);
  return changeIndex(image, { annotations: changed === '{}' ? undefined : changed }, image.content);
}

/**
 * The image that runs best on a platform (see {@link platformFit}). Entries without a platform are looked into.
 * @throws OciError `PLATFORM_INVALID` naming the platforms that there are, and what reading it throws
 * @example
 *   const image = await selectImage(index, parsePlatform('linux/arm64'));
 */
export async function selectImage(image: MultiPlatformImage, platform: Platform, signal?: AbortSignal): Promise<Image> {
  const { content } = image;
  const read = (descriptor: Descriptor): Promise<Uint8Array> =>
    isManifestType(descriptor.mediaType) || isIndexType(descriptor.mediaType)
      ? content.document(descriptor, signal)
      : readSmall(content.blob(descriptor, signal), descriptor);
  return imageFrom(content, await chooseManifest({ read }, image.index, { platform }), signal);
}

/**
 * An index made of images, one for each platform.
 * @example
 *   await toRegistry(client, parseReference('registry.example/app:1'), indexOfImages([amd64, arm64]));
 */
export function indexOfImages(images: readonly Image[]): MultiPlatformImage {
  return images.reduce((index, image) => addImage(index, image), emptyIndex());
}

/** An image for whatever platform it is for, as a source: used where one or several images are taken. */
export function contentBehind(image: Image | MultiPlatformImage | Artifact): ContentSource {
  return 'content' in image ? image.content : contentOf(image);
}

/** The document that names all the rest: an image's manifest, or the index. */
function rootDocument(image: Image | MultiPlatformImage | Artifact): Uint8Array {
  return 'index' in image ? image.rawIndex : image.rawManifest;
}

/** All of an image, an index or an artifact as a source, its own document included. Sources may be instances of classes. */
export function wholeContent(image: Image | MultiPlatformImage | Artifact): ContentSource {
  const source = contentBehind(image);
  const root = rootDocument(image);
  return {
    document: async (descriptor, signal) =>
      descriptor.digest === image.descriptor.digest ? root : source.document(descriptor, signal),
    blob: (descriptor, signal) => source.blob(descriptor, signal),
    origin: (descriptor) => source.origin?.(descriptor),
  };
}

function changeIndex(image: MultiPlatformImage, changes: MemberChanges, content: ContentSource): MultiPlatformImage {
  return indexOf(new TextEncoder().encode(editObject(decode(image.rawIndex), changes)), content);
}

function entryTexts(image: MultiPlatformImage): string[] {
  const text = splitObject(decode(image.rawIndex)).get('manifests') ?? '[]';
  return text.trim() === 'null' ? [] : splitArray(text);
}

function isImageFor(entry: Descriptor, platform: Platform): boolean {
  return entry.platform !== undefined && !isAttestation(entry) && samePlatform(entry.platform, platform);
}

/** As {@link isImageFor}, but of versions and features of the system only those count that are told. */
function isAnyImageFor(entry: Descriptor, platform: Platform): boolean {
  if (entry.platform === undefined) return false;
  const { 'os.version': version, 'os.features': features, ...rest } = entry.platform;
  const compared = {
    ...rest,
    ...(platform['os.version'] !== undefined && version !== undefined && { 'os.version': version }),
    ...(platform['os.features'] !== undefined && features !== undefined && { 'os.features': features }),
  };
  return isImageFor({ ...entry, platform: compared }, platform);
}

/** What an image's config says that it runs on, as an index's entry says it: always in the same order. */
export function platformOf(config: Platform): Platform {
  const { architecture, os, variant } = config;
  const version = config['os.version'];
  const features = config['os.features'];
  return {
    architecture,
    os,
    ...(variant !== undefined && { variant }),
    ...(version !== undefined && { 'os.version': version }),
    ...(features !== undefined && { 'os.features': features }),
  };
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}
