import type { BlobInfo, BlobStore } from '../blob/blob-store.ts';
import { notFound } from '../blob/verify.ts';
import { copyContent } from '../image/copy-content.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { hostPlatform } from '../processes/host-platform.ts';
import type { Image } from '../image/image-value.ts';
import { selectImage, wholeContent } from '../image/index-building.ts';
import type { MultiPlatformImage } from '../image/index-building.ts';
import type { ArchiveSink } from './archive-sink.ts';
import { writeArchive, writeArchiveFile } from './write-archive.ts';
import type { ImageToArchive } from './write-archive.ts';
import type { Platform } from '../spec/platform.ts';
import type { Reference } from '../spec/reference.ts';

/** An image, or an index with all its images, and the names it is to have in an archive. */
export interface NamedImage {
  readonly image: Image | MultiPlatformImage;
  readonly names?: readonly Reference[];
}

/** Choices of {@link toArchive}. */
export interface ToArchiveOptions {
  /** Of an index: whose image the engines take that know no indexes; this machine's unless told. */
  readonly platform?: Platform;
  readonly signal?: AbortSignal;
}

/**
 * Writes images as one archive that is an OCI layout and a docker-archive at once, so that every engine loads it. Manifests
 * and layers go in exactly as they are. Of an index all images go in, with what attests them; the docker-archive names one.
 * @param target a path (the file appears whole or not at all), or a sink
 * @throws OciError `STORE_UNWRITABLE`; `PLATFORM_INVALID` for an index without an image for the platform; and of whatever the
 * images are read from
 * @example
 *   await toArchive([{ image: indexOfImages([amd64, arm64]), names: [parseReference('app:1')] }], 'app.tar');
 */
export async function toArchive(
  images: readonly NamedImage[],
  target: string | ArchiveSink,
  options: ToArchiveOptions = {},
): Promise<void> {
  const content = new Map<Digest, Content>();
  const listed: ImageToArchive[] = [];
  for (const { image, names = [] } of images) listed.push(await gather(image, names, content, options));
  const blobs = blobsOf(content);
  if (typeof target === 'string') await writeArchiveFile(listed, blobs, target);
  else await writeArchive(listed, blobs, target);
}

interface Content {
  readonly info: BlobInfo;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** Takes note of everything behind an image; of layers only how they are opened. */
async function gather(
  image: Image | MultiPlatformImage,
  names: readonly Reference[],
  content: Map<Digest, Content>,
  options: ToArchiveOptions,
): Promise<ImageToArchive> {
  const own: Digest[] = [];
  const add = ({ digest, size }: Descriptor, open: Content['open']): void => {
    own.push(digest);
    content.set(digest, { info: { digest, size }, open });
  };
  const source = wholeContent(image);
  const sink: Parameters<typeof copyContent>[2] = {
    // Opened when its turn in the archive comes: not the iterable of this copy, which may be read once.
    blob: async (descriptor) => add(descriptor, () => source.blob(descriptor, options.signal)),
    document: async (descriptor, bytes) => add(descriptor, () => once(bytes)),
  };
  await copyContent(source, image.descriptor, sink, options);
  const one = 'index' in image ? await selectImage(image, options.platform ?? hostPlatform(), options.signal) : image;
  // A copy leaves out layers that may not be distributed; an archive has them.
  for (const layer of one.layers) {
    if (!content.has(layer.descriptor.digest)) add(layer.descriptor, () => layer.open(options.signal));
  }
  return {
    id: one.manifest.config.digest,
    manifest: one.descriptor,
    layers: one.layers.map(({ descriptor }) => descriptor),
    names,
    ...('index' in image && { index: { descriptor: image.descriptor, content: own } }),
  };
}

/** The content of images as a store that can only be read, and only from start to end. */
function blobsOf(content: ReadonlyMap<Digest, Content>): BlobStore {
  const refuse = async (): Promise<never> => {
    throw new Error('this store can only be read');
  };
  return {
    has: async (digest) => content.get(digest)?.info,
    open: (digest) => {
      const blob = content.get(digest);
      if (blob === undefined) throw notFound(digest);
      return blob.open();
    },
    async *list() {
      for (const { info } of content.values()) yield info;
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
