import { MonitorClient } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { forEach } from '../../container/each.ts';
import { untilAborted } from '../../host/until-aborted.ts';

/** `tsbuild wait`: until containers have ended. */
export const waitCommand = defineCommand({
  name: 'wait',
  synopsis: 'CONTAINER [CONTAINER…]',
  summary: 'Wait for containers to exit, and print their exit codes',
  options: {},
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one CONTAINER or more' },
  examples: [['tsbuild wait job', 'Wait for job and print its exit code']],
  async run({ operands, settings }, host) {
    return forEach(
      operands,
      async (container) => {
        if (container.isRunning) {
          using client = await MonitorClient.open(container);
          if (client !== undefined) {
            client.wait();
            return String((await untilAborted(client.ended(), host.signal)).exitCode);
          }
        }
        return String(container.state().exitCode);
      },
      settings,
      host,
    );
  },
});
