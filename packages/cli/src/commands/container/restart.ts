import { stopContainer, Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { forEach } from '../../container/each.ts';
import { patienceOf, patienceOption } from '../../container/patience.ts';
import { inUserNamespace } from '../../container/program.ts';
import { startInBackground } from './start.ts';

/** `tsbuild restart`: what runs is ended in order, and all of it started. */
export const restartCommand = defineCommand({
  name: 'restart',
  synopsis: 'CONTAINER [CONTAINER…]',
  summary: 'Restart containers',
  options: { time: patienceOption },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one CONTAINER or more' },
  examples: [['tsbuild restart web', 'Start it again with the same files']],
  async run({ options, operands, settings }, host) {
    const patience = patienceOf(options.time, 'restart');
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;
    const store = await Store.open(settings.root);
    return forEach(
      operands,
      async (container) => {
        await stopContainer(container, patience);
        await startInBackground(container, store, host);
      },
      settings,
      host,
    );
  },
});
