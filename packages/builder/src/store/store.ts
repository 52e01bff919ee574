import type { Digest } from '@tsbuild/oci';
import { type Collected, type LayerIndexStore, Layout, type RegistryReader } from '@tsbuild/oci/node';
import { DirectoryCacheStore } from '../cache/directory-cache-store.ts';
import { removeKept } from '../disk/kept-file.ts';
import { type StoreDirectory, storePath } from '../disk/store-paths.ts';
import { BuildRecords } from '../explain/build-records.ts';
import { isLayerOutput, type LayerOutput } from '../ops/rootfs.ts';
import { LayerProvider, type SharedLayers } from '../source/layer-provider.ts';
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
    // What a shared cache has is as good as there: its bytes are fetched when something needs them.
    const sizeOf = async (layer: Digest): Promise<number | undefined> =>
      ((await layout.blobs.has(layer)) ?? (await this.remotes.sharedLayer(layer)))?.size;
    this.records = new DirectoryCacheStore<LayerOutput>(
      storePath(root, 'records'),
      isLayerOutput,
      async ({ layer }) => (await sizeOf(layer.digest)) === layer.size,
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

  /**
   * The layers of images, those in registries included: `client` is asked for when one must be fetched. `shared` has those
   * of shared caches.
   */
  layers(client: () => RegistryReader, signal: AbortSignal, shared?: SharedLayers): LayerProvider {
    const { indexes, remotes } = this;
    const isOutput = async (layer: Digest): Promise<boolean> => (await this.#recordsOf(layer)).length > 0;
    const options = { blobs: this.layout.blobs, indexes, remotes, client, isOutput, signal };
    return new LayerProvider({ ...options, ...(shared === undefined ? {} : { shared }) });
  }

  /**
   * A step's layer was lost where it should be ({@link OutputLost}): its records go, and for a while nobody is believed who
   * has it. @returns how many records there were
   */
  async forgetOutput(layer: Digest, now: number): Promise<number> {
    const keys = await this.#recordsOf(layer);
    for (const key of keys) await this.records.remove(key);
    await this.remotes.forgetLayer(layer, now);
    return keys.length;
  }

  /** As {@link forgetOutput}, of all layers that are not in the store: nobody is believed for now. */
  async forgetAbsentOutputs(now: number): Promise<void> {
    for await (const { record } of this.records.all()) {
      const { digest } = record.output.layer;
      if ((await this.layout.blobs.has(digest)) !== undefined) continue;
      await this.records.remove(record.key);
      await this.remotes.forgetLayer(digest, now);
    }
  }

  async #recordsOf(layer: Digest): Promise<readonly Digest[]> {
    const keys: Digest[] = [];
    for await (const { record } of this.records.all()) if (record.output.layer.digest === layer) keys.push(record.key);
    return keys;
  }

  /** Removes what is known of the packages of layers that are not in the store any more. */
  async forgetPackages(): Promise<void> {
    const { KeptPackages } = await import('../packages/kept-packages.ts');
    await new KeptPackages(this.directory('packages')).sweep(
      async (layer) => (await this.layout.blobs.has(layer)) !== undefined,
    );
  }

  /** Deletes blobs that neither an image nor a root (roots.ts) needs, and what killed processes left. */
  async collect(): Promise<Collected> {
    await sweepLitter(this.root);
    // What was found in layers is found again where it is needed.
    removeKept(this.directory('checks'));
    // Asked only when no build can add anything more.
    const collected = await this.layout.collect(() => keptBlobs(this));
    await this.forgetPackages();
    return collected;
  }
}
