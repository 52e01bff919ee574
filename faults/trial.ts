import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkStore, pruneCache, Store } from '@tsbuild/builder';
import { ownerState } from '@tsbuild/oci/internal';
import { leftoversAfterDeath } from '../test/support/leftovers.ts';
import { type Ended, output, run } from '../test/support/process.ts';
import { FREEING, type Point, type Undisturbed, watch } from './points.ts';
import { imagesOf, type Lab } from './scenario.ts';
import { stallAt } from './stall.ts';
import { type Disturbed, runWith } from './strace.ts';

/** What one point came to. */
export interface Outcome {
  readonly point: Point;
  /** How the disturbed command ended. */
  readonly end: 'killed' | 'failed' | 'succeeded';
  /** What the killed or failing command left, which prune removed. */
  readonly litter: number;
  /** What should not be; nothing when the point was survived. */
  readonly faults: readonly string[];
}

const signal = new AbortController().signal;

/** How often a point is aimed at that runs do not reach. */
const AIMS = 3;

/**
 * Disturbs a command and looks at what it left: nothing committed is damaged, the same command then succeeds with the same
 * result, and after a prune nothing at all is left over.
 *
 * How many files a command opens depends also on what else the machine does (`/proc` and cgroups are read): a run may end
 * before the call at which the fault was to come. Then the last such call that it makes now is taken.
 */
export async function tryPoint(lab: Lab, point: Point, expected: Undisturbed, directory: string): Promise<Outcome> {
  let aim = point;
  const faults: string[] = [];
  for (let attempt = 1; ; attempt++) {
    const tried = await tryOnce(lab, aim, expected, `${directory}-${attempt}`);
    faults.push(...tried.faults);
    if (tried.isHit) return { ...tried, faults };
    const next = attempt < AIMS ? await reached(lab, aim, `${directory}-${attempt}-watched`) : undefined;
    if (next === undefined) {
      // What was never disturbed shows nothing.
      return { ...tried, faults: [...faults, 'the fault did not come: this run made other calls'] };
    }
    aim = next;
  }
}

/** The last call of a point's name that a run makes now, up to the one that the point names. */
async function reached(lab: Lab, point: Point, directory: string): Promise<Point | undefined> {
  if (point.kind !== 'call') return undefined;
  const { calls } = await watch(lab, point.scenario, directory);
  await rm(directory, { recursive: true, force: true });
  const last = calls.findLast(({ name, at }) => name === point.name && at <= point.at);
  return last === undefined ? undefined : { ...point, ...last };
}

async function tryOnce(
  lab: Lab,
  point: Point,
  expected: Undisturbed,
  directory: string,
): Promise<Outcome & { readonly isHit: boolean }> {
  await mkdir(directory, { recursive: true });
  const store = join(directory, 'store');
  if (point.kind === 'full') await mount(directory, '512m', '100000');
  try {
    await lab.begin(point.scenario, store);
    const before = cgroupsOfTheDead();
    const ended = await disturb(lab, point, store, directory);
    const end =
      ended.exitCode === 0 ? 'succeeded' : ended.exitCode === -1 || ended.exitCode === 137 ? 'killed' : 'failed';
    const faults = [...sayings(ended, point, end), ...(ended.faults ?? [])];
    if (end === 'succeeded' && (await imagesOf(store)) !== expected.images) faults.push('it made a wrong image');
    const litter = await lookAfter(lab, point, expected, store, faults, before);
    return { point, end, litter, faults, isHit: ended.isHit };
  } finally {
    if (point.kind === 'full') await output('umount', [directory]);
    await rm(directory, { recursive: true, force: true });
  }
}

async function disturb(
  lab: Lab,
  point: Point,
  store: string,
  directory: string,
): Promise<Disturbed & { readonly faults?: readonly string[] }> {
  if (point.kind === 'stall') return stallAt(lab, point, store);
  const words = lab.words(point.scenario.args);
  if (point.kind === 'call') return runWith(point, words, lab.env(store), `${store}.log`);
  const used = await usage(directory);
  const limits =
    point.limit === 'size'
      ? [`${used.kibibytes + point.count}k`, '100000']
      : ['512m', String(used.inodes + point.count)];
  await mount(directory, limits[0] ?? '', limits[1] ?? '', 'remount');
  const [program = '', ...args] = words;
  const ended = await run(program, args, { env: lab.env(store) });
  await mount(directory, '512m', '100000', 'remount');
  return { ...ended, isHit: true };
}

/** A failure is told of in one piece, without a stack; and nothing but the kill itself kills. */
function* sayings({ stderr }: Ended, point: Point, end: Outcome['end']): Generator<string> {
  if (/unhandled|node:internal|^\s+at .*:\d+:\d+\)?$/im.test(stderr)) yield `it ended with a stack trace: ${stderr}`;
  if (end === 'failed' && !/\S/.test(stderr)) yield 'it failed and said nothing';
  if (end === 'failed' && point.kind === 'full' && FREEING.has(point.scenario.name))
    yield `it frees nothing on a full disk: ${stderr}`;
  if (end === 'killed' && (point.kind !== 'call' || point.fault !== 'SIGKILL')) yield `it died: ${stderr}`;
}

async function lookAfter(
  lab: Lab,
  { scenario }: Point,
  expected: Undisturbed,
  store: string,
  faults: string[],
  before: readonly string[],
): Promise<number> {
  faults.push(...(await leftoversAfterDeath(store)));
  const litter = existsSync(join(store, 'oci-layout')) ? await check(store, 'damaged', faults, 'after it') : 0;
  const again = await command(lab, scenario.args, store);
  if (again !== undefined) faults.push(`repeated, it fails: ${again}`);
  else if ((await imagesOf(store)) !== expected.images) faults.push('repeated, it makes another image');
  if (scenario.afterwards !== undefined) {
    const failure = await command(lab, scenario.afterwards, store);
    if (failure !== undefined) faults.push(`a build afterwards fails: ${failure}`);
    else if ((await imagesOf(store)) !== expected.images) faults.push('a build afterwards makes another image');
  }
  await pruneCache(await Store.open(store), { all: false }, signal);
  await check(store, 'any', faults, 'after a prune');
  for (const folder of ['tmp', 'leases', 'mounts']) {
    const left = existsSync(join(store, folder)) ? readdirSync(join(store, folder)) : [];
    if (left.length > 0) faults.push(`after a prune ${folder} holds ${left.join(' ')}`);
  }
  faults.push(...(await cgroupsAfterPrunes(store, before)));
  return litter;
}

async function command(lab: Lab, args: readonly string[], store: string): Promise<string | undefined> {
  const [program = '', ...words] = lab.words(args);
  const { exitCode, stderr } = await run(program, words, { env: lab.env(store) });
  return exitCode === 0 ? undefined : `exit code ${exitCode}: ${stderr}`;
}

/** Returns the number of leftovers. */
async function check(store: string, severity: 'damaged' | 'any', faults: string[], when: string): Promise<number> {
  const { findings } = await checkStore(store, {}, signal);
  for (const finding of findings) {
    if (finding.severity === 'litter' && severity === 'damaged') continue;
    faults.push(`fsck ${when}: ${finding.severity}: ${finding.path}: ${finding.message}`);
  }
  return findings.filter((finding) => finding.severity === 'litter').length;
}

/** Other points, and other users of this machine, may leave theirs at any moment: what a prune takes away does not count. */
async function cgroupsAfterPrunes(store: string, before: readonly string[]): Promise<readonly string[]> {
  for (let attempt = 0; ; attempt++) {
    const left = cgroupsOfTheDead().filter((path) => !before.includes(path));
    if (left.length === 0 || attempt === 50) return left;
    await sleep(200);
    await pruneCache(await Store.open(store), { all: false }, signal);
  }
}

/** Cgroups of commands whose tsbuild is gone. */
function cgroupsOfTheDead(): readonly string[] {
  const roots = ['/sys/fs/cgroup', ...namesIn('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}`)];
  const found = roots.flatMap((root) => [
    ...namesIn(`${root}/tsbuild`).map((name) => `${root}/tsbuild/${name}`),
    ...namesIn(root).flatMap((name) => (name.startsWith('tsbuild-') ? [`${root}/${name}`] : [])),
  ]);
  return found.filter((path) => {
    const tag = /\/(?:tsbuild-)?(\d+-\d+-[0-9a-f]{8})-[0-9a-f]+$/.exec(path)?.[1];
    return tag !== undefined && ownerState(tag) === 'gone';
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A file system of our own, so that it can be full. */
async function mount(directory: string, size: string, inodes: string, ...more: readonly string[]): Promise<void> {
  const options = [...more, `size=${size}`, `nr_inodes=${inodes}`].join(',');
  await output('mount', ['-t', 'tmpfs', '-o', options, 'tsbuild-faults', directory]);
}

async function usage(directory: string): Promise<{ readonly kibibytes: number; readonly inodes: number }> {
  const columns = (await output('df', ['--output=used,iused', '-k', directory])).trim().split('\n')[1] ?? '';
  const [kibibytes = 0, inodes = 0] = columns.trim().split(/\s+/).map(Number);
  return { kibibytes, inodes };
}
