import { type Container, ContainerStore, Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { forEach } from '../../container/each.ts';
import { inUserNamespace, launch } from '../../container/program.ts';
import { processStreams, requireTerminal, talk } from '../../container/talk.ts';
import { CommandError, UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';

/** `tsbuild start`: containers that have ended, or never ran, once more. */
export const startCommand = defineCommand({
  name: 'start',
  synopsis: 'CONTAINER [CONTAINER…]',
  summary: 'Start stopped containers',
  options: {
    attach: { kind: 'flag', short: 'a', describe: 'Attach its output and forward signals' },
    interactive: { kind: 'flag', short: 'i', describe: 'Attach standard input' },
    'detach-keys': { kind: 'value', placeholder: 'KEYS', describe: 'Key sequence that detaches (ctrl-p,ctrl-q)' },
  },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'one CONTAINER or more' },
  examples: [['tsbuild start -ai app-container', 'Back into a container with a shell']],
  async run({ options, operands, settings }, host) {
    const { attach, interactive } = options;
    const attached = attach || interactive;
    if (attached && operands.length > 1)
      throw new UsageError('you cannot start and attach multiple containers at once', { command: 'start' });
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;
    const store = await Store.open(settings.root);
    if (!attached) return forEach(operands, (container) => startInBackground(container, store, host), settings, host);

    const container = new ContainerStore(settings.root).find(operands[0] ?? '');
    if (container.isRunning)
      throw new CommandError(`${container.name} is already running`, { hint: `tsbuild attach ${container.name}` });
    const { terminal, openStdin } = container.config;
    if (terminal && interactive) requireTerminal(host);
    using client = await launch(container, store, host);
    client.attach(processStreams(host), interactive && openStdin);
    const end = await talk(
      client,
      {
        terminal,
        input: interactive && openStdin,
        detachKeys: options['detach-keys'],
        onSignal: (name) => void client.signal(name).catch(() => {}),
        start: (size) => client.start(size),
      },
      host,
    );
    return end?.exitCode ?? EXIT_OK;
  },
});

/** Starts a container and leaves it to itself. @throws CommandError when it could not be started */
export async function startInBackground(container: Container, store: Store, host: Host): Promise<void> {
  // As docker: what runs already is no error.
  if (container.isRunning) return;
  using client = await launch(container, store, host);
  const ended = client.ended();
  ended.catch(() => {});
  await client.start();
  const { startFailure } = await Promise.race([ended, { startFailure: undefined }]);
  if (startFailure !== undefined) throw new CommandError(startFailure);
}
