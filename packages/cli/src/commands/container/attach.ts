import { ContainerStore, MonitorClient } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { processStreams, requireTerminal, talk } from '../../container/talk.ts';
import { CommandError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';

/** `tsbuild attach`: this terminal becomes that of a running container. */
export const attachCommand = defineCommand({
  name: 'attach',
  synopsis: 'CONTAINER',
  summary: 'Attach to the input and output of a running container',
  options: {
    'detach-keys': { kind: 'value', placeholder: 'KEYS', describe: 'Key sequence that detaches (ctrl-p,ctrl-q)' },
    'no-stdin': { kind: 'flag', describe: 'Do not attach standard input' },
    'sig-proxy': { kind: 'flag', on: true, describe: 'Forward signals to the process' },
  },
  operands: { min: 1, max: 1, what: 'one CONTAINER' },
  examples: [['tsbuild attach app-container', 'Back to its terminal; ctrl-p ctrl-q leaves it again']],
  async run({ options, operands, settings }, host) {
    const container = new ContainerStore(settings.root).find(operands[0] ?? '');
    if (!container.isRunning) {
      throw new CommandError('You cannot attach to a stopped container, start it first', {
        hint: `tsbuild start -a ${container.name}`,
      });
    }
    const { terminal, openStdin } = container.config;
    const input = openStdin && !options['no-stdin'];
    if (terminal && input) requireTerminal(host);
    using client = await MonitorClient.openRunning(container);
    client.attach(processStreams(host), input);
    const end = await talk(
      client,
      {
        terminal,
        input,
        detachKeys: options['detach-keys'],
        start: (size) => {
          if (size !== undefined) client.resize(size);
        },
        ...(options['sig-proxy'] && !(terminal && input)
          ? { onSignal: (name: NodeJS.Signals) => void signal(name) }
          : {}),
      },
      host,
    );
    return end?.exitCode ?? EXIT_OK;

    async function signal(name: string): Promise<void> {
      using other = await MonitorClient.open(container);
      await other?.signal(name).catch(() => {});
    }
  },
});
