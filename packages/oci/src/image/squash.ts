import type { BlobStore } from '../blob/blob-store.ts';
import { changeImage, historyText, historyTexts } from './change-image.ts';
import type { HistoryEntry } from '../spec/image-config.ts';
import { ImageTree } from './image-tree.ts';
import type { ReadLayersOptions } from './image-tree.ts';
import type { Image, ImageLayer } from './image-value.ts';
import { editObject } from '../spec/json-edit.ts';
import { compressLayer } from '../compression/compress.ts';
import { RootfsTree } from '../layer/rootfs-tree.ts';
import { compareTrees, filesOf, NO_FILES } from '../layer/tree-comparison.ts';
import { layerDifference, writeDifference } from '../layer/write-difference.ts';
import { LayerWriter } from '../layer/write.ts';
import { LayerSpool } from '../layer/layer-spool.ts';
import { familyOf, layerInFamily } from './media-type-family.ts';
import type { LayerCompression } from '../spec/media-type.ts';

/** Choices of {@link squash} and {@link flatten}. */
export interface SquashOptions extends ReadLayersOptions {
  /** How the new layer is packed; gzip unless told. */
  readonly compression?: LayerCompression;
  /** The time of the new step and of the image, RFC 3339; the image's own time unless told. */
  readonly created?: string;
}

/**
 * Makes one layer of the layers from `from` up (0 is the lowest). It holds what they change together, so files that come
 * and go among them are gone; what they remove of lower layers is removed still. The steps of the history stay, without
 * layers, and one for the new layer follows. The same files give the same layer, whatever layers they came in.
 * @param blobs where the new layer is stored
 * @throws OciError `LAYER_INVALID`, `TAR_INVALID`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED` of the layers; `STORE_UNWRITABLE`
 * @example
 *   const image = await squash(app, blobs, { from: base.layers.length }); // one layer above the base
 */
export async function squash(image: Image, blobs: BlobStore, options: SquashOptions & { readonly from?: number } = {}) {
  const from = options.from ?? 0;
  if (!Number.isInteger(from) || from < 0 || from > image.layers.length) {
    throw new RangeError(`squash: there is no layer ${from}`);
  }
  const merged = image.layers.length - from;
  if (merged === 0) return image;
  const layer = await mergedLayer(image, from, blobs, options);
  const { below, above } = splitHistory(image, from);
  const step = historyText(stepOf(image, `squashed ${merged} layers`, options));
  return replaceLayers(image, [...image.layers.slice(0, from), layer], options, [
    ...below,
    ...above.map((text) => editObject(text, { empty_layer: 'true' })),
    step,
  ]);
}

/**
 * Makes one layer of all layers: exactly the files that a container of the image would start with. The history is one step
 * then; pass `created`, or the time of the image stays.
 * @throws OciError as {@link squash}
 * @example
 *   const image = await flatten(app, blobs, { created: '2024-01-02T03:04:05Z' });
 */
export async function flatten(image: Image, blobs: BlobStore, options: SquashOptions = {}): Promise<Image> {
  const layer = await mergedLayer(image, 0, blobs, options);
  const step = historyText(stepOf(image, `flattened ${image.layers.length} layers`, options));
  return replaceLayers(image, [layer], options, [step]);
}

function replaceLayers(
  image: Image,
  layers: readonly ImageLayer[],
  { created }: SquashOptions,
  history: readonly string[],
): Image {
  return changeImage(image, {
    layers,
    history,
    ...(created !== undefined && { config: { created: JSON.stringify(created) } }),
  });
}

async function mergedLayer(image: Image, from: number, blobs: BlobStore, options: SquashOptions): Promise<ImageLayer> {
  const tree = await ImageTree.open(image, options);
  const spool = new LayerSpool(options.temporaryDirectory);
  try {
    const lower = from === 0 ? NO_FILES : filesOf(new RootfsTree(tree.layers.slice(0, from)));
    const difference = layerDifference(await compareTrees(lower, filesOf(tree.files), options));
    const writer = new LayerWriter(spool.create());
    const hasRoot = tree.layers.slice(from).some(({ index }) => index.root !== undefined);
    const root = hasRoot ? tree.files.lookup('') : undefined;
    if (root !== undefined) writer.add(root);
    await writeDifference(difference, writer, (entry) => tree.open(entry), options);
    const { digest } = await writer.finish();
    const sink = await blobs.create();
    const { descriptor, diffID } = await compressLayer(spool.stream(digest), options.compression ?? 'gzip', sink);
    const layer = { descriptor, diffID, open: () => blobs.open(descriptor.digest) };
    return layerInFamily(layer, familyOf(image.manifest.mediaType));
  } finally {
    spool.close();
    tree.close();
  }
}

/** The steps up to the layers that stay, and the rest. */
function splitHistory(image: Image, layers: number): { readonly below: string[]; readonly above: string[] } {
  const steps = historyTexts(image);
  let filled = 0;
  const at = steps.findIndex((text) => {
    if ((JSON.parse(text) as HistoryEntry).empty_layer !== true) filled++;
    return filled > layers;
  });
  return at < 0 ? { below: [...steps], above: [] } : { below: steps.slice(0, at), above: steps.slice(at) };
}

function stepOf(image: Image, comment: string, options: SquashOptions): HistoryEntry {
  const created = options.created ?? image.config.created;
  return { ...(created !== undefined && { created }), comment };
}
