import type { Digest } from '@tsbuild/oci';
import type { RegistryOptions } from '@tsbuild/oci/node';
import type { CacheRecord } from '../cache/cache-store.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { LayerOutput } from '../ops/rootfs.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import type { MissExplainer } from '../solver/miss.ts';
import type { Store } from '../store/store.ts';
import type { Traffic } from './backend/backend-access.ts';
import { openBackend } from './backend/open-backend.ts';
import type { CacheCounts } from '../progress/event.ts';
import { CacheMeter } from './cache-meter.ts';
import { CachePlace, messageOf, type PlaceReports } from './cache-place.ts';
import { cacheSigningKey, cacheTrust } from './cache-trust.ts';
import { CacheWriter } from './cache-writer.ts';
import { cacheDuration, cacheFlag, type CacheSpec, specText } from './flags/cache-spec.ts';
import { inlineCacheAnnotation } from './inline-cache.ts';
import { backendAccess } from './layers-at-hand.ts';
import { baseLayerKey } from './record/shared-record.ts';
import { rememberLayer, SharedCacheStore } from './shared-cache-store.ts';
import { SharedExplainer } from './shared-explainer.ts';
import { CachedLayers } from './shared-layers.ts';

/** What a build shares its cache through. */
export interface SharedCacheOptions {
  /** Read in this order. */
  readonly cacheFrom: readonly CacheSpec[];
  readonly cacheTo: readonly CacheSpec[];
  /** Milliseconds that writing may take after the build; 60 s or a quarter of its time unless told. */
  readonly cacheDrain?: number;
  readonly registry: RegistryOptions;
}

/** Where a {@link SharedCache} works. */
export interface SharedCachePlace {
  readonly store: Store;
  readonly reporter: ProgressReporter;
  readonly signal: AbortSignal;
}

const LEAST_DRAIN = 60_000;

/** Milliseconds: a week. */
const USUAL_TOUCH = 7 * 86_400_000;

/** So many layers may be lost one by one. */
const MOST_LOST = 3;

/** Short: what takes longer is a miss. */
const LOOKUP_RETRY = { attempts: 3, baseMilliseconds: 200, maxMilliseconds: 4_000 };
const LOOKUP_IDLE = 10_000;

interface Writer {
  readonly writer: CacheWriter;
  readonly spec: CacheSpec;
}

/** The caches that one build shares with other machines. Whatever they do, it costs the build a hit and no more. */
export class SharedCache implements AsyncDisposable {
  /** For the solver: the store's records, then theirs. */
  readonly records: SharedCacheStore;
  /** For whoever needs the bytes or the index of a layer that only they have. */
  readonly layers: CachedLayers;
  readonly #meter: CacheMeter;
  readonly #places: readonly CachePlace[];
  readonly #readers: readonly CachePlace[];
  readonly #writers: readonly Writer[];
  readonly #store: Store;
  readonly #reporter: ProgressReporter;
  readonly #options: SharedCacheOptions;
  readonly #signal: AbortSignal;
  #lost = 0;
  #finished: Promise<void> | undefined;
  /** The records that this build used, by their layers: with `mode=min` and `type=inline` only those of the image are shared. */
  readonly #used = new Map<Digest, CacheRecord<LayerOutput>>();
  readonly #started = performance.now();

  private constructor(
    options: SharedCacheOptions,
    { store, signal, reporter }: SharedCachePlace,
    { places, meter }: { readonly places: ReadonlyMap<string, CachePlace>; readonly meter: CacheMeter },
  ) {
    this.#meter = meter;
    this.#options = options;
    this.#signal = signal;
    this.#store = store;
    this.#reporter = reporter;
    this.#places = [...places.values()];
    const placeOf = (spec: CacheSpec): CachePlace => {
      const place = places.get(placeText(spec));
      if (place === undefined) throw new TypeError('every spec has its place');
      return place;
    };
    this.#readers = options.cacheFrom.map(placeOf);
    const notice = noticeTo(reporter);
    this.#writers = options.cacheTo
      .filter((spec) => spec.type !== 'inline' && !cacheFlag(spec, 'read-only', false))
      .map((spec) => {
        const signing = cacheSigningKey(spec, options.registry.environment ?? process.env);
        const lifetime = cacheDuration(spec, 'expires');
        const writer = new CacheWriter({
          place: placeOf(spec),
          store,
          meter,
          ...(signing === undefined ? {} : { signing }),
          ...(lifetime === undefined ? {} : { lifetime }),
          touch: cacheDuration(spec, 'touch') ?? USUAL_TOUCH,
          random: Math.random,
          fullListings: spec.attributes.get('explain') === 'full',
          notice,
          now: Date.now,
          signal,
        });
        return { writer, spec };
      });
    const onUse = (record: CacheRecord<LayerOutput>): void => {
      this.#used.set(record.output.layer.digest, record);
      for (const { writer, spec } of this.#writers) if (!isMinimal(spec)) writer.offer(record);
    };
    this.records = new SharedCacheStore({ store, places: this.#readers, meter, now: Date.now, onUse });
    this.layers = new CachedLayers(store.remotes, backendAccess(options.registry, countingHooks(meter)), signal, {
      known: async (layer) => {
        await this.baseLayer(layer);
        return store.remotes.sharedLayer(layer);
      },
      place: (from) => this.#places.find(({ backend }) => backend.spec === from)?.backend,
      fetched: () => meter.add('layersFetched'),
      pack: async (from) => this.#places.find(({ backend }) => backend.spec === from)?.pack(),
    });
  }

  /**
   * Opens the places; their hints are read beside what follows. Undefined when there are none.
   * @throws BuildError `OPTION_INVALID`
   */
  static async open(options: SharedCacheOptions, place: SharedCachePlace): Promise<SharedCache | undefined> {
    const specs = [...options.cacheFrom, ...options.cacheTo];
    if (specs.length === 0) return undefined;
    const environment = options.registry.environment ?? process.env;
    const places = new Map<string, CachePlace>();
    const { store, reporter, signal } = place;
    const meter = new CacheMeter();
    const hooks = { ...countingHooks(meter), retry: LOOKUP_RETRY, idleMilliseconds: LOOKUP_IDLE };
    const reports: PlaceReports = { notice: noticeTo(reporter), failed: () => meter.add('failures'), now: Date.now };
    for (const spec of specs) {
      // Written with the image, by whoever pushes it.
      if (options.cacheTo.includes(spec) && spec.type === 'inline') continue;
      if (places.has(placeText(spec))) continue;
      const backend = await openBackend(spec, { ...backendAccess(options.registry, hooks), traffic: counted(meter) });
      places.set(placeText(spec), new CachePlace(backend, cacheTrust(spec, environment), reports, signal));
    }
    const cache = new SharedCache(options, { store, reporter, signal }, { places, meter });
    for (const reader of cache.#readers) void reader.hints().catch(() => undefined);
    return cache;
  }

  get counts(): CacheCounts {
    return this.#meter.counts;
  }

  /**
   * The size of a layer of a base image, as the caches know it, so that an image can name it without its bytes; undefined
   * when they do not.
   */
  async baseLayer(layer: Digest): Promise<number | undefined> {
    const known = await this.#store.remotes.sharedLayer(layer);
    if (known !== undefined) return known.size;
    for (const place of this.#readers) {
      const found = await place.lookup(baseLayerKey(layer));
      if (found.kind === 'miss' || found.record.diffID !== layer) continue;
      rememberLayer(found.record, place.backend.spec, this.#store);
      return found.record.size;
    }
    return undefined;
  }

  /**
   * A layer that a cache promised cannot be had. After a few of them nothing is read any more in this build: a place that
   * loses one layer after the other would be asked for each. @returns whether that is so
   */
  lost(): boolean {
    this.#meter.add('failures');
    this.#lost++;
    if (this.#lost < MOST_LOST) return false;
    for (const { breaker } of this.#readers) breaker.open('its layers cannot be fetched');
    return true;
  }

  /** Explains misses by what this machine remembers, or else by the nearest records of others. */
  explainer(own: MissExplainer): MissExplainer {
    return new SharedExplainer({ own, places: this.#readers, refusals: this.records.refusals, signal: this.#signal });
  }

  /** With `type=inline`, what the image's manifest is to carry in a registry. */
  async inlineAnnotation(
    layers: readonly { readonly digest: Digest }[],
    epoch: number | undefined,
  ): Promise<readonly [name: string, value: string] | undefined> {
    if (!this.#options.cacheTo.some(({ type }) => type === 'inline')) return undefined;
    return inlineCacheAnnotation({ records: this.#used, layers, store: this.#store, epoch, signal: this.#signal });
  }

  /** Shares what is known of the image's layers beside what its steps made. */
  offerImage(layers: readonly { readonly digest: Digest; readonly size: number }[], base: readonly Digest[]): void {
    const isBase = new Set(base);
    for (const layer of layers) {
      if (isBase.has(layer.digest)) for (const { writer } of this.#writers) writer.offerBase(layer);
      const record = this.#used.get(layer.digest);
      if (record === undefined) continue;
      for (const { writer, spec } of this.#writers) if (isMinimal(spec)) writer.offer(record);
    }
  }

  /**
   * Waits until what this build has to share is written, but not for ever. Once: a build that fails later has nothing more to share.
   * @throws BuildError `CACHE_EXPORT_FAILED` where `ignore-error=false` asks for it
   */
  finish(): Promise<void> {
    return (this.#finished ??= this.#finish());
  }

  async #finish(): Promise<void> {
    const spent = performance.now() - this.#started;
    const drain = this.#options.cacheDrain ?? Math.max(LEAST_DRAIN, spent / 4);
    await Promise.all(this.#writers.map(({ writer }) => writer.drain(drain)));
    this.#reporter.report({ type: 'shared-cache', ...this.counts });
    for (const { writer, spec } of this.#writers) {
      if (writer.failure === undefined || cacheFlag(spec, 'ignore-error', true)) continue;
      throw new BuildError('CACHE_EXPORT_FAILED', `cannot write to the shared cache: ${messageOf(writer.failure)}`, {
        hint: 'ignore-error=false asked for this; without it the build succeeds',
        cause: writer.failure,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.layers[Symbol.asyncDispose]();
    for (const { backend } of this.#places) await backend[Symbol.asyncDispose]();
  }
}

function isMinimal({ attributes }: CacheSpec): boolean {
  return attributes.get('mode') === 'min';
}

/** What counts the requests of a client, and the bytes of blobs that really went. */
function countingHooks(meter: CacheMeter): Pick<RegistryOptions, 'onRequest' | 'onProgress'> {
  return {
    onRequest: () => meter.add('requests'),
    onProgress: ({ kind, done, total, note }) => {
      if (done && note === undefined) meter.add(kind === 'upload' ? 'bytesUp' : 'bytesDown', total);
    },
  };
}

/** The same of places that are no registry. */
function counted(meter: CacheMeter): Traffic {
  return {
    onRequest: () => meter.add('requests'),
    onBytes: (direction, bytes) => meter.add(direction === 'up' ? 'bytesUp' : 'bytesDown', bytes),
  };
}

/** Specs with the same text share their place, its hints and its breaker. */
function placeText(spec: CacheSpec): string {
  const { attributes, type } = spec;
  const where = type === 'registry' ? ['ref', 'registry.insecure', 'scope', 'trust', 'trusted', 'max-age'] : undefined;
  if (where === undefined) return specText(spec);
  return specText({ type, attributes: new Map([...attributes].filter(([key]) => where.includes(key))) });
}

function noticeTo(reporter: ProgressReporter): (message: string) => void {
  return (message) => reporter.report({ type: 'notice', level: 'warning', message });
}
