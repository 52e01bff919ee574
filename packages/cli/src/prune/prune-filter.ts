import { UsageError } from '../host/usage-error.ts';
import { parseAge } from './cache-filter.ts';
import { didYouMean } from '../grammar/suggest.ts';

const KEYS = ['until', 'label', 'label!'];

/** What the prune commands look at: when something was made (RFC 3339), and its labels. */
export interface Prunable {
  readonly created: string | undefined;
  readonly labels: Readonly<Record<string, string>> | null | undefined;
}

/**
 * Reads docker's `--filter` of prune commands: `until=DURATION|TIME`, `label=KEY[=VALUE]`, `label!=…`. All must hold.
 * @throws UsageError
 */
export function parsePruneFilter(
  filters: readonly string[],
  command: string,
  now: number,
): (candidate: Prunable) => boolean {
  const keeps = filters.map((text) => parseOne(text, command, now));
  return (candidate) => keeps.every((keep) => keep(candidate));
}

function parseOne(text: string, command: string, now: number): (candidate: Prunable) => boolean {
  const [, key = '', value = ''] = /^(label!|[^=]*)=(.*)$/s.exec(text) ?? [];
  const wrong = (why: string, hint?: string): UsageError =>
    new UsageError(`invalid --filter ${JSON.stringify(text)}: ${why}`, { hint, command });
  if (key === 'label') return (candidate) => hasLabel(candidate, value);
  if (key === 'label!') return (candidate) => !hasLabel(candidate, value);
  if (key !== 'until') throw wrong(`expected one of ${KEYS.join(', ')}`, didYouMean(key, KEYS));
  const limit = momentOf(value, now);
  if (limit === undefined) throw wrong('expected a duration or a time: 24h, 2024-05-01, 2024-05-01T10:00:00Z');
  return ({ created }) => created !== undefined && Date.parse(created) < limit;
}

/** A duration before `now`, seconds since 1970, or a time: without a zone it is UTC. Milliseconds since 1970. */
function momentOf(text: string, now: number): number | undefined {
  const duration = parseAge(text);
  if (duration !== undefined) return now - duration;
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  const time = /^\d{4}-\d\d-\d\d(?:T[\d:.]+)?(?:Z|[+-]\d\d:\d\d)?$/.test(text)
    ? Date.parse(/T[\d:.]+$/.test(text) ? `${text}Z` : text)
    : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function hasLabel(candidate: Prunable, wanted: string): boolean {
  const labels = candidate.labels ?? {};
  const equals = wanted.indexOf('=');
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === wanted.slice(equals + 1));
}
