/** What a build says of its shared caches, read from `--metadata-file` (`tsbuild.cache`). */
export interface CacheSummary {
  /** Hits by the place that had the record. */
  readonly hits: Readonly<Record<string, number>>;
  readonly misses: number;
  readonly requests: number;
  readonly down: number;
  readonly up: number;
  readonly failures: number;
}

/** Undefined when the build says nothing. */
export function cacheSummary(metadata: unknown): CacheSummary | undefined {
  const summary = (metadata as { 'tsbuild.cache'?: CacheSummary } | null)?.['tsbuild.cache'];
  return summary;
}
