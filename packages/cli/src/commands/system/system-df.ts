import { listCache, needsUserNamespace, runInUserNamespace, Store } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { humanSize } from '../../output/human.ts';
import { renderTable } from '../../output/table.ts';
import { compileTemplate } from '../../output/template/template.ts';
import { LayerSizes } from '../../store/open-layout.ts';

/** `tsbuild system df`: what images and the cache take, with docker's fields. */
export const systemDfCommand = defineCommand({
  name: 'system df',
  synopsis: '',
  summary: 'Show the disk usage of images and the build cache',
  options: {
    format: {
      kind: 'value',
      placeholder: 'FORMAT',
      describe: 'table, json (one object a line), or a template: {{.Size}}',
    },
    verbose: { kind: 'flag', short: 'v', describe: 'Show every entry', later: true },
  },
  operands: { min: 0, max: 0, what: '' },
  examples: [['tsbuild system df', 'Images and build cache; tsbuild cache ls tells more of the latter']],
  async run({ options, settings }, host) {
    const format = options.format ?? 'table';
    const template = format === 'table' || format === 'json' ? undefined : compileTemplate(format, 'system df');
    if (needsUserNamespace()) return runInUserNamespace(host.commandLine, () => {});
    const store = await Store.open(settings.root);
    const images = await store.layout.images();
    const members = (await Promise.all(images.map((image) => store.layout.members(image)))).flat();
    const layers = new Map(members.flatMap((image) => image.layers.map((layer) => [layer.digest, layer])));
    const imageBytes = await new LayerSizes(store.layout).sum([...layers.values()]);
    const entries = await listCache(store, host.signal);
    const sum = (chosen: typeof entries): number => chosen.reduce((total, { size }) => total + size, 0);
    const shared = entries.filter((entry) => entry.shared);
    const rows = [
      row('Images', images.length, images.filter(({ names }) => names.length > 0).length, imageBytes, 0),
      row('Build Cache', entries.length, shared.length, sum(entries), sum(entries) - sum(shared)),
    ];
    if (format === 'json') for (const line of rows) host.stdout.write(`${JSON.stringify(line)}\n`);
    else if (template !== undefined) for (const line of rows) host.stdout.write(`${template(line)}\n`);
    else {
      const cells = rows.map((line) => [line.Type, line.TotalCount, line.Active, line.Size, line.Reclaimable]);
      host.stdout.write(renderTable([['TYPE', 'TOTAL', 'ACTIVE', 'SIZE', 'RECLAIMABLE'], ...cells]));
    }
    return EXIT_OK;
  },
});

function row(type: string, total: number, active: number, size: number, reclaimable: number) {
  const percent = size === 0 ? 0 : Math.round((reclaimable * 100) / size);
  return {
    Type: type,
    TotalCount: String(total),
    Active: String(active),
    Size: humanSize(size),
    Reclaimable: `${humanSize(reclaimable)} (${percent}%)`,
  };
}
