import { ContainerStore } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { CommandError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';

/** `tsbuild port`: where the ports of a container are on this machine. */
export const portCommand = defineCommand({
  name: 'port',
  synopsis: 'CONTAINER [PORT[/PROTOCOL]]',
  summary: 'Show which ports of this machine lead to a container',
  options: {},
  operands: { min: 1, max: 2, what: 'one CONTAINER, and perhaps one of its ports' },
  examples: [['tsbuild port web 80', 'Where port 80 of web is']],
  async run({ operands: [name = '', wanted], settings }, host) {
    const container = new ContainerStore(settings.root).find(name);
    const ports = container.isRunning ? container.config.ports : [];
    const lines = ports.map(({ containerPort, protocol, address, hostPort }) => ({
      key: `${containerPort}/${protocol}`,
      place: `${address.includes(':') ? `[${address}]` : address || '0.0.0.0'}:${hostPort}`,
    }));
    if (wanted === undefined) {
      host.stdout.write(lines.map(({ key, place }) => `${key} -> ${place}\n`).join(''));
      return EXIT_OK;
    }
    const key = wanted.includes('/') ? wanted : `${wanted}/tcp`;
    const found = lines.filter((line) => line.key === key);
    if (found.length === 0) throw new CommandError(`No public port '${key}' published for ${container.name}`);
    host.stdout.write(found.map(({ place }) => `${place}\n`).join(''));
    return EXIT_OK;
  },
});
