import type { CacheCounts } from '../../packages/builder/src/progress/event.ts';

/** What a build says of its shared caches in `--metadata-file`, as `tsbuild.cache`; undefined when it says nothing. */
export function cacheSummary(metadata: unknown): CacheCounts | undefined {
  return (metadata as { 'tsbuild.cache'?: CacheCounts } | null)?.['tsbuild.cache'];
}
