import {
  type Descriptor,
  type Digest,
  encodeTarHeader,
  END_OF_ARCHIVE,
  isDigest,
  MediaType,
  readTar,
  sha256Digest,
} from '@tsbuild/oci';
import { decompress, gzipLayer, LayerIndex } from '@tsbuild/oci/node';
import { once, readBytes } from '../bytes.ts';
import type { Sidecar } from './shared-record.ts';

/** Bytes that a sidecar may unpack to: the index of a layer of a million files has some 150 MB. */
const UNPACKED_LIMIT = 256 * 1024 * 1024;

const INDEX_NAME = '.tsbuild/index';
const INDEX = /^\.tsbuild\/index-([0-9a-f]{64})$/;
const LISTING = /^\.tsbuild\/listing-([0-9a-f]{64})$/;

/**
 * What travels beside a layer, so that COPY and explanations need not fetch it: the layer's index, and the listings of the
 * files that the step read. As a blob it is a layer like any other, which no registry refuses: a gzipped tar of one file each.
 */
export interface SidecarContent {
  readonly index: LayerIndex | undefined;
  /** Texts by their digests, which are the ids of the step's inputs. */
  readonly listings: ReadonlyMap<Digest, string>;
}

/** A packed sidecar. */
export interface PackedSidecar extends Sidecar {
  readonly bytes: Uint8Array;
}

/** Packs a sidecar; the same content gives the same bytes. */
export async function packSidecar({ index, listings }: SidecarContent): Promise<PackedSidecar> {
  const files: [string, Uint8Array][] = index === undefined ? [] : [[INDEX_NAME, index.encode()]];
  for (const [id, text] of [...listings].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    files.push([`.tsbuild/listing-${id.slice('sha256:'.length)}`, Buffer.from(text)]);
  const { tar, bytes, blob } = await packFiles(files);
  const named = index === undefined ? {} : { index: sha256Digest(index.encode()) };
  return { blob, diffID: sha256Digest(tar), bytes, ...named };
}

/** The indexes of many layers in one blob, by their digests, so that one request has them all. */
export type IndexPack = ReadonlyMap<Digest, Uint8Array>;

/** Packs indexes, as many as a reader would take: the first ones. */
export async function packIndexes(indexes: IndexPack): Promise<PackedSidecar> {
  let room = UNPACKED_LIMIT / 4;
  const taken = [...indexes].filter(([, bytes]) => (room -= bytes.length) >= 0);
  const files = taken.map(([digest, bytes]): [string, Uint8Array] => [
    `.tsbuild/index-${digest.slice('sha256:'.length)}`,
    bytes,
  ]);
  const { tar, bytes, blob } = await packFiles(files.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { blob, diffID: sha256Digest(tar), bytes };
}

/** Unpacks somebody's pack; what is not what its name says is left out. @throws OciError when it is no gzipped tar, or too large */
export async function unpackIndexes(bytes: AsyncIterable<Uint8Array>): Promise<IndexPack> {
  const indexes = new Map<Digest, Uint8Array>();
  for await (const { entry, content } of readTar(decompress(bytes, { maxBytes: UNPACKED_LIMIT }))) {
    const digest = `sha256:${INDEX.exec(entry.path)?.[1] ?? ''}`;
    if (entry.type !== 'file' || !isDigest(digest)) continue;
    const file = await readBytes(content);
    if (sha256Digest(file) === digest) indexes.set(digest, file);
  }
  return indexes;
}

async function packFiles(
  files: readonly (readonly [path: string, bytes: Uint8Array])[],
): Promise<{ readonly tar: Uint8Array; readonly bytes: Uint8Array; readonly blob: Descriptor }> {
  const tar = Buffer.concat([...files.flatMap(([path, bytes]) => member(path, bytes)), END_OF_ARCHIVE]);
  const bytes = await readBytes(gzipLayer(once(tar)));
  const blob: Descriptor = { mediaType: MediaType.ociLayerGzip, digest: sha256Digest(bytes), size: bytes.length };
  return { tar, bytes, blob };
}

/**
 * Unpacks somebody's sidecar: an index that is damaged or of another version is left out, and so is a listing that is not
 * what its name says.
 * @throws OciError when it is no gzipped tar, or too large
 */
export async function unpackSidecar(bytes: AsyncIterable<Uint8Array>): Promise<SidecarContent> {
  let index: LayerIndex | undefined;
  const listings = new Map<Digest, string>();
  for await (const { entry, content } of readTar(decompress(bytes, { maxBytes: UNPACKED_LIMIT }))) {
    const listing = LISTING.exec(entry.path)?.[1];
    if (entry.type !== 'file' || (entry.path !== INDEX_NAME && listing === undefined)) continue;
    const file = await readBytes(content);
    const id = `sha256:${listing ?? ''}`;
    if (listing === undefined) index = decodedIndex(file);
    else if (isDigest(id) && sha256Digest(file) === id) listings.set(id, file.toString('utf8'));
  }
  return { index, listings };
}

/** An index, unless it is damaged or of another version. */
export function decodedIndex(bytes: Uint8Array): LayerIndex | undefined {
  try {
    return LayerIndex.decode(bytes);
  } catch {
    return undefined;
  }
}

function member(path: string, bytes: Uint8Array): readonly Uint8Array[] {
  const header = encodeTarHeader({
    path,
    type: 'file',
    linkPath: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: bytes.length,
    mtime: { seconds: 0, nanoseconds: 0 },
    devMajor: 0,
    devMinor: 0,
  });
  return [header, bytes, new Uint8Array((512 - (bytes.length % 512)) % 512)];
}
