import { stopContainer } from '@tsbuild/builder';
import { defineCommand } from '../command.ts';
import { forEach } from '../container/each.ts';
import { UsageError } from '../errors.ts';

/** Docker's patience, seconds. */
const PATIENCE = '10';

/** `tsbuild stop`: asks containers to end, and ends those that do not. */
export const stopCommand = defineCommand({
  name: 'stop',
  synopsis: 'CONTAINER [CONTAINER…]',
  summary: 'End containers: a signal first, SIGKILL when they do not heed it',
  options: {
    time: {
      kind: 'value',
      short: 't',
      placeholder: 'SECONDS',
      describe: 'How long to wait for the signal to work (10)',
    },
  },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one CONTAINER or more' },
  examples: [['tsbuild stop -t 30 web', 'End web; it has 30 seconds to do it in order']],
  async run({ options, operands, settings }, host) {
    const text = options.time ?? PATIENCE;
    if (!/^-?\d+$/.test(text))
      throw new UsageError(`invalid --time ${JSON.stringify(text)}: expected seconds`, { command: 'stop' });
    return forEach(operands, (container) => stopContainer(container, Number(text)), settings, host);
  },
});
