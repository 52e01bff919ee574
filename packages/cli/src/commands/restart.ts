import { stopContainer, Store } from '@tsbuild/builder';
import { defineCommand } from '../command.ts';
import { forEach } from '../container/each.ts';
import { inUserNamespace } from '../container/program.ts';
import { UsageError } from '../errors.ts';
import { startInBackground } from './start.ts';

/** `tsbuild restart`: what runs is ended in order, and all of it started. */
export const restartCommand = defineCommand({
  name: 'restart',
  synopsis: 'CONTAINER [CONTAINER…]',
  summary: 'End containers in order, and start them again',
  options: {
    time: {
      kind: 'value',
      short: 't',
      placeholder: 'SECONDS',
      describe: 'How long to wait for the signal to work (10)',
    },
  },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one CONTAINER or more' },
  examples: [['tsbuild restart web', 'A new start with the same files']],
  async run({ options, operands, settings }, host) {
    const text = options.time ?? '10';
    if (!/^-?\d+$/.test(text))
      throw new UsageError(`invalid --time ${JSON.stringify(text)}: expected seconds`, { command: 'restart' });
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;
    const store = await Store.open(settings.root);
    return forEach(
      operands,
      async (container) => {
        await stopContainer(container, Number(text));
        await startInBackground(container, store, host);
      },
      settings,
      host,
    );
  },
});
