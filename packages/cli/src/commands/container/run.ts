import { type Container, emulationFor, type MonitorClient, removeContainer, Store } from '@tsbuild/builder';
import { formatPlatform, type StoredImage } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { createOptions, createOptionTable } from '../../container/create-options.ts';
import { makeContainer } from '../../container/make-container.ts';
import { inUserNamespace, launch } from '../../container/program.ts';
import { processStreams, requireTerminal, talk } from '../../container/talk.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { sanitizeName } from '../../output/sanitize.ts';

/** What docker itself returns when it fails, where 126 and 127 say that the command could not be started. */
const OWN_FAILURE = 125;

/** `tsbuild run`: a container of an image, from its making to its end. */
export const runCommand = defineCommand({
  name: 'run',
  synopsis: 'IMAGE [COMMAND…]',
  summary: 'Run a command in a new container',
  options: {
    detach: { kind: 'flag', short: 'd', describe: 'Run in the background and print the container ID' },
    'detach-keys': { kind: 'value', placeholder: 'KEYS', describe: 'Key sequence that detaches (ctrl-p,ctrl-q)' },
    'sig-proxy': { kind: 'flag', on: true, describe: 'Forward signals to the process' },
    ...createOptionTable,
  },
  operands: { min: 1, max: Number.POSITIVE_INFINITY, what: 'an IMAGE, and what to run in it' },
  stopAtOperand: true,
  ownFailure: OWN_FAILURE,
  examples: [
    ['tsbuild run -it --rm debian', 'A shell in a new container, which is gone afterwards'],
    ['tsbuild run -d --name web -p 8080:80 my-app', 'A server in the background'],
    ['tsbuild run --rm -v ./src:/src -w /src node npm test', 'A command on files of this machine'],
  ],
  async run({ options, operands, settings }, host) {
    const wanted = createOptions(options, operands, host);
    if (wanted.terminal && wanted.openStdin && !options.detach) requireTerminal(host);
    const inside = await inUserNamespace(host);
    if (inside !== undefined) return inside;

    const store = await Store.open(settings.root);
    const container = await makeContainer(wanted, options, store, host, (image) => tellEmulation(image, store, host));
    using client = await launched(container, store, host);
    if (options.detach) return await detached(container, client, host);
    client.attach(processStreams(host), wanted.openStdin);
    const end = await talk(
      client,
      {
        terminal: wanted.terminal,
        input: wanted.openStdin,
        detachKeys: options['detach-keys'],
        start: (size) => client.start(size),
        ...(options['sig-proxy'] && !(wanted.terminal && wanted.openStdin)
          ? { onSignal: (name) => void client.signal(name).catch(() => {}) }
          : {}),
      },
      host,
    );
    // As docker: who comes back finds nothing of it, volumes included.
    if (wanted.autoRemove && end !== undefined) await client.closed();
    return end?.exitCode ?? EXIT_OK;
  },
});

/**
 * Says by what an image of another platform runs. Its container's monitor finds that out for itself, and holds it; here nothing was
 * made yet where it does not run.
 * @throws BuildError `PLATFORM_NOT_RUNNABLE`
 */
async function tellEmulation({ config }: StoredImage, store: Store, host: Host): Promise<void> {
  using found = await emulationFor(config, store);
  const { runnable } = found;
  if (runnable.kind === 'native') return;
  host.stderr.write(`WARNING: an image for ${formatPlatform(config)} runs emulated by ${runnable.emulator}\n`);
}

/** A container that cannot be looked after is of no use to anybody. */
async function launched(container: Container, store: Store, host: Host): Promise<MonitorClient> {
  try {
    return await launch(container, store, host);
  } catch (error) {
    if (container.config.autoRemove) await removeContainer(container, store, { force: true, volumes: true });
    throw error;
  }
}

async function detached(container: Container, client: MonitorClient, host: Host): Promise<number> {
  const ended = client.ended();
  ended.catch(() => {});
  await client.start();
  const { startFailure, exitCode } = await Promise.race([ended, { startFailure: undefined, exitCode: EXIT_OK }]);
  host.stdout.write(`${container.id}\n`);
  if (startFailure === undefined) return EXIT_OK;
  host.stderr.write(`ERROR: ${sanitizeName(startFailure)}\n`);
  return exitCode;
}
