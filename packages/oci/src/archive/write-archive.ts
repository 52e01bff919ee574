import type { BlobInfo, BlobStore } from '../blob/blob-store.ts';
import { notFound } from '../blob/verify.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { digestAlgorithm } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import { familiarName, formatReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';
import type { TarEntry } from '../tar/entry.ts';
import { encodeTarHeader, END_OF_ARCHIVE } from '../tar/writer.ts';
import { writeFileWhole, writerOf } from './archive-sink.ts';
import type { ArchiveSink } from './archive-sink.ts';
import { blobName } from './blob-name.ts';
import { bareDescriptor, withImage } from '../layout/index-entries.ts';
import type { IndexEntries } from '../layout/index-entries.ts';
import { encodeIndex, OCI_LAYOUT } from '../layout/layout-files.ts';
import { reachable } from '../layout/read-image.ts';
import { rootOf } from '../layout/stored-image.ts';
import type { StoredImage } from '../layout/stored-image.ts';

/** What an archive needs to know of an image; its blobs are in the blob store. */
export interface ImageToArchive extends Pick<StoredImage, 'id' | 'manifest' | 'layers' | 'names'> {
  /** The index that it was chosen from: all of it that is there goes in. `content` are its blobs; unless told they are looked up. */
  readonly index?: { readonly descriptor: Descriptor; readonly content?: readonly Digest[] };
}

/** Choices of {@link writeArchive}. */
export interface WriteArchiveOptions {
  /** Layers to leave out, because the engine that will load the archive has them. */
  readonly omit?: ReadonlySet<Digest>;
}

/**
 * Writes images as one tar that is an OCI layout and a docker-archive at once, so that every engine loads it: Docker with
 * its classic store goes by `manifest.json`, containerd by `index.json` and its name annotations. The same images give the
 * same bytes; every blob is in it once. Memory does not depend on the images' size.
 * @throws OciError `BLOB_NOT_FOUND` (before anything is written), `BLOB_CORRUPT`, and what the sink throws
 */
export async function writeArchive(
  images: readonly ImageToArchive[],
  blobs: BlobStore,
  sink: ArchiveSink,
  options: WriteArchiveOptions = {},
): Promise<void> {
  const target: Target = { write: writerOf(sink), memory: 'borrow' in sink ? 'lent' : undefined };
  const { write } = target;
  const merged = mergeNames(images);
  const needed = await blobsOf(merged, blobs, options.omit ?? new Set());
  for (const folder of foldersOf(needed)) await write(encodeTarHeader(member(folder, 'directory', 0o755, 0)));
  for (const blob of needed) await writeBlob(blobs, blob, target);
  const documents = {
    'index.json': indexOf(merged),
    'manifest.json': dockerManifest(merged),
    'oci-layout': OCI_LAYOUT,
  };
  for (const [name, text] of Object.entries(documents)) await writeDocument(name, text, write);
  await write(END_OF_ARCHIVE);
}

/**
 * As {@link writeArchive}, to a file that appears whole or not at all.
 * @throws OciError `STORE_UNWRITABLE` naming the path, and as {@link writeArchive}
 */
export async function writeArchiveFile(
  images: readonly ImageToArchive[],
  blobs: BlobStore,
  path: string,
  options: WriteArchiveOptions = {},
): Promise<void> {
  await writeFileWhole(path, (sink) => writeArchive(images, blobs, sink, options));
}

/** The same image named twice (`save app:1 app:2`) is one image with two names. */
function mergeNames(images: readonly ImageToArchive[]): readonly ImageToArchive[] {
  const merged = new Map<Digest, ImageToArchive>();
  for (const image of images) {
    const root = rootOf(image).digest;
    const known = merged.get(root);
    const names = new Map<string, Reference>();
    for (const name of [...(known?.names ?? []), ...image.names]) names.set(formatReference(name), name);
    const sorted = [...names.keys()]
      .toSorted()
      .map((key) => names.get(key))
      .filter((name) => name !== undefined);
    merged.set(root, { ...image, names: sorted });
  }
  return [...merged.values()];
}

/** Every blob of the images, once, by digest. */
async function blobsOf(
  images: readonly ImageToArchive[],
  blobs: BlobStore,
  omit: ReadonlySet<Digest>,
): Promise<readonly BlobInfo[]> {
  const digests = new Set<Digest>();
  for (const { id, manifest, layers, index } of images) {
    for (const digest of [manifest.digest, id]) digests.add(digest);
    const content = index && (index.content ?? (await reachable(blobs, [index.descriptor], { present: true })));
    for (const digest of content ?? []) if (!omit.has(digest)) digests.add(digest);
    for (const { digest } of layers) if (!omit.has(digest)) digests.add(digest);
  }
  const found: BlobInfo[] = [];
  for (const digest of [...digests].toSorted()) {
    const info = await blobs.has(digest);
    if (info === undefined) throw notFound(digest);
    found.push(info);
  }
  return found;
}

function foldersOf(blobs: readonly BlobInfo[]): readonly string[] {
  const algorithms = new Set(blobs.map(({ digest }) => digestAlgorithm(digest)));
  return ['blobs', ...[...algorithms].toSorted().map((algorithm) => `blobs/${algorithm}`)];
}

/** The sink, and what it allows with the memory of the chunks. */
interface Target {
  readonly write: (chunk: Uint8Array) => Promise<void>;
  readonly memory: 'lent' | undefined;
}

/** Each chunk is written while the next one is read and hashed, on another core. */
async function writeBlob(blobs: BlobStore, { digest, size }: BlobInfo, { write, memory }: Target): Promise<void> {
  await write(encodeTarHeader(member(blobName(digest), 'file', 0o444, size)));
  let writing: Promise<void> | undefined;
  try {
    for await (const chunk of blobs.open(digest, undefined, memory)) {
      await writing;
      writing = write(chunk);
      // Its error is met when its turn comes.
      writing.catch(() => undefined);
    }
  } finally {
    // Also when the blob turns out to be corrupt: nothing may be in work when the sink is closed.
    await writing;
  }
  await writePadding(size, write);
}

async function writeDocument(name: string, text: string, write: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await write(encodeTarHeader(member(name, 'file', 0o444, bytes.length)));
  await write(bytes);
  await writePadding(bytes.length, write);
}

async function writePadding(size: number, write: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  if (size % 512 !== 0) await write(new Uint8Array(512 - (size % 512)));
}

/** All times and owners are zero: what an archive says of itself must not depend on who wrote it, or when. */
function member(path: string, type: 'file' | 'directory', mode: number, size: number): TarEntry {
  const mtime = { seconds: 0, nanoseconds: 0 };
  return { path, type, mode, uid: 0, gid: 0, size, mtime, linkPath: '', devMajor: 0, devMinor: 0 };
}

function indexOf(images: readonly ImageToArchive[]): string {
  let entries: IndexEntries = [];
  for (const image of images) entries = withImage(entries, bareDescriptor(rootOf(image)), image.names);
  return encodeIndex(entries);
}

/** Docker's own description (moby image/spec v1.2): tags in the form that people write, null when there are none. */
function dockerManifest(images: readonly ImageToArchive[]): string {
  const entries = images.map(({ id, layers, names }) => {
    const tags = names
      .filter(({ tag }) => tag !== undefined)
      .map(({ registry, repository, tag = '' }) => familiarName({ registry, repository, tag }));
    return {
      Config: blobName(id),
      RepoTags: tags.length > 0 ? tags : null,
      Layers: layers.map((layer) => blobName(layer.digest)),
    };
  });
  return JSON.stringify(entries);
}
