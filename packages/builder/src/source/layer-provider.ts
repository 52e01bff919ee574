import { type BlobInfo, type BlobStore, type Digest, OciError } from '@tsbuild/oci';
import { storePackedLayer } from '@tsbuild/oci/internal';
import type { LayerIndex, LayerIndexStore, RegistryReader } from '@tsbuild/oci/node';
import { OutputLost } from '../diagnostics/output-lost.ts';
import type { RemoteRecords } from './remote-records.ts';

/** A seam: layers and their indexes that shared caches have. */
export interface SharedLayers {
  /** The layer's packed bytes, verified while they are read; undefined when no cache is known to have it. */
  open(layer: Digest): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** The layer's index, when a cache is known to have it, and gives it. */
  index(layer: Digest): Promise<LayerIndex | undefined>;
  /** Told of each layer whose bytes were fetched, from wherever. */
  fetched(layer: Digest): void;
}

/** What {@link LayerProvider} works with. */
export interface LayerProviderOptions {
  readonly blobs: BlobStore;
  readonly indexes: LayerIndexStore;
  readonly remotes: RemoteRecords;
  /** Made when a layer must be fetched. */
  readonly client: () => RegistryReader;
  readonly shared?: SharedLayers;
  /** Whether a cache record promises the layer: a step can make it again. Unless told none does. */
  readonly isOutput?: (layer: Digest) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * Sees to it that layers are in the store, uncompressed: those of base images in registries, and those that only a shared
 * cache has, are fetched when something needs their bytes, several at once, each once.
 */
export class LayerProvider {
  readonly #options: LayerProviderOptions;
  readonly #fetching = new Map<Digest, Promise<BlobInfo>>();

  constructor(options: LayerProviderOptions) {
    this.#options = options;
  }

  /**
   * The layers, all of them in the store afterwards.
   * @throws OutputLost when a step's layer is nowhere to be had; OciError `BLOB_NOT_FOUND` or of the registry client when
   * a base image's is not
   */
  async ensure(layers: readonly { readonly digest: Digest }[]): Promise<readonly BlobInfo[]> {
    const outcomes = await Promise.allSettled(layers.map(({ digest }) => this.#ensure(digest)));
    return outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  /** The index of a layer, without its bytes where that can be. @throws as {@link ensure} */
  async index(layer: Digest): Promise<LayerIndex> {
    const { indexes, shared } = this.#options;
    const kept = await indexes.kept(layer);
    if (kept !== undefined) return kept;
    const known = (await this.#options.blobs.has(layer)) === undefined ? await shared?.index(layer) : undefined;
    if (known !== undefined) {
      await indexes.put(layer, known);
      return known;
    }
    await this.ensure([{ digest: layer }]);
    return indexes.get(layer);
  }

  async #ensure(diffID: Digest): Promise<BlobInfo> {
    const present = await this.#options.blobs.has(diffID);
    if (present !== undefined) return present;
    let fetching = this.#fetching.get(diffID);
    if (fetching === undefined) {
      fetching = this.#fetch(diffID);
      this.#fetching.set(diffID, fetching);
    }
    return fetching;
  }

  async #fetch(diffID: Digest): Promise<BlobInfo> {
    const { blobs, indexes, signal, isOutput, shared } = this.#options;
    try {
      const info = await storePackedLayer(await this.#open(diffID), blobs, indexes, { digest: diffID });
      shared?.fetched(diffID);
      return info;
    } catch (error) {
      if (signal.aborted || isOutput === undefined || !(await isOutput(diffID))) throw error;
      throw new OutputLost(diffID, error);
    }
  }

  async #open(diffID: Digest): Promise<AsyncIterable<Uint8Array>> {
    const { remotes, client, signal, shared } = this.#options;
    // A shared cache first, also where it is a registry: its requests are counted, and give up sooner than others.
    const bytes = await shared?.open(diffID);
    if (bytes !== undefined) return bytes;
    const remote = await remotes.layer(diffID);
    if (remote !== undefined) {
      const { registry, repository, descriptor } = remote;
      return client().blob({ registry, repository, digest: descriptor.digest }, descriptor, signal);
    }
    throw new OciError('BLOB_NOT_FOUND', `layer ${diffID} is not in the store, and no registry is known to have it`, {
      fields: { digest: diffID },
    });
  }
}
