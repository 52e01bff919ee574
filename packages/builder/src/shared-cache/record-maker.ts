import { type Descriptor, type Digest, OciError } from '@tsbuild/oci';
import type { CacheRecord } from '../cache/cache-store.ts';
import type { LayerOutput } from '../ops/rootfs.ts';
import { packLayer, USUAL_PACKING } from '../source/pack-layer.ts';
import type { Store } from '../store/store.ts';
import type { CacheBackend, RecordToPut, SharedBlob } from './backend/cache-backend.ts';
import { once } from './bytes.ts';
import { namedBlobs } from './record/record-blobs.ts';
import { type SigningKey, signRecord } from './record/record-signature.ts';
import { baseLayerKey, encodeSharedRecord, type SharedRecord, type Sidecar } from './record/shared-record.ts';
import { secretVariables, sharedStep } from './record/shared-step.ts';
import { type PackedSidecar, packSidecar } from './record/sidecar.ts';

/** What a {@link RecordMaker} works with. */
export interface RecordMakerOptions {
  readonly backend: Pick<CacheBackend, 'name' | 'scope' | 'repository'>;
  readonly store: Store;
  readonly signing?: SigningKey;
  /** Milliseconds from now until records expire. */
  readonly lifetime?: number;
  /** Listings travel with every step, not only with copies, whose layers tell as much. */
  readonly fullListings: boolean;
  readonly notice: (message: string) => void;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** A record, and the blobs that it names. */
export interface RecordToWrite {
  readonly record: SharedRecord;
  readonly blobs: readonly SharedBlob[];
}

/** Makes what a build tells others: a shared record of its own record, without a value of a variable, with packed blobs. */
export class RecordMaker {
  readonly #options: RecordMakerOptions;
  readonly #warnedOf = new Set<string>();

  constructor(options: RecordMakerOptions) {
    this.#options = options;
  }

  /** The record as of now; undefined where a signature would be lost that cannot be made anew. */
  touched(record: SharedRecord): SharedRecord | undefined {
    const { signing, now } = this.#options;
    if (record.signature !== undefined && signing === undefined) return undefined;
    return this.#signed({ ...record, touched: now() });
  }

  /** Of a step; undefined when its layer's bytes went meanwhile. */
  async ofStep(record: CacheRecord<LayerOutput>): Promise<RecordToWrite | undefined> {
    const { fullListings, store } = this.#options;
    const { key, preimage, origin, output, created, milliseconds } = record;
    this.#warnOfSecrets(secretVariables(preimage));
    const layer = await this.#layer(output.layer.digest);
    if (layer === undefined) return undefined;
    const listings = new Map<Digest, string>();
    if (fullListings || preimage.operation === 'copy') {
      for (const { id, listing } of preimage.inputs) {
        const text = listing ?? (await store.records.listing(id));
        if (text !== undefined) listings.set(id, text);
      }
    }
    const step = origin === undefined ? undefined : sharedStep(preimage, origin);
    const shared = {
      key,
      operation: preimage.operation,
      created,
      milliseconds,
      ...(step === undefined ? {} : { step }),
    };
    return this.#complete({ ...shared, diffID: output.layer.digest, size: output.layer.size }, layer, listings);
  }

  /** What is known of a layer of a base image; undefined when that is nothing. */
  async ofBase({ digest, size }: { digest: Digest; size: number }): Promise<RecordToWrite | undefined> {
    const index = await this.#options.store.indexes.kept(digest);
    if (index === undefined) return undefined;
    const record = {
      key: baseLayerKey(digest),
      operation: 'base',
      diffID: digest,
      size,
      created: this.#options.now(),
      milliseconds: 0,
    };
    return this.#complete(record, undefined, new Map());
  }

  async #complete(
    record: Omit<SharedRecord, 'contentSize' | 'blob' | 'sidecar'>,
    layer: SharedBlob | undefined,
    listings: ReadonlyMap<Digest, string>,
  ): Promise<RecordToWrite> {
    const { store, lifetime, now } = this.#options;
    const index = await store.indexes.kept(record.diffID);
    const packed = index === undefined && listings.size === 0 ? undefined : await packSidecar({ index, listings });
    const contentSize = await store.indexes.contentSize(record.diffID);
    const whole: SharedRecord = {
      ...record,
      contentSize,
      ...(layer === undefined ? {} : { blob: layer.blob }),
      ...(packed === undefined ? {} : { sidecar: sidecarOf(packed) }),
      ...(lifetime === undefined ? {} : { expires: now() + lifetime }),
    };
    const sidecar =
      packed === undefined ? [] : [{ blob: packed.blob, diffID: packed.diffID, open: () => once(packed.bytes) }];
    return { record: this.#signed(whole), blobs: [...(layer === undefined ? [] : [layer]), ...sidecar] };
  }

  /** The packed layer: as it lies in a registry already, or packed now. Undefined when its bytes went meanwhile. */
  async #layer(diffID: Digest): Promise<SharedBlob | undefined> {
    const { store, backend, signal } = this.#options;
    const { blobs } = store.layout;
    const { repository } = backend;
    const remote = await store.remotes.layer(diffID);
    if ((await blobs.has(diffID)) === undefined) {
      // A layer that nobody has needed yet is shared from where it lies, within one registry.
      if (remote === undefined || remote.registry !== repository?.registry) return undefined;
      return { blob: plain(remote.descriptor), diffID, open: nowhere, origin: remote };
    }
    const work = { blobs, remotes: store.remotes, packing: USUAL_PACKING, isThere: async () => false, signal };
    const blob = await packLayer(diffID, work);
    const isTheSame = remote?.descriptor.digest === blob.digest;
    return { blob: plain(blob), diffID, open: () => blobs.open(blob.digest), ...(isTheSame ? { origin: remote } : {}) };
  }

  #signed(record: SharedRecord): SharedRecord {
    const { signing, backend } = this.#options;
    return signing === undefined ? record : signRecord(record, backend.scope, signing);
  }

  #warnOfSecrets(names: readonly string[]): void {
    const fresh = names.filter((name) => !this.#warnedOf.has(name));
    if (fresh.length === 0) return;
    for (const name of fresh) this.#warnedOf.add(name);
    const { notice, backend } = this.#options;
    notice(
      `${fresh.join(', ')} decides the key of a step in ${backend.name}: who guesses its value can tell; use RUN --mount=type=secret`,
    );
  }
}

/** A record whose blobs the place has already. */
export function storedRecord(record: SharedRecord): RecordToPut {
  const blobs = namedBlobs(record).map((part) => ({ ...part, open: nowhere }));
  return { key: record.key, text: encodeSharedRecord(record), blobs };
}

function sidecarOf({ blob, diffID, index }: PackedSidecar): Sidecar {
  return { blob, diffID, ...(index === undefined ? {} : { index }) };
}

/** Nothing but what says which bytes it is: a record must not send its reader elsewhere. */
function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

/** Of blobs that the place has, or takes from another repository. */
function nowhere(): AsyncIterable<Uint8Array> {
  throw new OciError(
    'BLOB_NOT_FOUND',
    'the layer is not in the store, and the registry does not take it from where it lies',
  );
}
