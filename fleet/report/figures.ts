import type { Built } from '../lab/lab.ts';
import { ofPlace } from '../lab/lab.ts';
import type { Place } from '../lab/place.ts';
import { type Exchange, isUpload, tally } from '../proxy/exchange.ts';
import { ask } from '../walker/registry-reader.ts';
import { type Manifest, readRecord } from '../walker/stored-record.ts';
import { recordTags } from '../walker/walk-records.ts';

/** How often a step was executed that another builder had executed too. */
export function duplicateExecutions(builds: readonly Built[]): number {
  const ran = builds.flatMap(({ steps }) => steps.filter(({ end }) => end === 'ran').map(({ key = '' }) => key));
  return ran.length - new Set(ran).size;
}

/** Blobs that were sent, how often one was sent that had been sent before, and how often the most popular one. */
export function uploadsOf(exchanges: readonly Exchange[]): {
  readonly blobs: number;
  readonly again: number;
  readonly most: number;
} {
  const counts = new Map<string, number>();
  for (const { repository, name } of exchanges.filter(isUpload)) {
    const blob = `${repository}@${name}`;
    counts.set(blob, (counts.get(blob) ?? 0) + 1);
  }
  const blobs = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return { blobs, again: blobs - counts.size, most: Math.max(0, ...counts.values()) };
}

/** The share of steps that were hits, in percent, to one digit. */
export function hitRate(builds: readonly Built[]): number {
  const steps = builds.flatMap((built) => built.steps);
  return share(steps.filter(({ end }) => end === 'cached').length, steps.length);
}

/** Hits by where they came from: the builder's own store, the hints, a record of its own. As `local/hints/keys`. */
export function hitsBySource(builds: readonly Built[]): string {
  const sum = (of: 'local' | 'hints' | 'keys'): number =>
    builds.reduce((total, { cache }) => total + (cache?.[of] ?? 0), 0);
  return `${sum('local')}/${sum('hints')}/${sum('keys')}`;
}

/** Digests of what is a layer in a place, as it is packed, and of the base image's layers. */
export async function layersIn(host: string, { repository }: Place): Promise<ReadonlySet<string>> {
  const base = await ask(host, 'GET', 'fleet/busybox/manifests/latest');
  const digests = (JSON.parse(base.body.toString()) as Manifest).layers.map(({ digest }) => digest);
  for (const tag of await recordTags(host, repository)) {
    const found = await readRecord(host, repository, tag);
    if (typeof found !== 'string' && found.record.blob !== undefined) digests.push(found.record.blob.digest);
  }
  return new Set(digests);
}

/** Bytes of layers that builds fetched. */
export function layerBytes(builds: readonly Built[], layers: ReadonlySet<string>): number {
  const all = builds.flatMap(({ exchanges }) => exchanges);
  return tally(all.filter(({ kind, method, name }) => kind === 'blob' && method === 'GET' && layers.has(name))).down;
}

/** Requests and bytes of a build to its cache, on average. */
export function perBuild(
  builds: readonly Built[],
  place: Place,
): { readonly requests: number; readonly down: number; readonly up: number } {
  const { requests, up, down } = tally(
    ofPlace(
      builds.flatMap(({ exchanges }) => exchanges),
      place,
    ),
  );
  const count = Math.max(1, builds.length);
  return {
    requests: Math.round((requests / count) * 10) / 10,
    down: Math.round(down / count),
    up: Math.round(up / count),
  };
}

/** Seconds that a build took, the middle one. */
export function medianSeconds(builds: readonly Built[]): number {
  const times = builds.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b);
  return Math.round((times[Math.floor(times.length / 2)] ?? 0) / 10) / 100;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 1000) / 10;
}
