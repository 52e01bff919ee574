import { stopContainer } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { forEach } from '../../container/each.ts';
import { patienceOf, patienceOption } from '../../container/patience.ts';

/** `tsbuild stop`: asks containers to end, and ends those that do not. */
export const stopCommand = defineCommand({
  name: 'stop',
  synopsis: 'CONTAINER [CONTAINER…]',
  summary: 'End containers: a signal first, SIGKILL when they do not heed it',
  options: { time: patienceOption },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one CONTAINER or more' },
  examples: [['tsbuild stop -t 30 web', 'End web; it has 30 seconds to do it in order']],
  async run({ options, operands, settings }, host) {
    const patience = patienceOf(options.time, 'stop');
    return forEach(operands, (container) => stopContainer(container, patience), settings, host);
  },
});
