import type { Artifact } from '../image/artifact.ts';
import { imageFrom } from '../image/content-source.ts';
import type { ContentSource } from '../image/content-source.ts';
import { copyContent } from '../image/copy-content.ts';
import type { ContentSink, CopyOptions } from '../image/copy-content.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { OciError } from '../spec/oci-error.ts';
import { hostPlatform } from '../processes/host-platform.ts';
import { checkContent } from '../image/image-value.ts';
import type { Image } from '../image/image-value.ts';
import { indexOf, selectImage, wholeContent } from '../image/index-building.ts';
import type { MultiPlatformImage } from '../image/index-building.ts';
import { isIndexType } from '../spec/media-type.ts';
import type { Platform } from '../spec/platform.ts';
import { formatReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';
import type { RegistryClient } from './client.ts';

/** What reading images needs of a client. */
export type RegistryReader = Pick<RegistryClient, 'manifest' | 'blob'>;
/** What writing images needs of a client. */
export type RegistryWriter = Pick<RegistryClient, 'pushBlob' | 'pushManifest'>;

/** Choices of {@link fromRegistry}. */
export interface FromRegistryOptions {
  /** Which image of an index to take; that of this machine unless told. */
  readonly platform?: Platform;
  readonly signal?: AbortSignal;
}

/**
 * The image that a reference names in a registry. Manifest and config are fetched, layers when they are opened.
 * @throws OciError `PLATFORM_INVALID` naming the platforms that there are; of the client and the decoders
 * @example
 *   const image = await fromRegistry(client, parseReference('alpine:3.22'), { platform: parsePlatform('linux/arm64') });
 */
export async function fromRegistry(
  client: RegistryReader,
  reference: Reference,
  options: FromRegistryOptions = {},
): Promise<Image> {
  const { descriptor, bytes } = await client.manifest(reference, options.signal);
  const content = withDocument(registryContent(client, reference), descriptor, bytes);
  if (!isIndexType(descriptor.mediaType)) return imageFrom(content, descriptor, options.signal);
  return selectImage(indexOf(bytes, content, descriptor), options.platform ?? hostPlatform(), options.signal);
}

/**
 * The index that a reference names in a registry; only that document is fetched.
 * @throws OciError `INDEX_INVALID` when it names an image for one platform; of the client
 * @example
 *   const index = await indexFromRegistry(client, parseReference('alpine:3.22'));
 *   for (const { platform } of index.index.manifests) console.log(platform && formatPlatform(platform));
 */
export async function indexFromRegistry(
  client: RegistryReader,
  reference: Reference,
  signal?: AbortSignal,
): Promise<MultiPlatformImage> {
  const { descriptor, bytes } = await client.manifest(reference, signal);
  if (!isIndexType(descriptor.mediaType)) {
    throw new OciError('INDEX_INVALID', `${formatReference(reference)} is an image for one platform, not an index`, {
      fields: { reference: formatReference(reference), mediaType: descriptor.mediaType },
    });
  }
  return indexOf(bytes, registryContent(client, reference), descriptor);
}

/** A repository of a registry as a source. */
export function registryContent(client: RegistryReader, { registry, repository }: Reference): ContentSource {
  return {
    document: async (descriptor, signal) => {
      const { bytes } = await client.manifest({ registry, repository, digest: descriptor.digest }, signal);
      checkContent(bytes, descriptor);
      return bytes;
    },
    blob: (descriptor, signal) => client.blob({ registry, repository, digest: descriptor.digest }, descriptor, signal),
    origin: () => ({ registry, repository }),
  };
}

/** Choices of {@link toRegistry}. */
export interface ToRegistryOptions extends CopyOptions {
  /** Larger blobs are sent in pieces of this many bytes; `Infinity` for one piece always. 8 MiB unless told. */
  readonly chunkBytes?: number;
}

/**
 * Puts an image, an index with all its images, or an artifact into a registry under `reference`. Blobs that the repository has are not
 * sent, blobs that another repository of the registry has are mounted; the name moves when everything is there.
 * @returns the descriptor of the manifest or index
 * @throws OciError of the client and of whatever the image is read from; `REFERENCE_INVALID` for another image's digest
 * @example
 *   await toRegistry(client, parseReference('registry.example/app:1'), withLabels(image, { team: 'web' }));
 */
export async function toRegistry(
  client: RegistryWriter,
  reference: Reference,
  image: Image | MultiPlatformImage | Artifact,
  options: ToRegistryOptions = {},
): Promise<Descriptor> {
  const root = image.descriptor;
  if (reference.digest !== undefined && reference.digest !== root.digest) {
    const name = formatReference(reference);
    throw new OciError('REFERENCE_INVALID', `cannot push to ${name}: the image's digest is ${root.digest}`);
  }
  await copyContent(wholeContent(image), root, registrySink(client, reference, options), options);
  return root;
}

/**
 * A repository of a registry as a sink: blobs that it has are not sent, blobs of other repositories of the registry are
 * mounted. The document that was asked for gets the tag of `reference`, or none; all others are stored by their digests.
 */
export function registrySink(
  client: RegistryWriter,
  reference: Reference,
  options: Pick<ToRegistryOptions, 'chunkBytes' | 'signal'> = {},
): ContentSink {
  const { registry, repository, tag } = reference;
  const { signal, chunkBytes } = options;
  return {
    blob: async (blob, open, origin) => {
      const mount = origin?.registry === registry && origin.repository !== repository;
      await client.pushBlob({ registry, repository, digest: blob.digest }, blob, open, {
        ...(mount && { mountFrom: origin.repository }),
        ...(signal !== undefined && { signal }),
        ...(chunkBytes !== undefined && { chunkBytes }),
      });
    },
    document: (descriptor, bytes, isRoot) => {
      const { digest } = descriptor;
      const name = isRoot && tag !== undefined ? reference : { registry, repository, digest };
      return client.pushManifest(name, descriptor, bytes, signal);
    },
  };
}

/** The source with one document at hand, so that it is not asked for again. */
function withDocument(source: ContentSource, known: Descriptor, bytes: Uint8Array): ContentSource {
  return {
    document: async (descriptor, signal) =>
      descriptor.digest === known.digest ? bytes : source.document(descriptor, signal),
    blob: (descriptor, signal) => source.blob(descriptor, signal),
    origin: (descriptor) => source.origin?.(descriptor),
  };
}
