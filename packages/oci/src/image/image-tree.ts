import type { BlobReader, BlobStore } from '../blob/blob-store.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import type { Image, ImageLayer } from './image-value.ts';
import { decompress } from '../compression/compression.ts';
import type { DecompressOptions } from '../compression/compression.ts';
import { rangeReader } from '../layer/file-reader.ts';
import type { FilePlace, FileReader } from '../layer/file-reader.ts';
import { LayerSpool } from '../layer/layer-spool.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import type { LayerIndexStore } from '../layer/layer-index-store.ts';
import { indexLayer } from '../layer/read-layer.ts';
import type { IndexLayerOptions } from '../layer/read-layer.ts';
import { RootfsTree } from '../layer/rootfs-tree.ts';
import type { RootfsEntry, RootfsLayer } from '../layer/rootfs-tree.ts';

/** Bounds on layers that anyone may have made (each for one layer), and where to look. */
export interface ReadLayersOptions extends DecompressOptions, IndexLayerOptions {
  /** A store that may have layers uncompressed, under their diffIDs; those are not read from the image. */
  readonly blobs?: BlobStore;
  /** The indexes that belong to `blobs`; without them stored layers are read to know what is in them. */
  readonly indexes?: Pick<LayerIndexStore, 'get'>;
  /** Where unpacked layers are kept meanwhile; the system's folder for temporary files unless told. */
  readonly temporaryDirectory?: string;
  readonly signal?: AbortSignal;
}

/**
 * The files of an image: the merged view of its layers, and their content. Every layer is read once, from the lowest up,
 * checked against its diffID, and kept unpacked until the tree is closed.
 */
export class ImageTree implements AsyncDisposable {
  /** Lowest first. */
  readonly layers: readonly RootfsLayer[];
  readonly files: RootfsTree;
  readonly #spool: LayerSpool;
  readonly #blobs: BlobStore | undefined;
  readonly #readers = new Map<Digest, BlobReader>();

  private constructor(layers: readonly RootfsLayer[], spool: LayerSpool, blobs: BlobStore | undefined) {
    this.layers = layers;
    this.files = new RootfsTree(layers);
    this.#spool = spool;
    this.#blobs = blobs;
  }

  /** @throws OciError `BLOB_CORRUPT`, `TAR_INVALID`, `LAYER_INVALID`, `LIMIT_EXCEEDED`, `UNSUPPORTED`, `STORE_UNWRITABLE` */
  static async open(image: Image, options: ReadLayersOptions = {}): Promise<ImageTree> {
    const spool = new LayerSpool(options.temporaryDirectory);
    try {
      const layers = await readLayers(image, options, (source, { diffID }) => spool.keeping(source, diffID));
      return new ImageTree(layers, spool, options.blobs);
    } catch (error) {
      spool.close();
      throw error;
    }
  }

  /** The content of a file of {@link ImageTree.files}. */
  open(entry: FilePlace & Pick<RootfsEntry, 'layer'>): FileReader {
    return rangeReader(this.#reader(entry.layer), entry);
  }

  /** Lets go of the unpacked layers. */
  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
    this.#spool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #reader(layer: Digest): BlobReader {
    const known = this.#readers.get(layer);
    if (known !== undefined) return known;
    const reader = this.#spool.has(layer) ? this.#spool.reader(layer) : this.#blobs?.openReader(layer);
    if (reader === undefined) throw new RangeError(`no layer ${layer}`);
    this.#readers.set(layer, reader);
    return reader;
  }
}

/**
 * The indexes of an image's layers, lowest first; nothing is kept of their content.
 * @throws OciError as {@link ImageTree.open}
 */
export function indexImage(image: Image, options: ReadLayersOptions = {}): Promise<readonly RootfsLayer[]> {
  return readLayers(image, options, (source) => source);
}

/** The uncompressed bytes of a layer. @throws OciError `LIMIT_EXCEEDED`, `LAYER_INVALID`, `UNSUPPORTED`, `BLOB_CORRUPT` */
export function unpackedLayer(layer: ImageLayer, options: ReadLayersOptions = {}): AsyncIterable<Uint8Array> {
  return decompress(layer.open(options.signal), options);
}

async function readLayers(
  image: Image,
  options: ReadLayersOptions,
  through: (source: AsyncIterable<Uint8Array>, layer: ImageLayer) => AsyncIterable<Uint8Array>,
): Promise<readonly RootfsLayer[]> {
  const known = new Map<Digest, RootfsLayer>();
  for (const layer of image.layers) {
    const { diffID } = layer;
    if (known.has(diffID)) continue;
    options.signal?.throwIfAborted();
    known.set(diffID, { info: { digest: diffID }, index: await readLayer(layer, options, through) });
  }
  return image.layers.map(({ diffID }) => known.get(diffID)).filter((layer) => layer !== undefined);
}

async function readLayer(
  layer: ImageLayer,
  options: ReadLayersOptions,
  through: (source: AsyncIterable<Uint8Array>, layer: ImageLayer) => AsyncIterable<Uint8Array>,
): Promise<LayerIndex> {
  const { diffID, descriptor } = layer;
  const { blobs, indexes } = options;
  const isStored = blobs !== undefined && (await blobs.has(diffID)) !== undefined;
  if (isStored && indexes !== undefined) return indexes.get(diffID);
  const source = isStored ? blobs.open(diffID) : through(unpackedLayer(layer, options), layer);
  const { index, diffID: actual } = await indexLayer(source, options);
  if (diffID.startsWith('sha256:') && actual !== diffID) {
    throw new OciError(
      'BLOB_CORRUPT',
      `layer ${descriptor.digest}: its uncompressed digest is ${actual}, but the config's diffID is ${diffID}`,
      { fields: { digest: descriptor.digest } },
    );
  }
  return index;
}
