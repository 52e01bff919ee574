import type { BlobInfo, BlobStore } from './blob/blob-store.ts';
import { notFound } from './blob/verify.ts';
import type { Digest } from './digest.ts';
import type { Image } from './image-value.ts';
import type { ArchiveSink } from './layout/archive-sink.ts';
import { writeArchive, writeArchiveFile } from './layout/write-archive.ts';
import type { Reference } from './reference.ts';

/** An image and the names it is to have in an archive. */
export interface NamedImage {
  readonly image: Image;
  readonly names?: readonly Reference[];
}

/**
 * Writes images as one archive that is an OCI layout and a docker-archive at once, so that every engine loads it. Manifests
 * and layers go in exactly as they are.
 * @param target a path (the file appears whole or not at all), or a sink
 * @throws OciError `STORE_UNWRITABLE`, and of whatever the images are read from
 */
export async function toArchive(images: readonly NamedImage[], target: string | ArchiveSink): Promise<void> {
  const listed = images.map(({ image, names = [] }) => ({
    id: image.manifest.config.digest,
    manifest: image.descriptor,
    layers: image.layers.map(({ descriptor }) => descriptor),
    names,
  }));
  const blobs = blobsOf(images.map(({ image }) => image));
  if (typeof target === 'string') await writeArchiveFile(listed, blobs, target);
  else await writeArchive(listed, blobs, target);
}

/** The content of images as a store that can only be read, and only from start to end. */
function blobsOf(images: readonly Image[]): BlobStore {
  const blobs = new Map<Digest, { readonly info: BlobInfo; readonly open: () => AsyncIterable<Uint8Array> }>();
  const add = (info: BlobInfo, open: () => AsyncIterable<Uint8Array>): void =>
    void blobs.set(info.digest, { info, open });
  for (const image of images) {
    add(image.descriptor, () => once(image.rawManifest));
    add(image.manifest.config, () => once(image.rawConfig));
    for (const layer of image.layers) add(layer.descriptor, () => layer.open());
  }
  const refuse = async (): Promise<never> => {
    throw new Error('this store can only be read');
  };
  return {
    has: async (digest) => {
      const info = blobs.get(digest)?.info;
      return info && { digest, size: info.size };
    },
    open: (digest) => {
      const blob = blobs.get(digest);
      if (blob === undefined) throw notFound(digest);
      return blob.open();
    },
    async *list() {
      for (const { info } of blobs.values()) yield info;
    },
    openReader: () => {
      throw new Error('this store can only be read from start to end');
    },
    put: refuse,
    create: refuse,
    delete: refuse,
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes.slice();
}
