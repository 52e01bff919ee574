import { familiarName, familiarRepository, type StoredImage } from '@tsbuild/oci/node';
import { UsageError } from '../../host/usage-error.ts';
import { didYouMean } from '../../grammar/suggest.ts';
import type { ListedImage } from './listed-image.ts';

type Keeps = (row: ListedImage) => boolean;

const FILTERS = ['before', 'dangling', 'label', 'reference', 'since'];

/** When the images of `before=` and `since=` were made, milliseconds, by their names. */
export type PointsInTime = ReadonlyMap<string, number>;

/** @throws OciError `IMAGE_NOT_FOUND` for an image of `before=` or `since=` that is not there */
export async function pointsInTime(
  filters: readonly string[],
  layout: { resolve(name: string): Promise<StoredImage> },
): Promise<PointsInTime> {
  const names = filters.flatMap((filter) => /^(?:before|since)=(.+)$/s.exec(filter)?.[1] ?? []);
  return new Map(
    await Promise.all(names.map(async (name) => [name, createdTime(await layout.resolve(name))] as const)),
  );
}

function createdTime({ config }: StoredImage): number {
  const time = config.created === undefined ? Number.NaN : Date.parse(config.created);
  return Number.isNaN(time) ? 0 : time;
}

/** Which rows `tsbuild images [NAME] --filter …` shows: those that match the name and, of each kind of filter, one. */
export function imageFilter(name: string | undefined, filters: readonly string[], points: PointsInTime): Keeps {
  const byKey = new Map<string, Keeps[]>();
  for (const filter of filters) {
    const { key, keeps } = parseFilter(filter, points);
    byKey.set(key, [...(byKey.get(key) ?? []), keeps]);
  }
  const groups = [...byKey.values()];
  const named = name === undefined ? () => true : matchesName(name);
  return (row) => named(row) && groups.every((group) => group.some((keeps) => keeps(row)));
}

function parseFilter(filter: string, points: PointsInTime): { key: string; keeps: Keeps } {
  const [key = '', ...rest] = filter.split('=');
  const value = rest.join('=');
  if (rest.length === 0) throw invalid(filter, 'expected KEY=VALUE');
  if (key === 'reference') return { key, keeps: matchesName(value) };
  if (key === 'label') return { key: filter, keeps: (row) => hasLabel(row, value) };
  if (key === 'dangling' && /^(?:true|false|1|0)$/.test(value)) {
    const wanted = value === 'true' || value === '1';
    return { key, keeps: (row) => (row.image.names.length === 0) === wanted };
  }
  const point = points.get(value);
  if (key === 'before' && point !== undefined) return { key, keeps: ({ image }) => createdTime(image) < point };
  if (key === 'since' && point !== undefined) return { key, keeps: ({ image }) => createdTime(image) > point };
  if (key === 'dangling') throw invalid(filter, 'expected true or false');
  throw invalid(filter, `expected one of ${FILTERS.join(', ')}`, didYouMean(key, FILTERS));
}

function invalid(filter: string, why: string, hint?: string): UsageError {
  return new UsageError(`invalid --filter ${JSON.stringify(filter)}: ${why}`, { hint, command: 'images' });
}

/** `my-app`, `my-app:1`, `ghcr.io/me/*:2*`: without a tag every tag matches. */
function matchesName(pattern: string): Keeps {
  const matches = globMatcher(pattern);
  return ({ image, shown }) =>
    image.names.some(
      (name) =>
        familiarRepository(name) === shown.Repository &&
        (name.tag ?? '<none>') === shown.Tag &&
        (matches(familiarRepository(name)) || matches(familiarName(name))),
    );
}

/** Shell patterns within path components: `*`, `?`, `[a-z]`. */
function globMatcher(pattern: string): (text: string) => boolean {
  const source = pattern.replace(/\[[^\]/]*\]|[\\^$+.()|{}[\]*?]/g, (token) => {
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    if (token.length > 2 && token.startsWith('[')) return `[${token.slice(1, -1).replace(/[\\\]]/g, '\\$&')}]`;
    return token.replace(/./g, '\\$&');
  });
  const expression = new RegExp(`^${source}$`);
  return (text) => expression.test(text);
}

function hasLabel({ image }: ListedImage, wanted: string): boolean {
  const labels = image.config.config?.Labels ?? {};
  const equals = wanted.indexOf('=');
  if (equals < 0) return Object.hasOwn(labels, wanted);
  const key = wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && labels[key] === wanted.slice(equals + 1);
}
