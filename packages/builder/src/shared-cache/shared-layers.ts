import type { Digest } from '@tsbuild/oci';
import type { LayerIndex } from '@tsbuild/oci/node';
import type { SharedLayers } from '../source/layer-provider.ts';
import type { RemoteRecords, SharedLayer } from '../source/remote-records.ts';
import type { BackendAccess } from './backend/backend-access.ts';
import type { CacheBackend } from './backend/cache-backend.ts';
import { openBackend } from './backend/open-backend.ts';
import { parseCacheSpecs } from './flags/cache-spec.ts';
import { unpackSidecar } from './record/sidecar.ts';

/** The layers that shared caches are known to have: each place is opened when a layer of it is wanted. */
export class CachedLayers implements SharedLayers, AsyncDisposable {
  readonly #remotes: RemoteRecords;
  readonly #access: BackendAccess;
  readonly #signal: AbortSignal;
  readonly #places = new Map<string, Promise<CacheBackend>>();

  constructor(remotes: RemoteRecords, access: BackendAccess, signal: AbortSignal) {
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
    const known = await this.#remotes.sharedLayer(layer);
    if (known?.sidecar === undefined) return undefined;
    try {
      const place = await this.#place(known);
      return (await unpackSidecar(place.open(known.sidecar, this.#signal))).index;
    } catch {
      return undefined; // The layer has it all.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of await Promise.allSettled(this.#places.values()))
      if (opened.status === 'fulfilled') await opened.value[Symbol.asyncDispose]();
  }

  #place({ from }: SharedLayer): Promise<CacheBackend> {
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
