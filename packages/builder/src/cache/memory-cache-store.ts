import type { Digest } from '@tsbuild/oci';
import type { CacheRecord, CacheStore } from './cache-store.ts';

/** A cache that lives as long as its process. */
export class MemoryCacheStore<O> implements CacheStore<O> {
  readonly #records = new Map<Digest, CacheRecord<O>>();

  async get(key: Digest): Promise<CacheRecord<O> | undefined> {
    return this.#records.get(key);
  }

  async put(record: CacheRecord<O>): Promise<void> {
    this.#records.set(record.key, record);
  }
}
