import { type Digest, sha256Digest } from '@tsbuild/oci';
import type { LayerIndex } from '@tsbuild/oci/node';
import type { SharedLayers } from '../source/layer-provider.ts';
import type { RemoteRecords, SharedLayer } from '../source/remote-records.ts';
import type { BackendAccess } from './backend/backend-access.ts';
import type { CacheBackend } from './backend/cache-backend.ts';
import { openBackend } from './backend/open-backend.ts';
import { parseCacheSpecs } from './flags/cache-spec.ts';
import { decodedIndex, type IndexPack, unpackSidecar } from './record/sidecar.ts';

/** What a build that has asked its caches already knows better. */
export interface LayerHelp {
  /** Finds out about a layer of a base image. */
  readonly known?: (layer: Digest) => Promise<SharedLayer | undefined>;
  /** A place that is open already, with credentials that only this build was given; it stays open. */
  readonly place?: (from: string) => CacheBackend | undefined;
  readonly fetched?: (layer: Digest) => void;
  /** The indexes that a place has in one blob. */
  readonly pack?: (from: string) => Promise<IndexPack | undefined>;
}

/** The layers that shared caches are known to have: each place is opened when a layer of it is wanted. */
export class CachedLayers implements SharedLayers, AsyncDisposable {
  readonly #remotes: RemoteRecords;
  readonly #access: BackendAccess;
  readonly #signal: AbortSignal;
  readonly #help: LayerHelp;
  readonly #places = new Map<string, Promise<CacheBackend>>();

  constructor(remotes: RemoteRecords, access: BackendAccess, signal: AbortSignal, help: LayerHelp = {}) {
    this.#help = help;
    this.#remotes = remotes;
    this.#access = access;
    this.#signal = signal;
  }

  async open(layer: Digest): Promise<AsyncIterable<Uint8Array> | undefined> {
    const known = await this.#remotes.sharedLayer(layer);
    if (known?.blob === undefined) return undefined;
    return (await this.#place(known)).open(known.blob, this.#signal);
  }

  async index(layer: Digest): Promise<LayerIndex | undefined> {
    const known = (await this.#remotes.sharedLayer(layer)) ?? (await this.#help.known?.(layer));
    if (known?.sidecar === undefined || known.index === undefined) return undefined;
    const packed = (await this.#help.pack?.(known.from))?.get(known.index);
    if (packed !== undefined) return decodedIndex(packed);
    try {
      const place = await this.#place(known);
      const { index } = await unpackSidecar(place.open(known.sidecar, this.#signal));
      // The record vouches for this one alone.
      return index !== undefined && sha256Digest(index.encode()) === known.index ? index : undefined;
    } catch {
      return undefined; // The layer has it all.
    }
  }

  fetched(layer: Digest): void {
    this.#help.fetched?.(layer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of await Promise.allSettled(this.#places.values()))
      if (opened.status === 'fulfilled') await opened.value[Symbol.asyncDispose]();
  }

  async #place({ from }: SharedLayer): Promise<CacheBackend> {
    const given = this.#help.place?.(from);
    if (given !== undefined) return given;
    let place = this.#places.get(from);
    if (place === undefined) {
      place = open(from, this.#access);
      this.#places.set(from, place);
    }
    return place;
  }
}

async function open(from: string, access: BackendAccess): Promise<CacheBackend> {
  const [spec] = parseCacheSpecs('cache-from', from).specs;
  if (spec === undefined) throw new TypeError(`${from} names no place`);
  return openBackend(spec, access);
}
