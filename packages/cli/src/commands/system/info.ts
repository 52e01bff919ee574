import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { ContainerStore } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { openLayout } from '../../store/open-layout.ts';
import { humanSize } from '../../output/human.ts';
import { compileTemplate } from '../../output/template/template.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { version } from '../../host/version.ts';

/** Node's names of processors, as `uname -m` says them. */
const MACHINES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', arm: 'armv7l', ia32: 'i686' };

/** `tsbuild info`: what scripts ask `docker info` for. */
export const infoCommand = defineCommand({
  name: 'info',
  synopsis: '',
  summary: 'Show how many containers and images there are, and where',
  options: {
    format: { kind: 'value', short: 'f', placeholder: 'FORMAT', describe: 'json, or a template: {{.Images}}' },
  },
  operands: { min: 0, max: 0, what: 'no argument' },
  examples: [
    ['tsbuild info', 'tsbuild doctor says whether RUN works here'],
    ["tsbuild info --format '{{.DockerRootDir}}'", 'Where the store is'],
  ],
  async run({ options, settings: { root } }, host) {
    const { format } = options;
    const template = format === undefined || format === 'json' ? undefined : compileTemplate(format, 'info');
    const facts = await machineFacts(root);
    if (format === 'json') host.stdout.write(`${JSON.stringify(facts)}\n`);
    else if (template !== undefined) host.stdout.write(`${template(facts)}\n`);
    else host.stdout.write(pageOf(facts));
    return EXIT_OK;
  },
});

type Facts = Awaited<ReturnType<typeof machineFacts>>;

/** Under docker's names. */
async function machineFacts(root: string) {
  const statuses = new ContainerStore(root).list().map((container) => container.state().status);
  const running = statuses.filter((status) => status === 'running').length;
  const paused = statuses.filter((status) => status === 'paused').length;
  return {
    Containers: statuses.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: statuses.length - running - paused,
    Images: (await (await openLayout(root)).images()).length,
    Driver: 'overlay',
    KernelVersion: release(),
    OSType: 'linux',
    Architecture: MACHINES[arch()] ?? arch(),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    DockerRootDir: root,
    Name: hostname(),
    ServerVersion: version,
  };
}

function pageOf(facts: Facts): string {
  return `${[
    `Containers: ${facts.Containers}`,
    ` Running: ${facts.ContainersRunning}`,
    ` Paused: ${facts.ContainersPaused}`,
    ` Stopped: ${facts.ContainersStopped}`,
    `Images: ${facts.Images}`,
    `Version: ${facts.ServerVersion}`,
    `Kernel Version: ${facts.KernelVersion}`,
    `OSType: ${facts.OSType}`,
    `Architecture: ${facts.Architecture}`,
    `CPUs: ${facts.NCPU}`,
    `Total Memory: ${humanSize(facts.MemTotal)}`,
    `Name: ${facts.Name}`,
    `Store: ${sanitizeName(facts.DockerRootDir)}`,
  ].join('\n')}\n`;
}
