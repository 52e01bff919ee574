import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT } from '../fuzz/project.ts';
import { installCli } from '../test/support/install-cli.ts';
import { output } from '../test/support/process.ts';
import { buildCell, type Ground, PASSES } from './build-cell.ts';
import { Comparison } from './comparison.ts';
import { type Cell, cells, modes } from './matrix.ts';
import { makePlaces } from './places.ts';

const USAGE = `npm run reproducible -- [--short] [--filesystem NAME] [--mode NAME]
Builds one project on every filesystem, as every user, with every executor, umask and language, cold, cached and once more, from
checkouts of different times, all with one SOURCE_DATE_EPOCH; and compares the images.
  --short             every filesystem, mode and umask, but not every pair of them
  --filesystem NAME   only this one
  --mode NAME         only modes whose name has this in it
  --cli FILE          the command to try (default: bundled now)
`;

/** Set in the process that has a mount namespace of its own. */
const MARK = 'TSBUILD_REPRODUCIBLE';

const OPTIONS = {
  short: { type: 'boolean' },
  filesystem: { type: 'string' },
  mode: { type: 'string' },
  cli: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** Runs the command. @returns the exit code: 0 when all images of a stage are one image, 1 when not */
export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS });
  if (values.help === true) return show(USAGE);
  if (process.geteuid?.() === 0 && process.env[MARK] === undefined) return inMountNamespace();
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-reproducible-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const ground = await makeGround(folder, values.cli);
  const { places, missing: otherPlaces, unmount } = await makePlaces(folder);
  process.prependOnceListener('exit', unmount);
  const { offered, missing: otherModes } = modes();
  const wanted = cells(
    places.filter(({ filesystem }) => values.filesystem === undefined || filesystem === values.filesystem),
    offered.filter(({ name }) => name.includes(values.mode ?? '')),
    values.short === true,
  );
  const comparison = new Comparison();
  show(row(['filesystem', 'mode', 'umask', 'TZ', 'LANG', 'stage', ...PASSES]));
  for (const [number, cell] of wanted.entries()) {
    const images = await buildCell(cell, number, ground);
    const { place, mode, umask, locale } = cell;
    for (const [stage, verdicts] of await comparison.add(nameOf(cell), images)) {
      show(row([place.filesystem, mode.name, umask, locale.zone, locale.language, stage, ...verdicts]));
    }
  }
  for (const text of [...otherPlaces, ...otherModes]) show(`not tried: ${text}\n`);
  show(comparison.summary());
  return comparison.isOne ? 0 : 1;
}

/** Mounts then go with this program, however it ends. */
function inMountNamespace(): number {
  const words = ['--mount', '--propagation', 'private', process.execPath, ...process.argv.slice(1)];
  const { status, error } = spawnSync('unshare', words, { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } });
  if (error !== undefined) throw error;
  return status ?? 1;
}

/** The command where every user can read it, and the base image. */
async function makeGround(folder: string, given: string | undefined): Promise<Ground> {
  const cli = given ?? join(folder, 'bin/dist/main.js');
  if (given === undefined) await installCli(cli);
  const made = await output(process.execPath, [join(PROJECT, 'fixtures/bases/make.mjs'), '--only', 'busybox']);
  const base = join(folder, 'base.tar');
  await output('cp', [made.trim().split('\t')[1] ?? '', base]);
  chmodSync(base, 0o644);
  return { cli, base };
}

function nameOf({ place, mode, umask, locale }: Cell): string {
  return `${place.filesystem}, ${mode.name}, umask ${umask}, ${locale.zone}, ${locale.language}`;
}

const WIDTHS = [10, 16, 5, 18, 16, 5, 12, 12, 12];

function row(texts: readonly string[]): string {
  return `${texts
    .map((text, i) => text.padEnd(WIDTHS[i] ?? 0))
    .join('  ')
    .trimEnd()}\n`;
}

function show(text: string): number {
  process.stdout.write(text);
  return 0;
}
