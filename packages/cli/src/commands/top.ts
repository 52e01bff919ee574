import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ContainerStore, members } from '@tsbuild/builder';
import { defineCommand } from '../command.ts';
import { CommandError } from '../errors.ts';
import { EXIT_OK } from '../exit-code.ts';

/** `tsbuild top`: the processes of a container, as this machine's ps shows them. */
export const topCommand = defineCommand({
  name: 'top',
  synopsis: 'CONTAINER [PS OPTIONS]',
  summary: 'List the processes of a container',
  options: {},
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'a CONTAINER' },
  stopAtOperand: true,
  examples: [
    ['tsbuild top web', 'What runs in web'],
    ['tsbuild top web -o pid,args', 'In other columns'],
  ],
  async run({ operands, settings }, host) {
    const [name = '', ...words] = operands;
    const container = new ContainerStore(settings.root).find(name);
    const { process } = container.state();
    if (process === undefined || !container.isRunning)
      throw new CommandError(`Container ${container.shortId} is not running`);
    const options = words.length === 0 ? ['-f'] : words;
    const { stdout } = await promisify(execFile)('ps', [...options, '-p', members(process.pid).join(',')]);
    host.stdout.write(stdout);
    return EXIT_OK;
  },
});
