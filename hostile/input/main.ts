import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Arena } from './arena.ts';
import type { Verdict } from './arena.ts';
import { CATALOGUE } from './catalogue.ts';
import { Containerd } from './containerd.ts';

const USAGE = `npm run hostile -- [--row ROW] [--alone] [--quiet]
Tries every attack of the catalogue against the real code, with a canary outside of every root.
  --row ROW   only the cases of this row (A3), or of this letter (A layers, B registries, C cache, D contexts, R mounts)
  --alone     does not ask containerd
  --quiet     only what is wrong, and the sum
`;

/** Runs the command. @returns the exit code: 0 when every attack was contained or refused as it should be */
export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      row: { type: 'string' },
      quiet: { type: 'boolean' },
      alone: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return show(USAGE);
  const cases = CATALOGUE.filter(({ row }) => values.row === undefined || row === values.row || row[0] === values.row);
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-hostile-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.env['TMPDIR'] = folder;
  await using arena = await Arena.make(folder);
  await using judge = values.alone === true ? undefined : await Containerd.start(join(folder, 'containerd'));
  const verdicts: Verdict[] = [];
  for (const attack of cases) {
    const verdict = await arena.try(attack);
    const problems = [...verdict.problems];
    if (judge !== undefined && attack.layers !== undefined) {
      problems.push(...(await judge.compare(attack, verdict.outcome, arena.canary.path)));
    }
    verdicts.push({ ...verdict, problems });
    if (values.quiet !== true || problems.length > 0) show(lineOf({ ...verdict, problems }));
  }
  return sum(verdicts, judge);
}

function lineOf({ attack, outcome, reason, problems }: Verdict): string {
  const end =
    problems.length > 0 ? `WRONG: ${problems.join('; ')}` : outcome === 'refused' ? `refused: ${reason}` : outcome;
  return `${attack.row.padEnd(4)} ${attack.name}\n       ${printable(end)}\n`;
}

function sum(verdicts: readonly Verdict[], judge: Containerd | undefined): number {
  const tried = verdicts.filter(({ outcome }) => outcome !== 'skipped');
  const good = tried.filter(({ problems }) => problems.length === 0);
  const refused = good.filter(({ outcome }) => outcome === 'refused').length;
  const skipped = verdicts.length - tried.length;
  show(`\n${good.length} of ${tried.length} contained (${refused} of them refused, each with its reason)`);
  show(skipped === 0 ? '\n' : `; ${skipped} need root, a static busybox, or other programs, and were not tried\n`);
  show(judge === undefined ? 'containerd is not here to compare with\n' : judge.summary());
  return good.length === tried.length ? 0 : 1;
}

/** Names are hostile, too. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function show(text: string): number {
  process.stdout.write(text);
  return 0;
}
