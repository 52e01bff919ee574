import { describe, expect, it } from 'vitest';
import { cacheKey, type KeyPreimage } from '../src/cache/cache-key.ts';
import type { CacheRecord, CacheStore } from '../src/cache/cache-store.ts';

const preimage = (argv: string): KeyPreimage => ({
  operation: 'run',
  definition: { argv: [argv] },
  inputs: [{ name: 'parent', id: `sha256:${'a'.repeat(64)}` }],
});

/** A record of a command, as the contract suite and other tests use it. */
export function recordOf(argv: string, output: string, created = 1_000): CacheRecord<string> {
  return { key: cacheKey(preimage(argv)), preimage: preimage(argv), output, created, milliseconds: 5 };
}

/** The contract of {@link CacheStore}; `factory` gives a fresh, empty store. */
export function cacheStoreContract(name: string, factory: () => Promise<CacheStore<string>>): void {
  describe(`${name} keeps the contract of CacheStore`, () => {
    it('misses what was never put', async () => {
      const store = await factory();
      expect(await store.get(recordOf('a', '').key)).toBeUndefined();
    });

    it('gives back what was put, preimage included', async () => {
      const store = await factory();
      const record = recordOf('a', 'layer-a');
      await store.put(record);
      expect(await store.get(record.key)).toEqual(record);
    });

    it('keeps records apart', async () => {
      const store = await factory();
      await store.put(recordOf('a', 'layer-a'));
      await store.put(recordOf('b', 'layer-b'));
      expect((await store.get(recordOf('a', '').key))?.output).toBe('layer-a');
      expect((await store.get(recordOf('b', '').key))?.output).toBe('layer-b');
    });

    it('replaces the record of the same key', async () => {
      const store = await factory();
      await store.put(recordOf('a', 'old', 1));
      await store.put(recordOf('a', 'new', 2));
      expect(await store.get(recordOf('a', '').key)).toMatchObject({ output: 'new', created: 2 });
    });

    it('survives concurrent puts of the same key', async () => {
      const store = await factory();
      await Promise.all(Array.from({ length: 20 }, (_, index) => store.put(recordOf('a', `layer-${index}`))));
      expect((await store.get(recordOf('a', '').key))?.output).toMatch(/^layer-\d+$/);
    });
  });
}
