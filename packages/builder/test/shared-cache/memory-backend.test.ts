import { type CachePlace, cacheBackendContract } from '../../testing/cache-backend-contract.ts';
import { MemoryBackend, MemoryCachePlace } from '../../testing/memory-backend.ts';

cacheBackendContract('a place in memory', async (): Promise<CachePlace> => {
  const place = new MemoryCachePlace();
  return {
    open: async () => new MemoryBackend(place),
    damage: async (digest) => void place.blobs.set(digest, new Uint8Array(place.blobs.get(digest)?.length ?? 0)),
    lose: async (digest) => void place.blobs.delete(digest),
    breakDown: async () => void (place.failure = new Error('it is down')),
    putForeign: async () => {
      place.hints = { kind: 'foreign', what: 'a poem' };
      return { what: 'a poem', isIntact: async () => place.hints.kind === 'foreign' };
    },
    openReader: async () => {
      place.readOnly = true;
      return new MemoryBackend(place);
    },
    [Symbol.asyncDispose]: async () => {},
  };
});
