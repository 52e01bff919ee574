import { createHash } from 'node:crypto';
import { byteStringToUtf8, utf8ToByteString } from './byte-string.ts';
import { OciError } from './errors.ts';
import { ImageTree, indexImage, unpackedLayer } from './image-tree.ts';
import type { ReadLayersOptions } from './image-tree.ts';
import type { Image } from './image-value.ts';
import { resolveInRoot } from './layer/resolve-in-root.ts';
import { RootfsTree } from './layer/rootfs-tree.ts';
import type { RootfsEntry } from './layer/rootfs-tree.ts';
import { walkTree } from './layer/walk-tree.ts';
import { encodeTarHeader, END_OF_ARCHIVE } from './tar/writer.ts';

const READ_SIZE = 256 * 1024;
const BLOCK_SIZE = 512;

/**
 * The files of an image as one tar, as `docker export` of a fresh container writes it: no whiteouts, every path once, a
 * directory before what is in it, hard links after their file. Times and attributes are those of the layers.
 * @throws OciError `LAYER_INVALID`, `TAR_INVALID`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED` of the layers; `STORE_UNWRITABLE`
 */
export async function* exportTree(
  image: Image,
  options: ReadLayersOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const tree = await ImageTree.open(image, options);
  try {
    for (const { entry, first } of walkTree(tree.files)) {
      options.signal?.throwIfAborted();
      if (first !== undefined) {
        yield encodeTarHeader({ ...entry, type: 'hardlink', size: 0, linkPath: first });
        continue;
      }
      yield encodeTarHeader(entry);
      yield* content(tree, entry);
    }
    yield END_OF_ARCHIVE.slice();
  } finally {
    tree.close();
  }
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
 */
export async function extractFile(image: Image, path: string, options: ReadLayersOptions = {}): Promise<ExtractedFile> {
  const tree = new RootfsTree(await indexImage(image, options));
  const resolution = resolveInRoot(utf8ToByteString(path), (at) => tree.lookup(at));
  const entry = resolution?.exists === true ? tree.lookup(resolution.path) : undefined;
  if (entry?.type !== 'file') {
    const why = entry === undefined ? 'there is no such file in the image' : `it is a ${entry.type}, no file`;
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
  const end = entry.offset + entry.size;
  const sha256 = createHash('sha256');
  let at = 0;
  if (entry.size > 0) {
    for await (const chunk of source) {
      const part = chunk.subarray(Math.max(0, entry.offset - at), Math.max(0, end - at));
      if (part.length > 0) {
        sha256.update(part);
        yield part;
      }
      at += chunk.length;
      if (at >= end) break;
    }
  }
  if (sha256.digest('hex') !== entry.contentSha256) {
    throw new OciError(
      'BLOB_CORRUPT',
      `layer ${entry.layer}: the content of /${byteStringToUtf8(entry.path)} has changed`,
    );
  }
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
