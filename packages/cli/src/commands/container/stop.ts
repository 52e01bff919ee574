import { stopContainer } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { forEach } from '../../container/each.ts';
import { patienceOf, patienceOption } from '../../container/patience.ts';

/** `tsbuild stop`: asks containers to end, and ends those that do not. */
export const stopCommand = defineCommand({
  name: 'stop',
  synopsis: 'CONTAINER [CONTAINER…]',
  summary: 'Stop containers: send a signal, then SIGKILL if they do not exit',
  options: { time: patienceOption },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one CONTAINER or more' },
  examples: [['tsbuild stop -t 30 web', 'Stop web, and kill it after 30 seconds']],
  async run({ options, operands, settings }, host) {
    const patience = patienceOf(options.time, 'stop');
    return forEach(operands, (container) => stopContainer(container, patience), settings, host);
  },
});
