import { type BlobInfo, type BlobStore, type Digest, OciError } from '@tsbuild/oci';
import { storePackedLayer } from '@tsbuild/oci/internal';
import type { LayerIndexStore, RegistryReader } from '@tsbuild/oci/node';
import type { RemoteRecords } from './remote-records.ts';

/** What {@link LayerProvider} works with. */
export interface LayerProviderOptions {
  readonly blobs: BlobStore;
  readonly indexes: LayerIndexStore;
  readonly remotes: RemoteRecords;
  /** Made when a layer must be fetched. */
  readonly client: () => RegistryReader;
  readonly signal: AbortSignal;
}

/**
 * Sees to it that layers are in the store, uncompressed: those of base images in registries are fetched when something
 * needs their bytes, several at once, each once.
 */
export class LayerProvider {
  readonly #options: LayerProviderOptions;
  readonly #fetching = new Map<Digest, Promise<BlobInfo>>();

  constructor(options: LayerProviderOptions) {
    this.#options = options;
  }

  /**
   * The layers, all of them in the store afterwards.
   * @throws OciError `BLOB_NOT_FOUND` when one is nowhere to be had; of the registry client
   */
  async ensure(layers: readonly { readonly digest: Digest }[]): Promise<readonly BlobInfo[]> {
    const outcomes = await Promise.allSettled(layers.map(({ digest }) => this.#ensure(digest)));
    return outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
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
    const { blobs, indexes, remotes, client, signal } = this.#options;
    const remote = await remotes.layer(diffID);
    if (remote === undefined) {
      throw new OciError('BLOB_NOT_FOUND', `layer ${diffID} is not in the store, and no registry is known to have it`, {
        fields: { digest: diffID },
      });
    }
    const { registry, repository, descriptor } = remote;
    const bytes = client().blob({ registry, repository, digest: descriptor.digest }, descriptor, signal);
    return storePackedLayer(bytes, blobs, indexes, { digest: diffID });
  }
}
