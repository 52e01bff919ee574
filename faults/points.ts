import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imagesOf, type Lab, type Scenario } from './scenario.ts';
import type { Stall } from './stall.ts';
import { type Call, callsOf, type Fault, type FoundCall, type Injection, traceOf } from './strace.ts';

/** One thing that goes wrong in one scenario. */
export type Point = { readonly scenario: Scenario } & (
  | ({ readonly kind: 'call' } & Injection)
  /** The store's file system is full: so many KiB are all there is, or so many inodes. */
  | { readonly kind: 'full'; readonly limit: 'size' | 'nr_inodes'; readonly count: number }
  /** Held up inside of the store's lock, while another process changes the store. */
  | ({ readonly kind: 'stall' } & Stall)
);

/** A scenario as it goes when nothing goes wrong. */
export interface Undisturbed {
  readonly scenario: Scenario;
  readonly calls: readonly FoundCall[];
  /** The images in the store afterwards. */
  readonly images: string;
}

/** Runs a scenario once, undisturbed, and notes what it does to the store. @throws Error when it fails */
export async function watch(
  lab: Lab,
  scenario: Scenario,
  directory = join(lab.directory, `watched-${scenario.name.replaceAll(' ', '-')}`),
): Promise<Undisturbed> {
  const store = join(directory, 'store');
  await lab.begin(scenario, store);
  const log = `${store}.log`;
  const { ended } = await traceOf(store, lab.words(scenario.args), lab.env(store), log);
  if (ended.exitCode !== 0) throw new Error(`${scenario.name} fails undisturbed: ${ended.stderr}`);
  return { scenario, calls: callsOf(await readFile(log, 'utf8'), store), images: await imagesOf(store) };
}

/** Which faults a call can meet; writes fail for want of room by a real full file system instead. */
const FAULTS: Readonly<Record<Call, readonly Fault[]>> = {
  rename: ['SIGKILL', 'ENOSPC', 'EIO'],
  fsync: ['SIGKILL', 'EIO'],
  link: ['SIGKILL', 'ENOSPC', 'EIO'],
  unlink: ['SIGKILL', 'EIO'],
  mkdir: ['SIGKILL', 'ENOSPC', 'EIO'],
  write: ['SIGKILL'],
  openat: ['EMFILE'],
};

/** Kinds of calls of which there are dozens alike: so many, spread evenly, stand for all. */
const MOST: Partial<Record<Call, number>> = { link: 6, mkdir: 12, openat: 4, unlink: 12, write: 12 };
/** Failing calls are taken less densely than deaths. */
const MOST_ERRORS = 2;

/** Every point of a scenario. */
export function pointsOf({ scenario, calls }: Undisturbed): readonly Point[] {
  const points: Point[] = [];
  if (STALLED.has(scenario.name)) {
    for (const { name, at } of calls.filter(({ call }) => call === 'rename'))
      points.push({ kind: 'stall', scenario, name, at });
  }
  for (const [call, faults] of Object.entries(FAULTS) as [Call, readonly Fault[]][]) {
    const own = calls.filter((found) => found.call === call);
    for (const fault of faults) {
      if (scenario.onlyDeaths === true && fault !== 'SIGKILL') continue;
      const most = Math.min(MOST[call] ?? Infinity, fault === 'SIGKILL' ? Infinity : MOST_ERRORS);
      for (const found of spread(own, most)) points.push({ kind: 'call', scenario, ...found, fault });
    }
  }
  if (scenario.name === 'build' || scenario.name === 'load') {
    for (const count of FULL_AT) points.push({ kind: 'full', scenario, limit: 'size', count });
    for (const count of INODES_AT) points.push({ kind: 'full', scenario, limit: 'nr_inodes', count });
  }
  if (FREEING.has(scenario.name)) {
    points.push(
      { kind: 'full', scenario, limit: 'size', count: 0 },
      { kind: 'full', scenario, limit: 'nr_inodes', count: 0 },
    );
  }
  return points;
}

/** Commands that do little but change the index. */
const STALLED: ReadonlySet<string> = new Set(['tag', 'rmi']);

/** What frees space must work where there is none. */
export const FREEING: ReadonlySet<string> = new Set(['rmi', 'prune']);

/** KiB beside what the template takes. */
const FULL_AT = [8, 32, 64, 128, 512, 1024, 1536, 2048, 2560, 3072, 3584, 4096];
const INODES_AT = [4, 8, 12, 16, 20, 28, 36, 48, 64, 96];

/** `count` of a list, evenly spread, the first and the last among them. */
export function spread<T>(list: readonly T[], count: number): readonly T[] {
  if (list.length <= count) return list;
  const step = (list.length - 1) / Math.max(1, count - 1);
  const chosen = Array.from({ length: count }, (_, i) => Math.round(i * step));
  return list.filter((_, i) => chosen.includes(i));
}
