import { BuildError, ContainerStore, MonitorClient } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { environmentOf } from '../../container/create-options.ts';
import { processStreams, requireTerminal, talk } from '../../container/talk.ts';
import { CommandError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { reportError } from '../../output/report-error.ts';

/** `tsbuild exec`: one more command in a running container. */
export const execCommand = defineCommand({
  name: 'exec',
  synopsis: 'CONTAINER COMMAND…',
  summary: 'Run another command in a running container',
  options: {
    detach: { kind: 'flag', short: 'd', describe: 'Run in the background' },
    'detach-keys': { kind: 'value', placeholder: 'KEYS', describe: 'Key sequence that detaches (ctrl-p,ctrl-q)' },
    env: { kind: 'list', short: 'e', placeholder: 'KEY[=VALUE]', describe: 'Set a variable' },
    'env-file': { kind: 'list', placeholder: 'FILE', describe: 'Set the variables in a file' },
    interactive: { kind: 'flag', short: 'i', describe: 'Attach standard input' },
    tty: { kind: 'flag', short: 't', describe: 'Allocate a terminal' },
    user: { kind: 'value', short: 'u', placeholder: 'USER[:GROUP]', describe: 'Run as this user' },
    workdir: { kind: 'value', short: 'w', placeholder: 'DIR', describe: 'The working directory' },
    privileged: { kind: 'flag', describe: '', later: true },
  },
  operands: { min: 2, max: Number.POSITIVE_INFINITY, what: 'a CONTAINER and a COMMAND' },
  stopAtOperand: true,
  examples: [
    ['tsbuild exec -it web sh', 'A shell beside the server'],
    ['tsbuild exec -u postgres -w /tmp db psql -l', 'As another user, somewhere else'],
  ],
  async run({ options, operands, settings }, host) {
    const [name = '', ...argv] = operands;
    const container = new ContainerStore(settings.root).find(name);
    const { tty, interactive, detach } = options;
    if (tty && interactive && !detach) requireTerminal(host);
    if (container.state().status === 'paused') {
      throw new CommandError(`Container ${container.name} is paused, unpause the container before exec`);
    }
    const workdir = options.workdir || undefined;
    if (workdir?.startsWith('/') === false) {
      await reportError(
        new CommandError(`the working directory ${JSON.stringify(workdir)} is no absolute path`),
        host,
        settings,
      );
      return NOT_STARTED;
    }
    using client = await MonitorClient.openRunning(container);
    const request = {
      argv,
      environment: environmentOf(options, host),
      workingDirectory: workdir,
      user: options.user,
    };
    const exec = (size: { readonly rows: number; readonly columns: number }): void =>
      client.exec({ ...request, ...(tty ? { terminal: size } : {}) }, processStreams(host), interactive && !detach);
    if (detach) {
      exec(USUAL_SIZE);
      await client.accepted();
      return EXIT_OK;
    }
    try {
      const end = await talk(
        client,
        {
          terminal: tty,
          input: interactive,
          detachKeys: options['detach-keys'],
          start: (size) => exec(size ?? USUAL_SIZE),
        },
        host,
      );
      return end?.exitCode ?? EXIT_OK;
    } catch (error) {
      if (!(error instanceof BuildError) || error.code !== 'RUN_FAILED') throw error;
      await reportError(error, host, settings);
      return NOT_STARTED;
    }
  },
});

/** As docker: no such user, no such working directory. */
const NOT_STARTED = 126;
const USUAL_SIZE = { rows: 24, columns: 80 };
