import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ContainerStore, members } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { CommandError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { sanitizeText } from '../../output/sanitize.ts';

/** `tsbuild top`: the processes of a container, as this machine's ps shows them. */
export const topCommand = defineCommand({
  name: 'top',
  synopsis: 'CONTAINER [PS OPTIONS]',
  summary: 'List the processes of a container',
  options: {},
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'a CONTAINER' },
  stopAtOperand: true,
  examples: [
    ['tsbuild top web', 'The processes of web'],
    ['tsbuild top web -o pid,args', 'With other columns'],
  ],
  async run({ operands, settings }, host) {
    const [name = '', ...words] = operands;
    const container = new ContainerStore(settings.root).find(name);
    const { process } = container.state();
    if (process === undefined || !container.isRunning)
      throw new CommandError(`Container ${container.id} is not running`);
    const options = words.length === 0 ? ['-f'] : words;
    const { stdout } = await promisify(execFile)('ps', [...options, '-p', members(process.pid).join(',')]);
    host.stdout.write(columns(stdout));
    return EXIT_OK;
  },
});

const NARROWEST = 20;
const GAP = 3;

/** What ps printed in docker's columns; the last one is a command line and has blanks of its own. */
function columns(listing: string): string {
  const lines = listing.split('\n').filter((line) => line !== '');
  const count = (lines[0] ?? '').trim().split(/\s+/).length;
  const rows = lines.map((line) => {
    const words = line.trim().split(/\s+/);
    return [...words.slice(0, count - 1), words.slice(count - 1).join(' ')];
  });
  const widths = Array.from({ length: count - 1 }, (_, i) =>
    Math.max(NARROWEST, ...rows.map((row) => (row[i] ?? '').length + GAP)),
  );
  return rows.map((row) => `${row.map((cell, i) => sanitizeText(cell).padEnd(widths[i] ?? 0)).join('')}\n`).join('');
}
