import { type Descriptor, type Digest, OciError, sha256Digest } from '@tsbuild/oci';
import type { CacheRecord } from '../cache/cache-store.ts';
import type { LayerOutput } from '../ops/rootfs.ts';
import { Limiter } from '../solver/limiter.ts';
import { packLayer, USUAL_PACKING } from '../source/pack-layer.ts';
import type { Store } from '../store/store.ts';
import type { RecordToPut, SharedBlob } from './backend/cache-backend.ts';
import type { CacheMeter } from './cache-counts.ts';
import { type CachePlace, messageOf } from './cache-place.ts';
import { blobsOfRecord } from './record/record-blobs.ts';
import { type SigningKey, signRecord } from './record/record-signature.ts';
import { baseLayerKey, encodeSharedRecord, type SharedRecord, type Sidecar } from './record/shared-record.ts';
import { secretVariables, sharedStep } from './record/shared-step.ts';
import { packIndexes, type PackedSidecar, packSidecar } from './record/sidecar.ts';

/** Records on their way at once. */
const PARALLEL = 4;

/** Records that hints hold at most. */
const MOST_HINTS = 200;

/** Of the builds that use an old record, so many write it again: all of them would be a storm. */
const TOUCHING = 1 / 8;

/** How a {@link CacheWriter} writes. */
export interface WriterOptions {
  readonly place: CachePlace;
  readonly store: Store;
  readonly meter: CacheMeter;
  readonly signing?: SigningKey;
  /** Milliseconds from now until records expire. */
  readonly lifetime?: number;
  /** Milliseconds after which a record in use is written again; 0 for never. */
  readonly touch: number;
  /** Chance, from 0 to below 1. */
  readonly random: () => number;
  /** Listings travel with every step, not only with copies, whose layers tell as much. */
  readonly fullListings: boolean;
  readonly notice: (message: string) => void;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/**
 * Shares the records that a build uses, while it goes on: each as soon as its step ended, also in builds that fail. What
 * others have written already is left as it is. Never throws: {@link failure} tells what went wrong.
 */
export class CacheWriter {
  /** The first failure. */
  failure: unknown;
  readonly #options: WriterOptions;
  readonly #limiter = new Limiter(PARALLEL);
  readonly #jobs = new Map<Digest, Promise<void>>();
  readonly #giveUp = new AbortController();
  readonly #signal: AbortSignal;
  /** What this build used, as the place has it, oldest use first. */
  readonly #used = new Map<Digest, SharedRecord>();
  #isNew = false;
  #isReadOnly = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#giveUp.signal]);
  }

  get #mayWrite(): boolean {
    return !this.#isReadOnly && !this.#options.place.breaker.isOpen && !this.#signal.aborted;
  }

  /** As {@link #mayWrite}; that a place was given up counts as a failure. */
  #mayTry(): boolean {
    const { place } = this.#options;
    if (place.breaker.isOpen) this.failure ??= new Error(`${place.backend.name} does not answer`);
    return this.#mayWrite;
  }

  /** Shares a step's record, once. */
  offer(record: CacheRecord<LayerOutput>): void {
    this.#enqueue(record.key, () => this.#describe(record));
  }

  /** Shares what is known of a layer of a base image, but for its bytes. */
  offerBase(layer: { readonly digest: Digest; readonly size: number }): void {
    this.#enqueue(baseLayerKey(layer.digest), () => this.#describeBase(layer));
  }

  /** How many records are still on their way. */
  pending = 0;

  /**
   * Waits until all is written, but no longer than `milliseconds`, and renews the hints where this build has used something
   * that they lack.
   */
  async drain(milliseconds: number): Promise<void> {
    const { meter, notice, place } = this.#options;
    const timer = setTimeout(
      () => this.#giveUp.abort(new Error('the time for writing to the cache is up')),
      milliseconds,
    );
    try {
      await Promise.allSettled(this.#jobs.values());
      if (this.#mayWrite && this.#isNew) await this.#renewHints();
    } catch (error) {
      this.#failed(error);
    } finally {
      clearTimeout(timer);
    }
    if (this.#giveUp.signal.aborted && this.pending > 0) {
      meter.add('leftOut', this.pending);
      notice(
        `${place.backend.name}: ${this.pending} records were not written within ${milliseconds / 1000} s (--cache-drain)`,
      );
    }
  }

  #enqueue(key: Digest, describe: () => Promise<RecordToWrite | undefined>): void {
    if (this.#jobs.has(key) || !this.#mayTry()) return;
    this.pending++;
    const job = this.#limiter
      .run(() => this.#write(key, describe))
      .then(
        () => void this.pending--,
        (error: unknown) => {
          // What was not done when the time was up is counted as left out.
          if (!this.#giveUp.signal.aborted) this.pending--;
          if (!this.#signal.aborted) this.#failed(error);
        },
      );
    this.#jobs.set(key, job);
  }

  async #write(key: Digest, describe: () => Promise<RecordToWrite | undefined>): Promise<void> {
    const { place, meter } = this.#options;
    if (!this.#mayTry()) return;
    const hinted = (await place.hints()).get(key);
    const known = hinted ?? (await this.#lookUp(key));
    if (known !== undefined) {
      if (hinted === undefined) {
        meter.add('adopted');
        this.#isNew = true;
      }
      this.#used.set(key, (await this.#touched(known)) ?? known);
      return;
    }
    const described = await describe();
    if (described === undefined || !this.#mayTry()) return;
    const { record, blobs } = described;
    await place.backend.put({ key, text: encodeSharedRecord(record), blobs }, this.#signal);
    place.breaker.succeeded();
    meter.add('written');
    this.#isNew = true;
    this.#used.set(key, record);
    await this.#remember(record);
  }

  /**
   * Registries remove what was not pushed or pulled for long, and what the hints tell nobody pulls: one in eight builds that
   * use an old record writes it again.
   */
  async #touched(record: SharedRecord): Promise<SharedRecord | undefined> {
    const { place, touch, random, now, signing } = this.#options;
    const { backend } = place;
    const age = now() - Math.max(record.created, record.touched ?? 0);
    if (touch === 0 || backend.repository === undefined || age < touch || random() >= TOUCHING) return undefined;
    // A signature that one cannot make anew must not be lost.
    if (record.signature !== undefined && signing === undefined) return undefined;
    const fresh = { ...record, touched: now() };
    const signed = signing === undefined ? fresh : signRecord(fresh, backend.scope, signing);
    const text = encodeSharedRecord(signed);
    const blobs = blobsOfRecord(text).map((part) => ({ ...part, open: nowhere }));
    await backend.put({ key: record.key, text, blobs }, this.#signal);
    this.#isNew = true;
    return signed;
  }

  async #lookUp(key: Digest): Promise<SharedRecord | undefined> {
    const found = await this.#options.place.lookupTruth(key);
    return found.kind === 'hit' ? found.record : undefined;
  }

  /** A push of the image to the same registry takes the layer from there. */
  async #remember({ diffID, blob }: SharedRecord): Promise<void> {
    const { store, place } = this.#options;
    const { repository } = place.backend;
    if (blob === undefined || repository === undefined || (await store.remotes.layer(diffID)) !== undefined) return;
    await store.remotes.putLayer(diffID, { ...repository, descriptor: blob });
  }

  async #describe(record: CacheRecord<LayerOutput>): Promise<RecordToWrite | undefined> {
    const { fullListings, notice, place } = this.#options;
    const { key, preimage, origin, output, created, milliseconds } = record;
    const secrets = secretVariables(preimage);
    if (secrets.length > 0) {
      notice(
        `${secrets.join(', ')} decides the key of a step in ${place.backend.name}: who guesses its value can tell; use RUN --mount=type=secret`,
      );
    }
    const layer = await this.#layer(output.layer.digest);
    if (layer === undefined) return undefined;
    const listings = new Map<Digest, string>();
    if (fullListings || preimage.operation === 'copy') {
      for (const { id, listing } of preimage.inputs) {
        const text = listing ?? (await this.#options.store.records.listing(id));
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

  async #describeBase({ digest, size }: { digest: Digest; size: number }): Promise<RecordToWrite | undefined> {
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
    const { store, signing, lifetime, now, place } = this.#options;
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
    const signed = signing === undefined ? whole : signRecord(whole, place.backend.scope, signing);
    return { record: signed, blobs: [...(layer === undefined ? [] : [layer]), ...sidecar] };
  }

  /** The packed layer: as it lies in a registry already, or packed now. Undefined when its bytes went meanwhile. */
  async #layer(diffID: Digest): Promise<SharedBlob | undefined> {
    const { store, place } = this.#options;
    const { blobs } = store.layout;
    const { repository } = place.backend;
    const remote = await store.remotes.layer(diffID);
    if ((await blobs.has(diffID)) === undefined) {
      // A layer that nobody has needed yet is shared from where it lies, within one registry.
      if (remote === undefined || remote.registry !== repository?.registry) return undefined;
      return { blob: plain(remote.descriptor), diffID, open: nowhere, origin: remote };
    }
    const signal = this.#signal;
    const work = { blobs, remotes: store.remotes, packing: USUAL_PACKING, isThere: async () => false, signal };
    const blob = await packLayer(diffID, work);
    const isTheSame = remote?.descriptor.digest === blob.digest;
    return { blob: plain(blob), diffID, open: () => blobs.open(blob.digest), ...(isTheSame ? { origin: remote } : {}) };
  }

  /** Hints are merged with those that others may have written meanwhile; the newest uses come first. */
  async #renewHints(): Promise<void> {
    const { place } = this.#options;
    const theirs = await place.freshHints();
    const own = [...this.#used].toReversed();
    if (own.every(([key, { touched }]) => theirs.get(key)?.touched === touched && theirs.has(key))) return;
    const merged = new Map([...own, ...theirs].slice(0, MOST_HINTS));
    const records = [...merged.values()].map((record): RecordToPut => {
      const text = encodeSharedRecord(record);
      return { key: record.key, text, blobs: blobsOfRecord(text).map((part) => ({ ...part, open: nowhere })) };
    });
    await place.backend.putHints(records, this.#signal, await this.#pack([...merged.values()]));
  }

  /** The indexes of the layers, so that a build on an empty machine need not ask for each. */
  async #pack(records: readonly SharedRecord[]): Promise<SharedBlob | undefined> {
    const { store, place } = this.#options;
    const theirs = await place.pack();
    const indexes = new Map<Digest, Uint8Array>();
    for (const { diffID, sidecar } of records) {
      if (sidecar?.index === undefined) continue;
      const bytes = theirs.get(sidecar.index) ?? (await store.indexes.kept(diffID))?.encode();
      if (bytes !== undefined && sha256Digest(bytes) === sidecar.index) indexes.set(sidecar.index, bytes);
    }
    if (indexes.size === 0) return undefined;
    const { blob, diffID, bytes } = await packIndexes(indexes);
    return { blob, diffID, open: () => once(bytes) };
  }

  #failed(error: unknown): void {
    const { place, meter, notice } = this.#options;
    this.failure ??= error;
    if (error instanceof OciError && error.code === 'REGISTRY_DENIED') {
      if (!this.#isReadOnly) notice(`${place.backend.name} is only read: ${messageOf(error)}`);
      this.#isReadOnly = true;
      return;
    }
    meter.add('failures');
    if (!this.#toldFailure) notice(`cannot write to ${place.backend.name}: ${messageOf(error)}`);
    this.#toldFailure = true;
    place.breaker.failed(messageOf(error), 0);
  }
  #toldFailure = false;
}

function sidecarOf({ blob, diffID, index }: PackedSidecar): Sidecar {
  return { blob, diffID, ...(index === undefined ? {} : { index }) };
}

interface RecordToWrite {
  readonly record: SharedRecord;
  readonly blobs: readonly SharedBlob[];
}

/** Nothing but what says which bytes it is: a record must not send its reader elsewhere. */
function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

/** Of blobs that the place has, or takes from another repository. */
function nowhere(): AsyncIterable<Uint8Array> {
  throw new OciError(
    'BLOB_NOT_FOUND',
    'the layer is not in the store, and the registry does not take it from where it lies',
  );
}
