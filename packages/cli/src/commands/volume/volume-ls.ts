import { VolumeStore, volumeUsers } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { renderTable } from '../../output/table.ts';
import { compileTemplate } from '../../output/template/template.ts';
import { volumeDocument } from '../../output/volume-document.ts';
import { parseVolumeFilter } from './volume-filter.ts';

/** `tsbuild volume ls`: docker's list of volumes. */
export const volumeLsCommand = defineCommand({
  name: 'volume ls',
  synopsis: '',
  summary: 'List volumes',
  options: {
    filter: {
      kind: 'list',
      short: 'f',
      placeholder: 'KEY=VALUE',
      describe: 'Only those with name=, label= or dangling=true (used by no container)',
    },
    format: {
      kind: 'value',
      placeholder: 'FORMAT',
      describe: 'table, json (one object a line), or a template: {{.Name}}',
    },
    quiet: { kind: 'flag', short: 'q', describe: 'Names only' },
  },
  operands: { min: 0, max: 0, what: 'no argument' },
  examples: [['tsbuild volume ls -qf dangling=true', 'The names of those that no container uses']],
  async run({ options, settings }, host) {
    const format = options.format ?? 'table';
    const template = format === 'table' || format === 'json' ? undefined : compileTemplate(format, 'volume ls');
    const users = volumeUsers(settings.root);
    const keeps = options.filter.map((text) => parseVolumeFilter(text, 'volume ls', users));
    const volumes = new VolumeStore(settings.root).list().filter((volume) => keeps.every((keep) => keep(volume)));
    const rows = volumes.map((volume) => {
      const labels = Object.entries(volume.config.labels ?? {}).map(([key, value]) => `${key}=${value}`);
      return { ...volumeDocument(volume), Labels: labels.toSorted().join(',') };
    });
    const lines = (texts: readonly string[]): void => void host.stdout.write(texts.map((text) => `${text}\n`).join(''));
    if (options.quiet) lines(volumes.map(({ config }) => config.name));
    else if (format === 'json') lines(rows.map((row) => JSON.stringify(row)));
    else if (template !== undefined) lines(rows.map(template));
    else host.stdout.write(renderTable([['DRIVER', 'VOLUME NAME'], ...rows.map(({ Driver, Name }) => [Driver, Name])]));
    return EXIT_OK;
  },
});
