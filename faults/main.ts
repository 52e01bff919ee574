import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Point, pointsOf, spread, type Undisturbed, watch } from './points.ts';
import { Lab } from './scenario.ts';
import { tableOf } from './table.ts';
import { type Outcome, tryPoint } from './trial.ts';

const USAGE = `npm run faults -- [options]
  --full            every point (default: 40, spread over all)
  --points N        so many, spread over all
  --scenario NAME   only this one; may be given several times
  --jobs N          side by side (default 2)
  --point TEXT      only this one, as --list names it; may be given several times
  --list            names the points
`;

/** Runs the command. @returns the exit code: 0 when every point was survived, 1 otherwise, 2 for wrong options */
export async function run(cli: string, base: string, argv: readonly string[]): Promise<number> {
  const options = {
    full: { type: 'boolean' },
    points: { type: 'string' },
    scenario: { type: 'string', multiple: true },
    jobs: { type: 'string' },
    point: { type: 'string', multiple: true },
    list: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    ({ values } = parseArgs({ args: [...argv], options }));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-faults-'));
  try {
    await using lab = await Lab.open(directory, cli, base);
    const names = values.scenario ?? lab.scenarios.map(({ name }) => name);
    const watched: Undisturbed[] = [];
    for (const scenario of lab.scenarios) if (names.includes(scenario.name)) watched.push(await watch(lab, scenario));
    const all = watched.flatMap(pointsOf).filter((point) => values.point?.includes(describe(point)) ?? true);
    const points = spread(all, values.full ? Infinity : Number(values.points ?? 40));
    if (values.list) {
      process.stdout.write(points.map((point) => `${describe(point)}\n`).join(''));
      return 0;
    }
    const outcomes = await tryAll(lab, points, watched, Number(values.jobs ?? 2));
    process.stdout.write(`${tableOf(outcomes)}\n`);
    return outcomes.every(({ faults }) => faults.length === 0) ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Tries points, a few side by side; tells of each that was not survived as it happens. */
export async function tryAll(
  lab: Lab,
  points: readonly Point[],
  watched: readonly Undisturbed[],
  jobs: number,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const queue = points.entries();
  const work = async (): Promise<void> => {
    for (const [number, point] of queue) {
      const expected = watched.find(({ scenario }) => scenario === point.scenario);
      if (expected === undefined) throw new Error(`${point.scenario.name} was not watched`);
      const outcome = await tryPoint(lab, point, expected, join(lab.directory, `point-${number}`));
      outcomes.push(outcome);
      for (const fault of outcome.faults) process.stderr.write(`${describe(point)}: ${fault}\n`);
      if (outcomes.length % 50 === 0) process.stderr.write(`${outcomes.length} of ${points.length}\n`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return outcomes;
}

/** `build: SIGKILL at rename 3`. */
export function describe(point: Point): string {
  const what =
    point.kind === 'call' || point.kind === 'stall'
      ? `${point.kind === 'stall' ? 'stall' : point.fault} at ${point.name} ${point.at}`
      : `${point.limit === 'size' ? `${point.count} KiB` : `${point.count} inodes`} free`;
  return `${point.scenario.name}: ${what}`;
}
