/** What a build says of its shared caches in `--metadata-file`, as `tsbuild.cache` (docs/shared-cache.md). */
export interface CacheSummary {
  readonly local: number;
  readonly hints: number;
  readonly keys: number;
  readonly misses: number;
  readonly requests: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly layersFetched: number;
  readonly failures: number;
}

/** Undefined when the build says nothing. */
export function cacheSummary(metadata: unknown): CacheSummary | undefined {
  return (metadata as { 'tsbuild.cache'?: CacheSummary } | null)?.['tsbuild.cache'];
}
