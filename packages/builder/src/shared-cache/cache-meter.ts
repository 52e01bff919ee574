import type { CacheCounts } from '../progress/event.ts';

/** Counts while a build runs. */
export class CacheMeter {
  readonly #counts = new Map<keyof CacheCounts, number>();

  add(what: keyof CacheCounts, count = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + count);
  }

  get counts(): CacheCounts {
    const of = (what: keyof CacheCounts): number => this.#counts.get(what) ?? 0;
    return {
      local: of('local'),
      hints: of('hints'),
      keys: of('keys'),
      misses: of('misses'),
      requests: of('requests'),
      bytesDown: of('bytesDown'),
      bytesUp: of('bytesUp'),
      layersFetched: of('layersFetched'),
      written: of('written'),
      adopted: of('adopted'),
      failures: of('failures'),
      leftOut: of('leftOut'),
    };
  }
}
