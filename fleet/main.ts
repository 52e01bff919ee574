import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT } from '../fuzz/project.ts';
import { makeBaseStorage } from './lab/base-storage.ts';
import { Lab, type Size } from './lab/lab.ts';
import { compare, type Comparison } from './peers/comparison.ts';
import { comparedText, comparisonText, type Row, rowText, tableOf, writeBetweenMarkers } from './report/table.ts';
import { SCENARIOS } from './scenarios/all.ts';
import { Judge } from './scenarios/judge.ts';
import type { Finding, Scenario } from './scenarios/scenario.ts';

const USAGE = `npm run fleet -- [options]
  --short           a minute: few builders, small layers, the quick half of the troubles
  --builders N      builders of the scenarios that count them (default 100, short 5)
  --jobs N          builders at once (default 4, short 3)
  --lanes N         scenarios at once, each lane with a registry of its own (default 1, short 3)
  --only S1,S8      only these scenarios
  --seed TEXT       the same files, faults and moments again (default: the time)
  --peers           BuildKit with --cache-to type=registry beside tsbuild
  --write           puts the table into docs/shared-cache.md
  --json FILE       where the figures go (default .tsbuild/fleet.json)
  --list            names the scenarios
`;

const MEMORY = '/dev/shm';
/** `TMPFS_MAGIC` of statfs(2). */
const TMPFS = 0x01021994;
/** Bytes; a short run takes less than half of it. */
const ROOM = 2 ** 30;

const FULL: Size = { builders: 100, atOnce: 4, kills: 200, records: 10_000, isFull: true };
const SHORT: Size = { builders: 5, atOnce: 3, kills: 3, records: 50, isFull: false };

/** Runs the command. @returns the exit code: 0 when all scenarios hold, 1 otherwise, 2 for wrong options */
export async function run(cli: string, base: string, argv: readonly string[]): Promise<number> {
  let values: ReturnType<typeof readOptions>;
  try {
    values = readOptions(argv);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (values.help) process.stdout.write(USAGE);
  if (values.list) process.stdout.write(SCENARIOS.map(({ id, title }) => `${id} ${title}\n`).join(''));
  if (values.help || values.list) return 0;
  const preset = values.short ? SHORT : FULL;
  const builders = Number(values.builders ?? preset.builders);
  const size = { ...preset, builders, atOnce: Number(values.jobs ?? preset.atOnce) };
  const seed = values.seed ?? String(Date.now());
  const lanes = Number(values.lanes ?? (values.short ? 3 : 1));
  const only = values.only?.split(',');
  const chosen = SCENARIOS.filter(({ id }) => only?.includes(id) ?? true);
  const directory = mkdtempSync(join(values.short ? quickDisk() : tmpdir(), 'tsbuild-fleet-'));
  let rows: readonly Row[] = [];
  let comparison: Comparison | undefined;
  try {
    const baseStorage = await makeBaseStorage(directory, cli, base);
    const openLab = (name: string) => Lab.open({ directory: join(directory, name), cli, baseStorage, seed, size });
    rows = await runScenarios(chosen, lanes, openLab);
    if (values.peers) {
      await using lab = await openLab('peers');
      comparison = await compare(lab);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  if (comparison !== undefined) printComparison(comparison);
  const held = rows.filter(({ finding }) => finding.faults.length === 0).length;
  process.stdout.write(`${held} of ${rows.length} scenarios hold\n`);
  if (held < rows.length) process.stdout.write(`seed ${seed}\n`);
  const json = values.json ?? join(PROJECT, '.tsbuild/fleet.json');
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, `${JSON.stringify({ seed, size, rows, comparison }, null, 2)}\n`);
  if (values.write) {
    const parts = [tableOf(rows), ...(comparison === undefined ? [] : [comparisonText(comparison)])];
    writeBetweenMarkers(join(PROJECT, 'docs/shared-cache.md'), parts.join('\n\n'));
  }
  return held === rows.length && (comparison?.faults ?? []).length === 0 ? 0 : 1;
}

/** The short form needs little room, and a disk of memory waits for no sync. The full one is about real disks. */
function quickDisk(): string {
  try {
    const { type, bavail, bsize } = statfsSync(MEMORY);
    return type === TMPFS && bavail * bsize >= ROOM ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

function printComparison({ peer, rows, faults }: Comparison): void {
  process.stdout.write(`${peer}\n`);
  for (const row of rows) process.stdout.write(`${comparedText(row)}\n`);
  for (const fault of faults) process.stdout.write(`      ${fault}\n`);
}

/**
 * Runs scenarios, one after the other in each lane, and prints a row of each as it ends. Lanes have labs of their own: a fault
 * that one scenario plans must not befall another.
 * @returns the rows in the order of the scenarios
 */
async function runScenarios(
  scenarios: readonly Scenario[],
  lanes: number,
  openLab: (name: string) => Promise<Lab>,
): Promise<readonly Row[]> {
  const rows = new Map<Scenario, Row>();
  const waiting = [...scenarios];
  const runLane = async (_: unknown, lane: number): Promise<void> => {
    await using lab = await openLab(`lab-${lane}`);
    for (let scenario = waiting.shift(); scenario !== undefined; scenario = waiting.shift()) {
      const started = performance.now();
      const row = { scenario, finding: await findingOf(scenario, lab) };
      rows.set(scenario, row);
      process.stdout.write(`${rowText(row, (performance.now() - started) / 1000)}\n`);
      for (const fault of row.finding.faults) process.stdout.write(`      ${fault}\n`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, runLane));
  return scenarios.flatMap((scenario) => rows.get(scenario) ?? []);
}

/** A scenario that cannot be carried through does not hold, and the next one still runs. */
async function findingOf(scenario: Scenario, lab: Lab): Promise<Finding> {
  const judge = new Judge();
  try {
    const figures = await scenario.run(lab, judge);
    return { faults: judge.faults, figures };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { faults: [...judge.faults, `it ended early: ${text}`], figures: {} };
  } finally {
    lab.proxy.plan = undefined;
    lab.proxy.latency = 0;
  }
}

function readOptions(argv: readonly string[]) {
  const options = {
    short: { type: 'boolean' },
    builders: { type: 'string' },
    jobs: { type: 'string' },
    lanes: { type: 'string' },
    only: { type: 'string' },
    seed: { type: 'string' },
    peers: { type: 'boolean' },
    write: { type: 'boolean' },
    json: { type: 'string' },
    list: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  return parseArgs({ args: [...argv], options }).values;
}
