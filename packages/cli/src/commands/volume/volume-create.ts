import { VolumeStore } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';

/** `tsbuild volume create`: a directory that outlives containers. */
export const volumeCreateCommand = defineCommand({
  name: 'volume create',
  synopsis: '[VOLUME]',
  summary: 'Create a volume; an existing one is not changed',
  options: {
    driver: { kind: 'value', short: 'd', placeholder: 'NAME', describe: 'Volume driver; only local exists' },
    label: { kind: 'list', placeholder: 'KEY=VALUE', describe: 'Set a label' },
    opt: { kind: 'list', short: 'o', describe: '', later: true },
  },
  operands: { min: 0, max: 1, what: 'one name' },
  examples: [['tsbuild volume create data', 'Then: tsbuild run -v data:/var/lib/data …']],
  async run({ options, operands: [name], settings }, host) {
    if (options.driver !== undefined && options.driver !== 'local') {
      throw new UsageError(`volume driver ${JSON.stringify(options.driver)} is not available`, {
        command: 'volume create',
      });
    }
    const labels = options.label.map((text): [string, string] => {
      const equals = text.indexOf('=');
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    });
    const volume = await new VolumeStore(settings.root).ensure(name, Object.fromEntries(labels));
    host.stdout.write(`${volume.config.name}\n`);
    return EXIT_OK;
  },
});
