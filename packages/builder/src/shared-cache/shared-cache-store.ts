import type { Digest } from '@tsbuild/oci';
import type { AskingStep, CacheRecord, CacheStore } from '../cache/cache-store.ts';
import type { LayerOutput } from '../ops/rootfs.ts';
import type { Store } from '../store/store.ts';
import type { CacheMeter } from './cache-meter.ts';
import type { CachePlace } from './cache-place.ts';
import type { SharedRecord } from './record/shared-record.ts';

/** Milliseconds. A step that waited this long before it runs is asked for once more: somebody may have finished it. */
const STALE_MISS = 2_000;

/** What a {@link SharedCacheStore} works with. */
export interface SharedCacheParts {
  readonly store: Pick<Store, 'records' | 'remotes' | 'indexes' | 'layout'>;
  /** Asked in this order. */
  readonly places: readonly CachePlace[];
  readonly meter: CacheMeter;
  readonly now: () => number;
  /** Told of every record that this build uses. */
  readonly onUse: (record: CacheRecord<LayerOutput>) => void;
}

/**
 * The cache of a build that shares it with other machines: the store's own records first, then those of the places. What a
 * place has becomes a record of the store, together with where its layer lies: no byte of a layer is fetched.
 */
export class SharedCacheStore implements CacheStore<LayerOutput> {
  readonly #parts: SharedCacheParts;
  readonly #missed = new Map<Digest, number>();
  /** Why what a place has does not count, by key, for explanations. */
  readonly refusals = new Map<Digest, string>();

  constructor(parts: SharedCacheParts) {
    this.#parts = parts;
  }

  async get(key: Digest, step?: AskingStep): Promise<CacheRecord<LayerOutput> | undefined> {
    const { store, meter, onUse } = this.#parts;
    const local = await store.records.get(key);
    if (local !== undefined) {
      meter.add('local');
      onUse(local);
      return local;
    }
    const missed = this.#missed.get(key);
    if (step === undefined || (missed !== undefined && performance.now() - missed < STALE_MISS)) return undefined;
    const found = await this.#ask(key, step);
    if (found === undefined && missed === undefined) meter.add('misses');
    if (found !== undefined && missed !== undefined) meter.add('misses', -1);
    if (found === undefined) this.#missed.set(key, performance.now());
    return found;
  }

  async put(record: CacheRecord<LayerOutput>): Promise<void> {
    await this.#parts.store.records.put(record);
    this.#parts.onUse(record);
  }

  async #ask(key: Digest, step: AskingStep): Promise<CacheRecord<LayerOutput> | undefined> {
    const { places, meter } = this.#parts;
    for (const place of places) {
      const answer = await place.lookup(key);
      const refusal = answer.kind === 'miss' ? answer.reason : await this.#refusal(answer.record);
      if (refusal !== undefined) this.refusals.set(key, refusal);
      if (answer.kind === 'miss' || refusal !== undefined) continue;
      meter.add(answer.by === 'hints' ? 'hints' : 'keys');
      return await this.#accept(answer.record, step, place);
    }
    return undefined;
  }

  async #refusal({ diffID, size, blob, operation }: SharedRecord): Promise<string | undefined> {
    const { store, now } = this.#parts;
    const here = await store.layout.blobs.has(diffID);
    if (here !== undefined) return here.size === size ? undefined : 'its layer has another size here';
    if (blob === undefined || operation === 'base') return 'it has no layer';
    return store.remotes.isLost(diffID, now()) ? 'its layer could not be fetched' : undefined;
  }

  async #accept(
    record: SharedRecord,
    { preimage, origin }: AskingStep,
    { backend }: CachePlace,
  ): Promise<CacheRecord<LayerOutput>> {
    const { store, onUse } = this.#parts;
    const { key, diffID, size, created, milliseconds, blob } = record;
    rememberLayer(record, backend.spec, store);
    if (blob !== undefined && backend.repository !== undefined && (await store.remotes.layer(diffID)) === undefined)
      await store.remotes.putLayer(diffID, { ...backend.repository, descriptor: blob });
    const stands = origin();
    const own: CacheRecord<LayerOutput> = {
      key,
      preimage,
      output: { layer: { digest: diffID, size } },
      created,
      milliseconds,
      ...(stands === undefined ? {} : { origin: stands }),
    };
    await store.records.put(own);
    onUse(own);
    return { ...own, from: backend.name };
  }
}

/** Keeps what a record says of a layer that is not here. */
export function rememberLayer(
  { diffID, size, contentSize, blob, sidecar }: SharedRecord,
  from: string,
  { remotes, indexes }: Pick<Store, 'remotes' | 'indexes'>,
): void {
  const parts = {
    ...(blob === undefined ? {} : { blob }),
    ...(sidecar === undefined ? {} : { sidecar: sidecar.blob }),
    ...(sidecar?.index === undefined ? {} : { index: sidecar.index }),
  };
  remotes.putSharedLayer(diffID, { from, size, contentSize, ...parts });
  indexes.putContentSize(diffID, contentSize);
}
