import { type Container, MonitorClient } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { forEach } from '../../container/each.ts';
import { CommandError } from '../../host/usage-error.ts';

const operands = { min: 1, max: Number.POSITIVE_INFINITY, what: 'one CONTAINER or more' } as const;

/** `tsbuild pause`: stops the processes of containers where they are. */
export const pauseCommand = defineCommand({
  name: 'pause',
  synopsis: 'CONTAINER [CONTAINER…]',
  summary: 'Suspend all processes of containers',
  options: {},
  operands,
  examples: [['tsbuild pause web', 'Then: tsbuild unpause web']],
  async run({ operands: names, settings }, host) {
    return forEach(names, (container) => pause(container, true), settings, host);
  },
});

/** `tsbuild unpause`: lets them go on. */
export const unpauseCommand = defineCommand({
  name: 'unpause',
  synopsis: 'CONTAINER [CONTAINER…]',
  summary: 'Resume the processes of paused containers',
  options: {},
  operands,
  examples: [['tsbuild unpause web', 'Resume web']],
  async run({ operands: names, settings }, host) {
    return forEach(names, (container) => pause(container, false), settings, host);
  },
});

async function pause(container: Container, on: boolean): Promise<void> {
  using client = await MonitorClient.openRunning(container);
  const isPaused = container.state().status === 'paused';
  if (isPaused === on) throw new CommandError(`Container ${container.id} is ${on ? 'already' : 'not'} paused`);
  await client.pause(on);
}
