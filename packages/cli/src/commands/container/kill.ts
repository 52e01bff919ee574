import { BuildError, type Container, killContainer, signalNumber } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { forEach } from '../../container/each.ts';
import { CommandError } from '../../host/usage-error.ts';

/** `tsbuild kill`: a signal for the first process of containers. */
export const killCommand = defineCommand({
  name: 'kill',
  synopsis: 'CONTAINER [CONTAINER…]',
  summary: 'Send a signal to running containers, by default SIGKILL',
  options: { signal: { kind: 'value', short: 's', placeholder: 'SIGNAL', describe: 'The signal to send (SIGKILL)' } },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one CONTAINER or more' },
  examples: [['tsbuild kill -s HUP web', 'Let web reload its configuration']],
  async run({ options, operands, settings }, host) {
    const signal = options.signal ?? 'SIGKILL';
    signalNumber(signal);
    return forEach(operands, (container) => kill(container, signal), settings, host);
  },
});

async function kill(container: Container, signal: string): Promise<void> {
  try {
    await killContainer(container, signal);
  } catch (cause) {
    if (!(cause instanceof BuildError) || cause.code !== 'CONTAINER_NOT_RUNNING') throw cause;
    throw new CommandError(`Cannot kill container: ${container.name}: ${cause.message}`, { cause });
  }
}
