import { createHash } from 'node:crypto';
import { type ByteString, byteStringToUtf8, utf8ToByteString } from '../spec/byte-string.ts';
import { OciError } from '../spec/oci-error.ts';
import { ImageTree, indexImage, unpackedLayer } from './image-tree.ts';
import type { ReadLayersOptions } from './image-tree.ts';
import type { Image } from './image-value.ts';
import { resolveInRoot } from '../layer/resolve-in-root.ts';
import { RootfsTree } from '../layer/rootfs-tree.ts';
import type { RootfsEntry } from '../layer/rootfs-tree.ts';
import { walkTree } from '../layer/walk-tree.ts';
import { encodeTarHeader, END_OF_ARCHIVE } from '../tar/writer.ts';

const READ_SIZE = 256 * 1024;
const BLOCK_SIZE = 512;

/**
 * The files of an image as one tar, as `docker export` of a fresh container writes it: no whiteouts, every path once, a
 * directory before what is in it, hard links after their file. Times and attributes are those of the layers.
 * @throws OciError `LAYER_INVALID`, `TAR_INVALID`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED` of the layers; `STORE_UNWRITABLE`
 * @example
 *   await pipeline(exportTree(image), createWriteStream('rootfs.tar'));
 */
export function exportTree(image: Image, options: ReadLayersOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
  return exportTrees([{ image, directory: '' }], options);
}

/** An image's files in a tar of several images. */
export interface PlacedImage {
  readonly image: Image;
  /** A name that the files lie below, such as `linux_arm64`; `''` for the archive's root. */
  readonly directory: string;
}

/**
 * The files of several images as one tar, each as {@link exportTree} writes it. What images have at one path is there once,
 * and is the first one's.
 * @throws OciError as {@link exportTree}
 * @example
 *   const trees = [{ image: amd64, directory: 'linux_amd64' }, { image: arm64, directory: 'linux_arm64' }];
 *   await pipeline(exportTrees(trees), createWriteStream('both.tar'));
 */
export async function* exportTrees(
  images: readonly PlacedImage[],
  options: ReadLayersOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const written = images.length > 1 ? new Set<ByteString>() : undefined;
  for (const placed of images) yield* filesOf(placed, written, options);
  yield END_OF_ARCHIVE.slice();
}

async function* filesOf(
  { image, directory }: PlacedImage,
  written: Set<ByteString> | undefined,
  options: ReadLayersOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const below = directory === '' ? '' : `${utf8ToByteString(directory)}/`;
  if (below !== '') yield encodeTarHeader(directoryAt(utf8ToByteString(directory)));
  const tree = await ImageTree.open(image, options);
  try {
    for (const { entry, first } of walkTree(tree.files)) {
      options.signal?.throwIfAborted();
      const path = below + entry.path;
      if (written?.has(path) === true) continue;
      written?.add(path);
      if (first !== undefined) {
        yield encodeTarHeader({ ...entry, path, type: 'hardlink', size: 0, linkPath: below + first });
        continue;
      }
      yield encodeTarHeader(below === '' ? entry : { ...entry, path });
      yield* content(tree, entry);
    }
  } finally {
    tree.close();
  }
}

/** As BuildKit makes one for a platform; at no time, as nobody made it. */
function directoryAt(path: ByteString): Parameters<typeof encodeTarHeader>[0] {
  const none = { linkPath: '', devMajor: 0, devMinor: 0, size: 0, uid: 0, gid: 0 };
  return { ...none, path, type: 'directory', mode: 0o755, mtime: { seconds: 0, nanoseconds: 0 } };
}

/** A file taken out of an image. */
export interface ExtractedFile {
  /** With the path that symlinks led to. */
  readonly entry: RootfsEntry;
  /** Read from its layer when asked for, and checked; may be read any number of times. */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Takes one file out of an image; symlinks are followed inside the image. All layers are read once to know what is where,
 * then its own layer up to it; nothing is written anywhere.
 * @param path UTF-8, with or without the leading slash
 * @throws OciError `PATH_NOT_FOUND` when there is no such file, or something else; as {@link exportTree}
 * @example
 *   const { content } = await extractFile(image, '/etc/os-release');
 *   for await (const chunk of content) process.stdout.write(chunk);
 */
export async function extractFile(image: Image, path: string, options: ReadLayersOptions = {}): Promise<ExtractedFile> {
  const tree = new RootfsTree(await indexImage(image, options));
  const resolution = resolveInRoot(utf8ToByteString(path), (at) => tree.lookup(at));
  const entry = resolution?.exists === true ? tree.lookup(resolution.path) : undefined;
  if (entry?.type !== 'file') {
    const why = entry === undefined ? 'there is no such file in the image' : `it is a ${entry.type}, not a file`;
    const at = resolution === undefined ? 'a loop of symlinks' : `/${byteStringToUtf8(resolution.path)}`;
    throw new OciError('PATH_NOT_FOUND', `cannot extract ${path} (${at}): ${why}`, { fields: { path } });
  }
  const found = entry;
  return { entry: found, content: { [Symbol.asyncIterator]: () => fileContent(image, found, options) } };
}

async function* fileContent(
  image: Image,
  entry: RootfsEntry,
  options: ReadLayersOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const layer = image.layers.find(({ diffID }) => diffID === entry.layer);
  if (layer === undefined) throw new RangeError(`no layer ${entry.layer}`);
  const isStored = (await options.blobs?.has(entry.layer)) !== undefined;
  const source = isStored && options.blobs ? options.blobs.open(entry.layer) : unpackedLayer(layer, options);
  const sha256 = createHash('sha256');
  for await (const part of entry.size > 0 ? partsOf(source, entry) : []) {
    sha256.update(part);
    yield part;
  }
  if (sha256.digest('hex') !== entry.contentSha256) {
    throw new OciError(
      'BLOB_CORRUPT',
      `layer ${entry.layer}: the content of /${byteStringToUtf8(entry.path)} has changed`,
    );
  }
}

/** The content of a file as its layer streams by, the holes of a sparse one filled. */
async function* partsOf(
  source: AsyncIterable<Uint8Array>,
  { offset, size, sparse = [{ position: 0, offset, size }] }: RootfsEntry,
): AsyncGenerator<Uint8Array, void, undefined> {
  const zeros = new Uint8Array(READ_SIZE);
  const hole = function* (from: number, to: number): Generator<Uint8Array, void, undefined> {
    for (let at = from; at < to; at += READ_SIZE) yield zeros.subarray(0, to - at);
  };
  const waiting = sparse.toReversed();
  let done = 0;
  let at = 0;
  for await (const chunk of source) {
    for (let part = waiting.at(-1); part !== undefined && part.offset < at + chunk.length; part = waiting.at(-1)) {
      const end = part.offset + part.size;
      yield* hole(done, part.position);
      const piece = chunk.subarray(Math.max(0, part.offset - at), end - at);
      yield piece;
      done = Math.max(done, part.position) + piece.length;
      if (end > at + chunk.length) break;
      waiting.pop();
    }
    at += chunk.length;
    if (waiting.length === 0) break;
  }
  if (waiting.length === 0) yield* hole(done, size);
}

async function* content(tree: ImageTree, entry: RootfsEntry): AsyncGenerator<Uint8Array, void, undefined> {
  if (entry.type !== 'file' || entry.size === 0) return;
  const file = tree.open(entry);
  for (let left = entry.size; left > 0; ) {
    const chunk = Buffer.allocUnsafe(Math.min(READ_SIZE, left));
    const length = file.read(chunk);
    if (length === 0) throw new OciError('BLOB_CORRUPT', `layer ${entry.layer} ends too early`);
    yield chunk.subarray(0, length);
    left -= length;
  }
  const padding = (BLOCK_SIZE - (entry.size % BLOCK_SIZE)) % BLOCK_SIZE;
  if (padding > 0) yield new Uint8Array(padding);
}
