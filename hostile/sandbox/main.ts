import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT } from '../../fuzz/project.ts';
import { installCli } from '../../test/support/install-cli.ts';
import { output } from '../../test/support/process.ts';
import { ESCAPES } from './escapes.ts';
import { FEATURES } from './features.ts';
import { INTRUDERS } from './intruders.ts';
import { modes } from './modes.ts';
import { Host } from './prey.ts';
import type { Probe } from './probe.ts';
import { tryMode } from './trial.ts';
import type { Cell, Trial } from './trial.ts';

const USAGE = `npm run sandbox -- [--base debian|busybox] [--mode NAME] [--only NAME]
Tries features and escapes in every mode of running commands that this machine offers.
  --base NAME   debian (made by mmdebstrap, has apt and perl; the default where it can be made) or busybox
  --mode NAME   only modes whose name has this in it
  --only NAME   only features, escapes and intruders whose name has this in it
`;

/** Runs the command. @returns the exit code: 0 when everything works that should, and nothing escapes */
export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      base: { type: 'string' },
      mode: { type: 'string' },
      only: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return show(USAGE);
  const base = values.base ?? (existsSync('/usr/bin/mmdebstrap') ? 'debian' : 'busybox');
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-sandbox-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const cli = join(folder, 'bin/dist/main.js');
  const seed = join(folder, 'seed');
  await installCli(cli);
  const made = await output(process.execPath, [join(PROJECT, 'fixtures/bases/make.mjs'), '--only', base], {
    timeout: 600_000,
  });
  copyFileSync(made.trim().split('\t')[1] ?? '', join(folder, 'base.tar'));
  await output(process.execPath, [cli, '--root', seed, 'load', '-i', join(folder, 'base.tar')]);
  using host = await Host.make(folder);
  const { canary } = host;
  const { offered, missing } = await modes({ folder, cli, seed, canary: canary.path, secret: canary.secret });
  const wanted = <T extends { readonly name: string }>(all: readonly T[]): readonly T[] =>
    all.filter(({ name }) => name.includes(values.only ?? ''));
  const [features, escapes, intruders] = [wanted(FEATURES), wanted(ESCAPES), wanted(INTRUDERS)];
  const image = base === 'debian' ? 'debian:bookworm-slim' : 'busybox';
  const trials: Trial[] = [];
  for (const mode of offered.filter(({ name }) => name.includes(values.mode ?? ''))) {
    show(`${mode.name} …\n`);
    trials.push(await tryMode(mode, host, { base: image, features, escapes, intruders }));
  }
  show(table('feature', features, trials, (trial) => trial.features));
  show(table('escape', escapes, trials, (trial) => trial.escapes));
  show(table('intruder', intruders, trials, (trial) => trial.intruders));
  for (const text of missing) show(`not tried: ${text}\n`);
  return verdict(trials);
}

function table(
  title: string,
  probes: readonly Pick<Probe, 'name' | 'lacking'>[],
  trials: readonly Trial[],
  cells: (trial: Trial) => readonly Cell[],
): string {
  const rows = [
    [title, ...trials.map(({ mode }) => mode.name)],
    ...probes.map(({ name }, i) => [name, ...trials.map((trial) => cells(trial)[i]?.text ?? '')]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const reasons = probes.flatMap(({ name, lacking }) =>
    Object.entries(lacking ?? {}).map(([mode, why]) => `  ${mode}: ${name}: ${why}`),
  );
  return `\n${lines.join('\n')}\n${reasons.length === 0 ? '' : `lacking:\n${reasons.join('\n')}\n`}`;
}

function verdict(trials: readonly Trial[]): number {
  const count = (cells: readonly Cell[], text: string): number => cells.filter((cell) => cell.text === text).length;
  const all = (pick: (trial: Trial) => readonly Cell[]): readonly Cell[] => trials.flatMap(pick);
  const [features, escapes] = [all((trial) => trial.features), all((trial) => trial.escapes)];
  for (const { mode, harm } of trials) if (harm !== undefined) show(`${mode.name}: ${harm}\n`);
  show(
    `\n${count(features, 'works')} features work, ${count(features, 'lacks it')} are lacking as documented, ${count(features, 'BROKEN')} are broken\n`,
  );
  show(
    `${count(escapes, 'held')} of ${escapes.length - count(escapes, '-')} escapes held, in ${trials.length} modes\n`,
  );
  const intruders = all((trial) => trial.intruders);
  show(`${count(intruders, 'held')} of ${intruders.length} intruders held\n`);
  const good =
    [...features, ...escapes, ...intruders].every((cell) => cell.good) &&
    trials.every(({ harm }) => harm === undefined);
  return good && trials.length > 0 ? 0 : 1;
}

function show(text: string): number {
  process.stdout.write(text);
  return 0;
}
