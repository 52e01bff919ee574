import { ImageTree, type ReadLayersOptions } from '../image/image-tree.ts';
import type { Image } from '../image/image-value.ts';
import type { Digest } from '../spec/digest.ts';
import { type PackageInventory, takeInventory } from './image-inventory.ts';
import { type LayerPackages, readLayerPackages } from './layer-packages.ts';
import type { InventoryLayer } from './package-history.ts';

/** Choices of {@link imagePackages}. */
export interface ImagePackagesOptions extends ReadLayersOptions {
  /** What is known of layers, by their diffIDs: it is asked before a layer is read, and told afterwards. */
  readonly known?: {
    get(layer: Digest): LayerPackages | undefined;
    put(layer: Digest, packages: LayerPackages): void;
  };
}

/**
 * The packages of any image: Debian's, Alpine's and rpm's databases, npm, Python, Ruby, Go, Rust, Java, PHP and .NET; each with
 * the layer that it came with. Only files that tell of packages are read, nothing is unpacked but the layers' compression.
 * What could not be read is in `gaps`.
 * @throws OciError `BLOB_CORRUPT`, `TAR_INVALID`, `LAYER_INVALID`, `LIMIT_EXCEEDED`, `UNSUPPORTED`, `STORE_UNWRITABLE`
 * @example
 *   const { packages, gaps } = await imagePackages(await fromRegistry(client, 'alpine:3.20'));
 */
export async function imagePackages(image: Image, options: ImagePackagesOptions = {}): Promise<PackageInventory> {
  const { known } = options;
  await using tree = await ImageTree.open(image, options);
  const layers: InventoryLayer[] = [];
  for (const { info, index } of tree.layers) {
    options.signal?.throwIfAborted();
    const layer = info.digest;
    const open: InventoryLayer['open'] = (place) => tree.open({ ...place, layer });
    const kept = known?.get(layer);
    const packages = kept ?? (await readLayerPackages(index, open));
    if (kept === undefined) known?.put(layer, packages);
    layers.push({ info, index, packages, open });
  }
  return await takeInventory(layers);
}
