import { type StoredImage, familiarRepository, imageIdOf } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { compileTemplate } from '../../output/template/template.ts';
import { humanAge, humanSize } from '../../output/human.ts';
import { shownId } from '../../output/image-id.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { renderTable } from '../../output/table.ts';
import { LayerSizes, openLayout } from '../../store/open-layout.ts';
import { distinctLayers, platformTree } from './image-tree.ts';
import { imageFilter, pointsInTime } from './images-filter.ts';
import type { ImageRow, ListedImage } from './listed-image.ts';

/** `tsbuild images`: docker's listing. */
export const imagesCommand = defineCommand({
  name: 'images',
  synopsis: '[REPOSITORY[:TAG]]',
  summary: 'List images, newest first',
  options: {
    all: { kind: 'flag', short: 'a', describe: 'All images (no effect, as no images are hidden)' },
    filter: {
      kind: 'list',
      short: 'f',
      placeholder: 'KEY=VALUE',
      describe:
        'Only images with dangling=true|false, reference=PATTERN, label=KEY[=VALUE], before=IMAGE or since=IMAGE',
    },
    format: {
      kind: 'value',
      placeholder: 'FORMAT',
      describe: 'table, json (one object a line), or a template: {{.ID}}',
    },
    'no-trunc': { kind: 'flag', describe: 'Do not truncate image IDs' },
    quiet: { kind: 'flag', short: 'q', describe: 'Image IDs only' },
    digests: { kind: 'flag', describe: 'Show the digests that images have in registries' },
    tree: { kind: 'flag', describe: 'Show the platforms of each image' },
  },
  operands: { min: 0, max: 1, what: 'one REPOSITORY[:TAG]' },
  examples: [
    ['tsbuild images', 'All images'],
    ['tsbuild images my-app', 'The tags of one repository'],
    ['tsbuild images --filter since=my-app:1', 'What was made after my-app:1'],
    ['tsbuild images --tree my-app', 'The platforms of an image'],
    ['tsbuild images -q --filter dangling=true', 'The IDs of images without a name'],
  ],
  async run({ options, operands, settings }, host) {
    const format = options.format ?? 'table';
    const template = format === 'table' || format === 'json' ? undefined : compileTemplate(format, 'images');
    if (options.tree && (options.quiet || options.format !== undefined)) {
      throw new UsageError('--tree is a form of its own: it goes with neither --quiet nor --format', {
        command: 'images',
      });
    }
    const layout = await openLayout(settings.root);
    const keeps = imageFilter(operands[0], options.filter, await pointsInTime(options.filter, layout));
    const sizes = new LayerSizes(layout);
    const rows: ListedImage[] = [];
    for (const image of await layout.images()) {
      const size = await sizes.sum(distinctLayers(await layout.members(image)));
      rows.push(...imageRows(image, size, { whole: options['no-trunc'], now: host.now() }).filter(keeps));
    }
    if (options.tree)
      host.stdout.write(await platformTree(rows, layout, { whole: options['no-trunc'], now: host.now() }));
    else if (options.quiet) host.stdout.write(lines(rows.map((row) => row.shown.ID)));
    else if (format === 'json') host.stdout.write(lines(rows.map((row) => JSON.stringify(row.shown))));
    else if (template !== undefined) host.stdout.write(lines(rows.map((row) => template(row.shown))));
    else
      host.stdout.write(
        imageTable(
          rows.map((row) => row.shown),
          options.digests,
        ),
      );
    return EXIT_OK;
  },
});

function imageRows(
  image: StoredImage,
  size: number,
  options: { readonly whole: boolean; readonly now: number },
): ListedImage[] {
  const facts = {
    ID: shownId(imageIdOf(image), options.whole),
    CreatedAt: createdAt(image.config.created),
    CreatedSince: humanAge(image.config.created, options.now),
    Size: humanSize(size),
  };
  const names = image.names.map((name) => ({
    Repository: familiarRepository(name),
    Tag: name.tag ?? '<none>',
    Digest: name.digest ?? '<none>',
  }));
  if (names.length === 0) names.push({ Repository: '<none>', Tag: '<none>', Digest: '<none>' });
  return names.map((name) => ({ image, shown: { ...name, ...facts } }));
}

function imageTable(rows: readonly ImageRow[], digests: boolean): string {
  return renderTable([
    ['REPOSITORY', 'TAG', ...(digests ? ['DIGEST'] : []), 'IMAGE ID', 'CREATED', 'SIZE'],
    ...rows.map((row) => [
      sanitizeName(row.Repository),
      sanitizeName(row.Tag),
      ...(digests ? [row.Digest] : []),
      row.ID,
      row.CreatedSince,
      row.Size,
    ]),
  ]);
}

/** Docker's form of a time, `2024-05-01 10:00:00 +0000 UTC`. */
function createdAt(created: string | undefined): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  if (Number.isNaN(time)) return 'N/A';
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
