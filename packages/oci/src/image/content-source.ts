import type { BlobStore } from '../blob/blob-store.ts';
import { readBlob } from '../blob/read-blob.ts';
import { notFound } from '../blob/verify.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { checkContent, imageOf } from './image-value.ts';
import type { ContentOrigin, Image } from './image-value.ts';
import { DOCUMENT_SIZE_LIMIT } from '../spec/json-document.ts';
import { decodeManifest } from '../spec/manifest.ts';

/** Where the content behind descriptors is read from: a layout, an archive, a registry, an image at hand. */
export interface ContentSource {
  /** The bytes of a manifest or index, verified. @throws OciError `BLOB_NOT_FOUND`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED` */
  document(descriptor: Descriptor, signal?: AbortSignal): Promise<Uint8Array>;
  /** The bytes of a config or layer, verified while they are read; nothing is read before. */
  blob(descriptor: Descriptor, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** The repository that has a blob, when there is one. */
  origin?(descriptor: Descriptor): ContentOrigin | undefined;
}

/**
 * Reads the image that a manifest's descriptor names; its layers are read when they are opened.
 * @throws OciError of the source, and of {@link imageOf}
 */
export async function imageFrom(source: ContentSource, descriptor: Descriptor, signal?: AbortSignal): Promise<Image> {
  const rawManifest = await source.document(descriptor, signal);
  const { config } = decodeManifest(rawManifest, descriptor.mediaType);
  const rawConfig = await readSmall(source.blob(config, signal), config);
  const origin = source.origin?.(config);
  return imageOf({
    rawManifest,
    rawConfig,
    descriptor,
    openLayer: (layer, layerSignal) => source.blob(layer, layerSignal),
    verifies: true,
    ...(origin !== undefined && { origin }),
  });
}

/**
 * The image of a manifest in a blob store. @throws OciError of the store and the decoders
 * @example
 *   const image = await fromBlobs(blobs, { mediaType: MediaType.ociManifest, digest, size });
 */
export function fromBlobs(blobs: BlobStore, manifest: Descriptor): Promise<Image> {
  return imageFrom(blobContent(blobs), manifest);
}

/** A blob store as a source. */
export function blobContent(blobs: BlobStore): ContentSource {
  return {
    document: (descriptor) => readBlob(blobs, descriptor),
    blob: (descriptor) => sized(blobs, descriptor),
  };
}

/** The content of an image at hand as a source. */
export function contentOf(image: Image): ContentSource {
  const layers = new Map(image.layers.map((layer) => [layer.descriptor.digest, layer]));
  const config = image.manifest.config.digest;
  return {
    document: async ({ digest }) => {
      if (digest === image.descriptor.digest) return image.rawManifest;
      throw notFound(digest);
    },
    blob: ({ digest }, signal) => {
      if (digest === config) return once(image.rawConfig);
      const layer = layers.get(digest);
      if (layer === undefined) throw notFound(digest);
      return layer.open(signal);
    },
    origin: ({ digest }) => layers.get(digest)?.origin,
  };
}

/** A source that has an image beside what `below` has. */
export function withContentOf(image: Image, below: ContentSource): ContentSource {
  const own = contentOf(image);
  const digests = new Set<Digest>([image.descriptor.digest, image.manifest.config.digest]);
  for (const { descriptor } of image.layers) digests.add(descriptor.digest);
  const sourceOf = ({ digest }: Descriptor): ContentSource => (digests.has(digest) ? own : below);
  return {
    document: (descriptor, signal) => sourceOf(descriptor).document(descriptor, signal),
    blob: (descriptor, signal) => sourceOf(descriptor).blob(descriptor, signal),
    origin: (descriptor) => sourceOf(descriptor).origin?.(descriptor),
  };
}

/** A source that has nothing. */
export const NO_CONTENT: ContentSource = {
  document: async ({ digest }) => {
    throw notFound(digest);
  },
  blob: ({ digest }) => {
    throw notFound(digest);
  },
};

/** Reads a small blob whole and checks it. @throws OciError `LIMIT_EXCEEDED`, `BLOB_CORRUPT` */
export async function readSmall(
  source: AsyncIterable<Uint8Array>,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  limit = DOCUMENT_SIZE_LIMIT,
): Promise<Uint8Array> {
  if (size > limit) {
    throw new OciError('LIMIT_EXCEEDED', `${digest} has ${size} bytes, the limit for a document is ${limit}`);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of source) {
    if (at + chunk.length > size) throw new OciError('BLOB_CORRUPT', `${digest} is longer than ${size} bytes`);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  checkContent(bytes.subarray(0, at), { digest, size });
  return bytes;
}

/** The store checks the digest; that the size is the promised one is checked before anything is read. */
async function* sized(blobs: BlobStore, descriptor: Descriptor): AsyncGenerator<Uint8Array, void, undefined> {
  const info = await blobs.has(descriptor.digest);
  if (info === undefined) throw notFound(descriptor.digest);
  if (info.size !== descriptor.size) {
    throw new OciError('BLOB_CORRUPT', `blob ${info.digest} has ${info.size} bytes instead of ${descriptor.size}`);
  }
  yield* blobs.open(descriptor.digest);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes.slice();
}
