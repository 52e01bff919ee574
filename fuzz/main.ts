import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { campaign, replay } from './campaign.ts';
import type { CampaignResult } from './campaign.ts';
import { Findings } from './findings.ts';
import { PROJECT } from './project.ts';
import { findTarget, TARGETS } from './targets.ts';
import type { Target } from './target.ts';

const USAGE = `npm run fuzz -- [options]
  --minutes N      how long all of it takes (default 1), shared by the targets
  --executions N   instead of minutes: so many inputs for each target
  --target NAME    only this one; may be given several times
  --seed S         the same seed gives the same inputs (default: one of today's own)
  --jobs N         processes side by side (default: one for each core)
  --replay FILE    runs one kept input again
  --list           names all targets
`;

/** Runs the command. @returns the exit code: 0 when nothing was found, 1 with findings, 2 for wrong options */
export async function run(workerPath: string, argv: readonly string[]): Promise<number> {
  try {
    return await runWith(workerPath, optionsOf(argv));
  } catch (error) {
    if (!(error instanceof RangeError) && !(error instanceof TypeError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    return 2;
  }
}

type Options = ReturnType<typeof optionsOf>;

function optionsOf(argv: readonly string[]) {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string' },
      executions: { type: 'string' },
      target: { type: 'string', multiple: true },
      seed: { type: 'string' },
      jobs: { type: 'string' },
      replay: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const number = (name: 'minutes' | 'executions' | 'jobs', otherwise: number): number => {
    const value = Number(values[name] ?? otherwise);
    if (value > 0) return value;
    throw new RangeError(`--${name} must be a number above 0`);
  };
  const limited = values.executions !== undefined;
  return {
    ...values,
    minutes: limited ? 24 * 60 : number('minutes', 1),
    executions: limited ? number('executions', 1) : Number.MAX_SAFE_INTEGER,
    jobs: number('jobs', availableParallelism()),
    seed: values.seed ?? String(Date.now() % 1_000_000),
    targets: values.target?.map(findTarget) ?? TARGETS,
  };
}

async function runWith(workerPath: string, options: Options): Promise<number> {
  if (options.help === true) return show(USAGE);
  if (options.list === true) return show(`${TARGETS.map(({ name }) => name).join('\n')}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-fuzz-run-'));
  // What the targets put into temporary folders goes with this one, also when a process is killed.
  process.env['TMPDIR'] = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  if (options.replay !== undefined) return replayOne(workerPath, folder, options.replay);
  return fuzz(workerPath, folder, options);
}

async function fuzz(workerPath: string, folder: string, options: Options): Promise<number> {
  const waiting = options.targets.filter(isReady);
  const share = (options.minutes * 60_000 * Math.min(options.jobs, waiting.length)) / waiting.length;
  show(`seed ${options.seed}, ${waiting.length} targets, ${options.jobs} side by side\n`);
  const findings = new Findings();
  const results: CampaignResult[] = [];
  const job = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const { seed, executions } = options;
      results.push(
        await campaign(target.name, { workerPath, folder, seed, executions, milliseconds: share }, findings),
      );
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, job));
  show(tableOf(results, findings));
  return findings.count === 0 ? 0 : 1;
}

function isReady(target: Target): boolean {
  const why = target.missing?.();
  if (why !== undefined) show(`${target.name} is passed over: ${why}\n`);
  return why === undefined;
}

function tableOf(results: readonly CampaignResult[], findings: Findings): string {
  const rows = results.map(({ target, executions, accepted, seconds, corpus, slowest }) => [
    target,
    String(executions),
    (executions / seconds).toFixed(0),
    `${((100 * accepted) / Math.max(1, executions)).toFixed(0)} %`,
    String(corpus),
    slowest.toFixed(0),
    String(findings.of(target).length),
  ]);
  const head = ['target', 'executions', 'per second', 'accepted', 'corpus', 'slowest ms', 'findings'];
  const widths = head.map((title, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? title.length)),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  const total = results.reduce((sum, { executions }) => sum + executions, 0);
  const kept = results
    .flatMap(({ target }) => findings.of(target))
    .map(
      ({ target, path, error, count }) => `${target} (${count} times): ${error}\n  npm run fuzz -- --replay ${path}`,
    );
  const lines = [line(head), ...rows.map(line), '', ...kept, `${total} executions, ${findings.count} findings`];
  return `\n${lines.join('\n')}\n`;
}

async function replayOne(workerPath: string, folder: string, file: string): Promise<number> {
  const path = resolve(PROJECT, file);
  const name = basename(path).replace(/-[0-9a-f]{12}\.bin$/, '');
  const errors: string[] = [];
  const { end, state } = await replay(findTarget(name).name, path, { workerPath, folder }, ({ error, stack }) =>
    errors.push(`${error}\n${stack}`),
  );
  const outcome = state.accepted > 0 ? 'accepted' : state.refused > 0 ? 'refused' : 'broken';
  const death = end.kind === 'finished' ? '' : `${'how' in end ? end.how : end.kind}\n`;
  show(`${name}: ${errors.join('\n')}${death}${outcome} after ${state.slowest.toFixed(0)} ms\n`);
  return outcome === 'broken' || end.kind !== 'finished' ? 1 : 0;
}

function show(text: string): number {
  process.stdout.write(text);
  return 0;
}
