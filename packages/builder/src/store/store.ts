import { rm } from 'node:fs/promises';
import { type Collected, type LayerIndexStore, Layout, type RegistryReader } from '@tsbuild/oci/node';
import { DirectoryCacheStore } from '../cache/directory-cache-store.ts';
import { type StoreDirectory, storePath } from '../disk/store-paths.ts';
import { BuildRecords } from '../explain/build-records.ts';
import { isLayerOutput, type LayerOutput } from '../ops/rootfs.ts';
import { LayerProvider } from '../source/layer-provider.ts';
import { RemoteRecords } from '../source/remote-records.ts';
import { keptBlobs } from './roots.ts';
import { sweepLitter } from './store-litter.ts';

/**
 * Everything tsbuild keeps, in one directory: an OCI image layout (`oci-layout`, `index.json`, `blobs/`) that any OCI tool
 * can read, and beside it what only the builder needs. Safe to share between processes.
 */
export class Store {
  readonly root: string;
  readonly layout: Layout;
  /** Layer indexes, `indexes/`. */
  readonly indexes: LayerIndexStore;
  /** Cache records, `records/`. */
  readonly records: DirectoryCacheStore<LayerOutput>;
  /** The last builds, `builds/`. */
  readonly builds: BuildRecords;
  /** What is known of images in registries, `remotes/`. */
  readonly remotes: RemoteRecords;

  private constructor(root: string, layout: Layout) {
    this.root = root;
    this.layout = layout;
    this.indexes = layout.indexes;
    this.builds = new BuildRecords(storePath(root, 'builds'));
    this.remotes = new RemoteRecords(storePath(root, 'remotes'));
    this.records = new DirectoryCacheStore<LayerOutput>(
      storePath(root, 'records'),
      isLayerOutput,
      async ({ layer }) => (await layout.blobs.has(layer.digest))?.size === layer.size,
    );
  }

  /**
   * Opens the store at `root`, making it when it is missing. It is closed to other users, unless its owner shares it (a file
   * `shared` in it).
   * @throws OciError `STORE_UNWRITABLE`, `LAYOUT_INVALID`
   */
  static async open(root: string): Promise<Store> {
    return new Store(root, await Layout.open(root, { create: true, private: true }));
  }

  /** A directory of the store, by its role. */
  directory(role: StoreDirectory): string {
    return storePath(this.root, role);
  }

  /** The layers of images, those in registries included: `client` is asked for when one must be fetched. */
  layers(client: () => RegistryReader, signal: AbortSignal): LayerProvider {
    const { indexes, remotes } = this;
    return new LayerProvider({ blobs: this.layout.blobs, indexes, remotes, client, signal });
  }

  /** Deletes blobs that neither an image nor a root (roots.ts) needs, and what killed processes left. */
  async collect(): Promise<Collected> {
    await sweepLitter(this.root);
    // What was found in layers is found again where it is needed.
    await rm(this.directory('checks'), { recursive: true, force: true });
    // Asked only when no build can add anything more.
    return this.layout.collect(() => keptBlobs(this));
  }
}
