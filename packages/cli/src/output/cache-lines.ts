import type { BuildResult } from '@tsbuild/builder';
import { humanSize } from './human.ts';

/** What shared caches did in a build, in one line; nothing of a build that has none. */
export function cacheLines({ cache }: Pick<BuildResult, 'cache'>): readonly string[] {
  if (cache === undefined) return [];
  const {
    local,
    hints,
    keys,
    misses,
    requests,
    bytesDown,
    bytesUp,
    layersFetched,
    written,
    adopted,
    failures,
    leftOut,
  } = cache;
  const shared = hints + keys;
  const hits = `${count(local + shared, 'hit')}${shared === 0 ? '' : ` (${shared} shared: ${hints} by hints, ${keys} by key)`}`;
  const parts = [
    hits,
    count(misses, 'miss', 'misses'),
    count(requests, 'request'),
    `${humanSize(bytesDown)} down${layersFetched === 0 ? '' : ` (${count(layersFetched, 'layer')})`}`,
    `${humanSize(bytesUp)} up`,
    `${count(written, 'record')} written`,
    ...(adopted === 0 ? [] : [`${adopted} there already`]),
    ...(leftOut === 0 ? [] : [`${leftOut} left out`]),
    count(failures, 'failure'),
  ];
  return [`Shared cache: ${parts.join(', ')}`];
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
