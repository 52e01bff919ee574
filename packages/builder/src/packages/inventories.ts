import type { Digest, Image } from '@tsbuild/oci';
import { rangeReader, readLayerPackages, takeInventory, type InventoryLayer } from '@tsbuild/oci/internal';
import { imagePackages, type Layout, type PackageInventory } from '@tsbuild/oci/node';
import type { BuildRecords } from '../explain/build-records.ts';
import { KeptPackages } from './kept-packages.ts';

/** The parts of a store that packages are found by. */
export interface PackageStore {
  readonly layout: Pick<Layout, 'blobs' | 'indexes'>;
  readonly builds: Pick<BuildRecords, 'get'>;
  directory(role: 'packages'): string;
}

/** Choices of reading the packages of an image. */
export interface ReadPackagesOptions {
  readonly signal?: AbortSignal;
  /** Called before layers are read: brings those into the store that lie in a shared cache. Not called when all is known. */
  readonly bring?: () => Promise<void>;
}

/** The packages of images and of stages, each found out once and kept in the store. */
export class Inventories {
  readonly #store: PackageStore;
  readonly #kept: KeptPackages;

  constructor(store: PackageStore) {
    this.#store = store;
    this.#kept = new KeptPackages(store.directory('packages'));
  }

  /**
   * The packages of layers of the store upon each other, lowest first.
   * @throws OciError `BLOB_NOT_FOUND` when one is not in the store, `BLOB_CORRUPT`, `TAR_INVALID`, `LAYER_INVALID`
   */
  async ofLayers(digests: readonly Digest[], signal?: AbortSignal): Promise<PackageInventory> {
    const kept = this.#kept.inventory(digests);
    if (kept !== undefined) return kept;
    const blobs = new OpenBlobs(this.#store.layout);
    try {
      const layers: InventoryLayer[] = [];
      for (const digest of digests) {
        signal?.throwIfAborted();
        layers.push(await this.#layer(digest, blobs));
      }
      const inventory = await takeInventory(layers);
      this.#kept.keepInventory(digests, inventory);
      return inventory;
    } finally {
      blobs.close();
    }
  }

  /** The packages of any image; what the store has of its layers is not read from elsewhere. @throws OciError as imagePackages() */
  async ofImage(image: Image, { signal, bring }: ReadPackagesOptions = {}): Promise<PackageInventory> {
    const digests = image.layers.map(({ diffID }) => diffID);
    const kept = this.#kept.inventory(digests);
    if (kept !== undefined) return kept;
    await bring?.();
    const { blobs, indexes } = this.#store.layout;
    const stored = await Promise.all(digests.map((digest) => blobs.has(digest)));
    if (stored.every((info) => info !== undefined)) return await this.ofLayers(digests, signal);
    const inventory = await imagePackages(image, {
      ...(signal !== undefined && { signal }),
      blobs,
      indexes,
      known: {
        get: (layer) => this.#kept.layer(layer),
        put: (layer, packages) => this.#kept.keepLayer(layer, packages),
      },
    });
    this.#kept.keepInventory(digests, inventory);
    return inventory;
  }

  async #layer(digest: Digest, blobs: OpenBlobs): Promise<InventoryLayer> {
    const index = await this.#store.layout.indexes.get(digest);
    const open: InventoryLayer['open'] = (place) => rangeReader(blobs.reader(digest), place);
    const kept = this.#kept.layer(digest);
    const packages = kept ?? (await readLayerPackages(index, open));
    if (kept === undefined) this.#kept.keepLayer(digest, packages);
    return { info: { digest }, index, packages, open };
  }
}

type BlobReader = ReturnType<Layout['blobs']['openReader']>;

/** Layers that are being read, each opened once, when something of it is wanted. */
class OpenBlobs {
  readonly #blobs: Layout['blobs'];
  readonly #readers = new Map<Digest, BlobReader>();

  constructor({ blobs }: PackageStore['layout']) {
    this.#blobs = blobs;
  }

  reader(digest: Digest): BlobReader {
    const known = this.#readers.get(digest);
    if (known !== undefined) return known;
    const reader = this.#blobs.openReader(digest);
    this.#readers.set(digest, reader);
    return reader;
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
  }
}
