import { artifactFrom } from '../image/artifact.ts';
import type { Artifact } from '../image/artifact.ts';
import { imageFrom } from '../image/content-source.ts';
import type { ContentSource } from '../image/content-source.ts';
import type { Image } from '../image/image-value.ts';
import { indexOf } from '../image/index-building.ts';
import type { MultiPlatformImage } from '../image/index-building.ts';
import { entryName } from '../layout/index-entries.ts';
import { openLayoutEntries, subjectsOf } from '../layout/layout-image.ts';
import type { RegistryClient } from '../registry/client.ts';
import { registryContent } from '../registry/remote-image.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { isIndexType } from '../spec/media-type.ts';
import { OciError } from '../spec/oci-error.ts';
import type { Reference } from '../spec/reference.ts';

/** An image or index as it lies in a registry or a layout, with what refers to it there. */
export interface ImageInPlace {
  readonly root: Descriptor;
  /** The manifest or index itself. */
  readonly bytes: Uint8Array;
  readonly content: ContentSource;
  /** The names that it has there. */
  readonly names: readonly Reference[];
  referrers(subject: Digest, signal?: AbortSignal): Promise<readonly Descriptor[]>;
}

/** @throws OciError of the client */
export async function openInRegistry(
  client: RegistryClient,
  reference: Reference,
  signal?: AbortSignal,
): Promise<ImageInPlace> {
  const { descriptor: root, bytes } = await client.manifest(reference, signal);
  const { registry, repository } = reference;
  return {
    root,
    bytes,
    content: registryContent(client, reference),
    names: [reference],
    referrers: (digest, listing) => client.referrers({ registry, repository, digest }, undefined, listing),
  };
}

/**
 * A layout lists signatures and SBOMs in its `index.json` beside the images, as ORAS writes them.
 * @throws OciError as `fromLayout`
 */
export async function openInLayout(path: string, image: string | undefined): Promise<ImageInPlace> {
  const { content, entry, entries } = await openLayoutEntries(path, image, { withoutSubject: true });
  const bytes = await content.document(entry);
  const { mediaType, digest, size } = entry;
  const name = entryName(entry);
  const subjects = await subjectsOf(content, entries);
  return {
    root: { mediaType, digest, size },
    bytes,
    content,
    names: name === undefined ? [] : [name],
    referrers: async (subject) => entries.filter((each) => subjects.get(each.digest) === subject),
  };
}

/** What a document is: an index, an image, or an artifact. @throws OciError of the decoders and the source */
export async function valueOf(
  content: ContentSource,
  { mediaType, digest, size }: Descriptor,
  signal?: AbortSignal,
): Promise<Image | MultiPlatformImage | Artifact> {
  const descriptor = { mediaType, digest, size };
  if (isIndexType(mediaType)) return indexOf(await content.document(descriptor, signal), content, descriptor);
  try {
    return await imageFrom(content, descriptor, signal);
  } catch (error) {
    if (!(error instanceof OciError) || error.code !== 'NOT_AN_IMAGE') throw error;
    return await artifactFrom(content, descriptor, signal);
  }
}
