import { type CacheEntry, type CacheKind, parseSize, type PruneOptions } from '@tsbuild/builder';
import { UsageError } from '../host/usage-error.ts';
import { didYouMean } from '../grammar/suggest.ts';

/** Our kinds, and docker's names for them. */
const KINDS: Readonly<Record<string, readonly CacheKind[]>> = {
  record: ['record'],
  'cache-mount': ['cache-mount'],
  snapshot: ['snapshot'],
  base: ['base'],
  context: ['context'],
  source: ['source'],
  packages: ['packages'],
  regular: ['record', 'snapshot'],
  'exec.cachemount': ['cache-mount'],
  'source.local': ['context'],
  'source.git.checkout': ['source'],
};
const KEYS = ['until', 'unused-for', 'type', 'id'];

/** What `--filter` of `tsbuild cache ls` and `prune` says, docker's grammar. */
export type CacheFilter = Pick<PruneOptions, 'kinds' | 'id' | 'unusedFor'>;

/** @throws UsageError */
export function parseCacheFilter(filters: readonly string[], command: string): CacheFilter {
  let filter: CacheFilter = {};
  for (const text of filters) {
    const at = text.indexOf('=');
    const key = at < 0 ? text : text.slice(0, at);
    const value = text.slice(at + 1);
    const wrong = (why: string, hint?: string): UsageError =>
      new UsageError(`invalid --filter ${JSON.stringify(text)}: ${why}`, { hint, command });
    if (!KEYS.includes(key)) throw wrong(`expected one of ${KEYS.join(', ')}`, didYouMean(key, KEYS));
    if (at < 0) throw wrong('expected KEY=VALUE');
    if (key === 'id') filter = { ...filter, id: value };
    else if (key === 'type') {
      const kinds = Object.hasOwn(KINDS, value) ? KINDS[value] : undefined;
      if (kinds === undefined)
        throw wrong(`expected one of ${Object.keys(KINDS).join(', ')}`, didYouMean(value, Object.keys(KINDS)));
      filter = { ...filter, kinds: [...(filter.kinds ?? []), ...kinds] };
    } else {
      const unusedFor = parseAge(value);
      if (unusedFor === undefined) throw wrong('expected a duration: 24h, 90m, 2h30m, 7d');
      filter = { ...filter, unusedFor };
    }
  }
  return filter;
}

/** The same for a listing. */
export function matchesFilter({ kinds, id, unusedFor }: CacheFilter, now: number): (entry: CacheEntry) => boolean {
  return (entry) =>
    (kinds === undefined || kinds.includes(entry.kind)) &&
    (id === undefined || entry.id.startsWith(id)) &&
    (unusedFor === undefined || now - entry.lastUsed >= unusedFor);
}

/** @throws UsageError */
export function parseKeepStorage(text: string | undefined, command: string): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new UsageError(`invalid --keep-storage ${JSON.stringify(text)}: expected a size: 500m, 10g`, { command });
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Go's durations (`2h30m`), and days and weeks besides; milliseconds. */
export function parseAge(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/.test(text)) return text === '0' ? 0 : undefined;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g);
  return [...parts].reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? 0), 0);
}
