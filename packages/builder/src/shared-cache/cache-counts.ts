/** What the shared caches did in one build, for the summary, `--metadata-file` and json events. Sizes in bytes. */
export interface CacheCounts {
  /** Steps that this machine's store had. */
  readonly local: number;
  /** Steps that a shared cache had, told by its hints, and asked for one by one. */
  readonly hints: number;
  readonly keys: number;
  /** Steps that nobody had. */
  readonly misses: number;
  /** Requests to shared caches, and the bytes of blobs from and to them. */
  readonly requests: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Layers whose bytes were fetched. */
  readonly layersFetched: number;
  /** Records written, and those that somebody else had written before. */
  readonly written: number;
  readonly adopted: number;
  /** Questions without an answer, records that could not be written, layers that were lost. */
  readonly failures: number;
  /** Records that were not written when the time was up. */
  readonly leftOut: number;
}

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
