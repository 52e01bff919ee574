import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { nodeHasher } from '../blob/directory-writer.ts';
import { notFound, verified } from '../blob/verify.ts';
import { imageFrom, readSmall } from '../image/content-source.ts';
import type { ContentSource } from '../image/content-source.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { digestAlgorithm } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { hostPlatform } from '../processes/host-platform.ts';
import { assembleImage } from '../image/image.ts';
import { decodeImageConfig } from '../spec/image-config.ts';
import { decodeImageIndex } from '../spec/image-index.ts';
import { indexOf } from '../image/index-building.ts';
import type { MultiPlatformImage } from '../image/index-building.ts';
import { checkContent, imageOf } from '../image/image-value.ts';
import type { Image } from '../image/image-value.ts';
import { decompress, sniffCompression } from '../compression/compression.ts';
import type { Compression, DecompressOptions } from '../compression/compression.ts';
import { archiveInvalid, withinEntry } from './archive-error.ts';
import { openArchive } from './archive-file.ts';
import { imagesOf } from './archive-images.ts';
import type { ArchivedImage } from './archive-images.ts';
import { ArchiveMembers } from './archive-members.ts';
import type { ArchiveMember } from './archive-members.ts';
import { blobName, digestOfName } from './blob-name.ts';
import { entryName } from '../layout/index-entries.ts';
import { isImage, manifestFor } from '../layout/read-image.ts';
import { isIndexType, MediaType } from '../spec/media-type.ts';
import type { Platform } from '../spec/platform.ts';
import { formatReference, parseReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';

/** Choices of {@link fromArchive}. */
export interface FromArchiveOptions extends DecompressOptions {
  /** Which image, by its name; may be left out where there is one. */
  readonly name?: string;
  /** Which image of an index; that of this machine unless told. */
  readonly platform?: Platform;
  /** Where a compressed archive is unpacked while its members are listed; the system's unless told. */
  readonly temporaryDirectory?: string;
}

/**
 * An image of an archive file: an OCI layout in a tar, or the docker-archive of any Docker since 1.10; the whole plain or
 * compressed. Where a file is both, the OCI side counts, because it has the manifest. A docker-archive has none: one is
 * made, of the OCI type; for that, layers are read that are compressed and not named after their digest. Layers are read
 * from the file when they are opened, so it must stay where it is.
 * @throws OciError `ARCHIVE_INVALID`, `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`, `PLATFORM_INVALID`, `UNSUPPORTED`
 * @example
 *   const image = await fromArchive('app.tar', { name: 'app:1' });
 */
export async function fromArchive(path: string, options: FromArchiveOptions = {}): Promise<Image> {
  const file = await openArchive(path, options.temporaryDirectory ?? tmpdir());
  try {
    const members = await ArchiveMembers.index(file);
    const compression = await compressionOf(path);
    const read = (member: ArchiveMember): AsyncIterable<Uint8Array> => readMember(path, compression, member, options);
    const image = members.has('index.json') ? await ociImage(members, read, options) : undefined;
    if (image !== undefined) return image;
    const wanted = { platform: options.platform ?? hostPlatform(), all: false };
    const images = await imagesOf(members, wanted);
    return await dockerImage(
      members,
      read,
      chosen(images, ({ names }) => names, options.name, path),
    );
  } finally {
    await file.close();
  }
}

/**
 * An index of an archive file: an OCI layout in a tar, plain or compressed. What it names is read from the file when it is
 * asked for, so that must stay where it is.
 * @throws OciError `ARCHIVE_INVALID`, `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`; `INDEX_INVALID` when the name means an image for
 * one platform
 * @example
 *   const index = await indexFromArchive('app.tar', { name: 'app:1' });
 *   await toRegistry(client, parseReference('registry.example/app:1'), index);
 */
export async function indexFromArchive(
  path: string,
  options: Omit<FromArchiveOptions, 'platform'> = {},
): Promise<MultiPlatformImage> {
  const file = await openArchive(path, options.temporaryDirectory ?? tmpdir());
  try {
    const members = await ArchiveMembers.index(file);
    const compression = await compressionOf(path);
    const read = (member: ArchiveMember): AsyncIterable<Uint8Array> => readMember(path, compression, member, options);
    // The file that the members were listed in is closed when documents are asked for.
    const content = archiveContent(members, read, (descriptor) =>
      readSmall(read(members.get(blobName(descriptor.digest))), descriptor),
    );
    const entries = members.has('index.json') ? await ociEntries(members, content) : [];
    const entry = chosen(distinctEntries(entries, options.name), namesOfEntry, options.name, members.name);
    if (!isIndexType(entry.mediaType)) {
      throw new OciError('INDEX_INVALID', `${options.name ?? entry.digest} is an image for one platform, not an index`);
    }
    return indexOf(await content.document(entry), content, entry);
  } finally {
    await file.close();
  }
}

type ReadMember = (member: ArchiveMember) => AsyncIterable<Uint8Array>;

/** Undefined where the layout names no image but a docker-archive does: so Docker 25 and later save what has no tag. */
async function ociImage(
  members: ArchiveMembers,
  read: ReadMember,
  options: FromArchiveOptions,
): Promise<Image | undefined> {
  const content = archiveContent(members, read);
  const documents = {
    has: async (digest: Digest) => members.has(blobName(digest)),
    read: (descriptor: Descriptor) => content.document(descriptor),
  };
  const manifests = await ociEntries(members, content);
  if (manifests.length === 0 && members.has('manifest.json')) return undefined;
  const entry = chosen(distinctEntries(manifests, options.name), namesOfEntry, options.name, members.name);
  const manifest = await manifestFor(documents, entry, options.platform ?? hostPlatform());
  return withinEntry(blobName(manifest.digest), () => imageFrom(content, manifest));
}

/** The entries of the layout that are no artifacts. */
async function ociEntries(members: ArchiveMembers, content: ContentSource): Promise<readonly Descriptor[]> {
  const text = await members.document('index.json');
  const { manifests } = await withinEntry('index.json', () => decodeImageIndex(text));
  const images: Descriptor[] = [];
  for (const entry of manifests) {
    const read = (descriptor: Descriptor): Promise<Uint8Array> => content.document(descriptor);
    if (isIndexType(entry.mediaType) || (await isImage({ read }, entry))) images.push(entry);
  }
  return images;
}

/** Without a name an image counts once, whatever names it has. */
function distinctEntries(entries: readonly Descriptor[], name: string | undefined): readonly Descriptor[] {
  if (name !== undefined) return entries;
  return entries.filter((entry, i) => entries.findIndex(({ digest }) => digest === entry.digest) === i);
}

function namesOfEntry(entry: Descriptor): readonly Reference[] {
  const name = entryName(entry);
  return name === undefined ? [] : [name];
}

function archiveContent(
  members: ArchiveMembers,
  read: ReadMember,
  document = (descriptor: Descriptor): Promise<Uint8Array> => members.document(blobName(descriptor.digest)),
): ContentSource {
  return {
    document: async (descriptor) => {
      const bytes = await document(descriptor);
      await withinEntry(blobName(descriptor.digest), () => checkContent(bytes, descriptor));
      return bytes;
    },
    blob: (descriptor) => {
      const source = read(members.get(blobName(descriptor.digest)));
      return verified(source, descriptor, nodeHasher(digestAlgorithm(descriptor.digest)));
    },
  };
}

async function dockerImage(members: ArchiveMembers, read: ReadMember, archived: ArchivedImage): Promise<Image> {
  const { config, configName, layerNames } = archived;
  const { diff_ids: diffIds } = (await withinEntry(configName, () => decodeImageConfig(config))).rootfs;
  if (diffIds.length !== layerNames.length) {
    throw archiveInvalid(configName, `it lists ${diffIds.length} layers, but the archive has ${layerNames.length}`);
  }
  const found = new Map<Digest, ArchiveMember>();
  const layers: Descriptor[] = [];
  for (const [i, diffId] of diffIds.entries()) {
    const member = members.get(layerNames[i] ?? '');
    const layer = await describeLayer(members, member, diffId);
    found.set(layer.digest, member);
    layers.push(layer);
  }
  const { manifest: rawManifest } = assembleImage({ config, layers });
  return imageOf({
    rawManifest,
    rawConfig: config,
    verifies: true,
    openLayer: (layer) => {
      const member = found.get(layer.digest);
      if (member === undefined) throw notFound(layer.digest);
      return verified(read(member), layer, nodeHasher(digestAlgorithm(layer.digest)));
    },
  });
}

async function describeLayer(members: ArchiveMembers, member: ArchiveMember, diffId: Digest): Promise<Descriptor> {
  const compression = await firstBytes(members.read({ ...member, size: Math.min(6, member.size) }));
  const mediaType = LAYER_TYPES[compression];
  if (mediaType === undefined) {
    throw new OciError('UNSUPPORTED', `${member.name}: ${compression} compression is not allowed in an image`);
  }
  if (compression === 'none') return { mediaType, digest: diffId, size: member.size };
  const digest = digestOfName(member.name) ?? (await digestOf(members.read(member)));
  return { mediaType, digest, size: member.size };
}

const LAYER_TYPES: Readonly<Partial<Record<Compression, string>>> = {
  none: MediaType.ociLayer,
  gzip: MediaType.ociLayerGzip,
  zstd: MediaType.ociLayerZstd,
};

async function digestOf(source: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hasher = nodeHasher('sha256');
  for await (const chunk of source) hasher.update(chunk);
  return hasher.digest();
}

async function firstBytes(source: AsyncIterable<Uint8Array>): Promise<Compression> {
  for await (const chunk of source) return sniffCompression(chunk);
  return 'none';
}

/** The image with a name, or the only one. @throws OciError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS` */
function chosen<T>(
  images: readonly T[],
  namesOf: (image: T) => readonly Reference[],
  name: string | undefined,
  path: string,
): T {
  const wanted = name === undefined ? undefined : formatReference(parseReference(name));
  const fitting = images.filter(
    (image) => wanted === undefined || namesOf(image).some((each) => formatReference(each) === wanted),
  );
  const [first] = fitting;
  if (first !== undefined && (fitting.length === 1 || wanted !== undefined)) return first;
  const known = images.flatMap((image) => namesOf(image).map((each) => formatReference(each)));
  throw new OciError(
    fitting.length === 0 ? 'IMAGE_NOT_FOUND' : 'IMAGE_AMBIGUOUS',
    fitting.length === 0
      ? `the archive ${path} has no image ${name ?? ''}; it has ${known.join(', ') || `${images.length} without a name`}`
      : `the archive ${path} has ${images.length} images; choose one: ${known.join(', ')}`,
  );
}

async function compressionOf(path: string): Promise<Compression> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(6), 0, 6, 0);
    return sniffCompression(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** Reads a part of the archive; of a compressed one everything before it must be unpacked again. */
async function* readMember(
  path: string,
  compression: Compression,
  { offset, size }: ArchiveMember,
  options: DecompressOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (size === 0) return;
  const file = await open(path);
  try {
    if (compression === 'none') {
      yield* file.createReadStream({
        start: offset,
        end: offset + size - 1,
        highWaterMark: READ_SIZE,
        autoClose: false,
      });
      return;
    }
    const source = decompress(file.createReadStream({ highWaterMark: READ_SIZE, autoClose: false }), options);
    let at = 0;
    for await (const chunk of source) {
      const part = chunk.subarray(Math.max(0, offset - at), Math.max(0, offset + size - at));
      if (part.length > 0) yield part;
      at += chunk.length;
      if (at >= offset + size) return;
    }
  } finally {
    await file.close();
  }
}

const READ_SIZE = 256 * 1024;
