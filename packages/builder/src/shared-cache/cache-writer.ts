import { type Digest, OciError, sha256Digest } from '@tsbuild/oci';
import type { CacheRecord } from '../cache/cache-store.ts';
import type { LayerOutput } from '../ops/rootfs.ts';
import { Limiter } from '../solver/limiter.ts';
import type { Store } from '../store/store.ts';
import type { SharedBlob } from './backend/cache-backend.ts';
import { once } from './bytes.ts';
import type { CacheMeter } from './cache-meter.ts';
import { type CachePlace, messageOf } from './cache-place.ts';
import type { SigningKey } from './record/record-signature.ts';
import { baseLayerKey, encodeSharedRecord, type SharedRecord } from './record/shared-record.ts';
import { packIndexes } from './record/sidecar.ts';
import { RecordMaker, type RecordToWrite, storedRecord } from './record-maker.ts';

/** Records on their way at once. */
const PARALLEL = 4;

/** Records that hints hold at most. */
const MOST_HINTS = 200;

/**
 * Of the builds that use old records, so many write them again: all of them would be a storm. Decided once for a build and not for each
 * record: of four builds at once three would hardly ever choose the same, but often the same of twenty.
 */
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
  readonly #maker: RecordMaker;
  readonly #touches: boolean;
  #toldFailure = false;
  #isNew = false;
  #isReadOnly = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#touches = options.random() < TOUCHING;
    this.#signal = AbortSignal.any([options.signal, this.#giveUp.signal]);
    this.#maker = new RecordMaker({ ...options, backend: options.place.backend, signal: this.#signal });
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
    this.#enqueue(record.key, () => this.#maker.ofStep(record));
  }

  /** Shares what is known of a layer of a base image, but for its bytes. */
  offerBase(layer: { readonly digest: Digest; readonly size: number }): void {
    this.#enqueue(baseLayerKey(layer.digest), () => this.#maker.ofBase(layer));
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
    if (hinted !== undefined) {
      this.#used.set(key, await this.#touched(hinted));
      return;
    }
    const known = await this.#lookUp(key);
    if (known !== undefined) return await this.#adopt(known);
    const described = await describe();
    if (described === undefined || !this.#mayTry()) return;
    const { record, blobs } = described;
    try {
      await place.backend.put({ key, text: encodeSharedRecord(record), blobs }, this.#signal);
    } catch (error) {
      const theirs = isConflict(error) && this.#mayWrite ? await this.#lookUp(key) : undefined;
      if (theirs === undefined) throw error;
      return await this.#adopt(theirs);
    }
    place.breaker.succeeded();
    meter.add('written');
    this.#isNew = true;
    this.#used.set(key, record);
    await this.#remember(record);
  }

  /** Takes what another builder has written, which the hints do not tell yet. */
  async #adopt(theirs: SharedRecord): Promise<void> {
    this.#options.meter.add('adopted');
    this.#isNew = true;
    this.#used.set(theirs.key, await this.#touched(theirs));
  }

  /**
   * Registries remove what was not pushed or pulled for long, and what the hints tell nobody pulls: one in eight builds that
   * use an old record writes it again.
   */
  async #touched(record: SharedRecord): Promise<SharedRecord> {
    const { place, touch, now } = this.#options;
    const isOld = (one: SharedRecord): boolean => now() - Math.max(one.created, one.touched ?? 0) >= touch;
    if (!this.#touches || touch <= 0 || place.backend.repository === undefined || !isOld(record)) return record;
    // The hints may not tell yet that somebody has just done it.
    const latest = await this.#lookUp(record.key);
    if (latest !== undefined && !isOld(latest)) {
      this.#isNew = true;
      return latest;
    }
    const fresh = this.#maker.touched(record);
    if (fresh === undefined) return record;
    await place.backend.put(storedRecord(fresh), this.#signal);
    this.#isNew = true;
    return fresh;
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

  /** Hints are merged with those that others may have written meanwhile; the newest uses come first. */
  async #renewHints(): Promise<void> {
    const { place } = this.#options;
    const theirs = await place.freshHints();
    const own = [...this.#used]
      .toReversed()
      .map(([key, record]) => [key, laterTouched(record, theirs.get(key))] as const);
    if (own.every(([key, { touched }]) => theirs.get(key)?.touched === touched && theirs.has(key))) return;
    const others = [...theirs].filter(([key]) => !this.#used.has(key));
    const merged = [...own, ...others].slice(0, MOST_HINTS).map(([, record]) => record);
    await place.backend.putHints(merged.map(storedRecord), this.#signal, await this.#pack(merged));
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
}

/** Of a record as this build has used it and as the hints have it by now, the one that was renewed later. */
function laterTouched(own: SharedRecord, theirs: SharedRecord | undefined): SharedRecord {
  return theirs !== undefined && (theirs.touched ?? 0) > (own.touched ?? 0) ? theirs : own;
}

/**
 * Whether it may be that two builders wrote one key at once and were in each other's way: one record is all that is needed.
 * Registries say so with 409 or 412; distribution says 400.
 */
function isConflict(error: unknown): boolean {
  return error instanceof OciError && [400, 409, 412].includes(Number(error.fields['status']));
}
