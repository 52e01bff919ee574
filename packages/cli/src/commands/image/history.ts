import type { HistoryEntry, StoredImage } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import { ellipsis, humanAge, humanSize } from '../../output/human.ts';
import { shownId } from '../../output/image-id.ts';
import { sanitizeName, sanitizeText } from '../../output/sanitize.ts';
import { renderTable } from '../../output/table.ts';
import { compileTemplate } from '../../output/template/template.ts';
import { platformOption, resolveImage } from '../../store/find-image.ts';
import { LayerSizes, openLayout } from '../../store/open-layout.ts';

const CREATED_BY_WIDTH = 45;
const COMMENT_WIDTH = 45;

/** One step, with the fields of `docker history --format json`. */
interface HistoryRow {
  readonly ID: string;
  readonly CreatedAt: string;
  readonly CreatedSince: string;
  readonly CreatedBy: string;
  readonly Size: string;
  readonly Comment: string;
}

/** `tsbuild history`: the steps of an image, newest first. */
export const historyCommand = defineCommand({
  name: 'history',
  synopsis: 'IMAGE',
  summary: 'Show the history of an image, newest first',
  options: {
    format: {
      kind: 'value',
      placeholder: 'FORMAT',
      describe: 'table, json (one object a line), or a template: {{.CreatedBy}}',
    },
    human: {
      kind: 'flag',
      short: 'H',
      on: true,
      describe: 'Print ages and rounded sizes (--human=false: exact values)',
    },
    'no-trunc': { kind: 'flag', describe: 'Do not truncate IDs and commands' },
    quiet: { kind: 'flag', short: 'q', describe: 'Image IDs only' },
    platform: platformOption,
  },
  operands: { min: 1, max: 1, what: 'one IMAGE' },
  examples: [
    ['tsbuild history my-app', 'The steps of my-app with the size of each layer'],
    ['tsbuild history --platform linux/arm64 my-app', 'Those of one platform'],
    ['tsbuild history --no-trunc --format json my-app', 'The same for programs'],
  ],
  async run({ options, operands, settings }, host) {
    const format = options.format ?? 'table';
    const template = format === 'table' || format === 'json' ? undefined : compileTemplate(format, 'history');
    const layout = await openLayout(settings.root);
    const image = await resolveImage(operands[0] ?? '', layout, options, host);
    const sizes = await new LayerSizes(layout).of(image.layers);
    const rows = historyRows(image, sizes, { whole: options['no-trunc'], human: options.human, now: host.now() });
    if (options.quiet) host.stdout.write(lines(rows.map((row) => row.ID)));
    else if (format === 'json') host.stdout.write(lines(rows.map((row) => JSON.stringify(row))));
    else if (template !== undefined) host.stdout.write(lines(rows.map((row) => template(row))));
    else host.stdout.write(historyTable(rows));
    return EXIT_OK;
  },
});

function historyRows(
  image: StoredImage,
  layerSizes: readonly number[],
  options: { readonly whole: boolean; readonly human: boolean; readonly now: number },
): HistoryRow[] {
  const sizes = layerSizes.values();
  const rows = (image.config.history ?? []).map((entry) => {
    const size = entry.empty_layer === true ? 0 : (sizes.next().value ?? 0);
    return historyRow(entry, size, options);
  });
  rows.reverse();
  // Only the whole image has an ID of its own; the steps below it are images nowhere.
  return rows.map((row, index) => ({ ...row, ID: index === 0 ? shownId(image.id, options.whole) : '<missing>' }));
}

function historyRow(
  entry: HistoryEntry,
  size: number,
  options: { readonly whole: boolean; readonly human: boolean; readonly now: number },
): Omit<HistoryRow, 'ID'> {
  const createdAt = exactTime(entry.created);
  const createdBy = (entry.created_by ?? '').replaceAll('\t', ' ');
  const comment = entry.comment ?? '';
  return {
    CreatedAt: createdAt,
    CreatedSince: options.human ? humanAge(entry.created, options.now) : createdAt,
    CreatedBy: options.whole ? createdBy : ellipsis(createdBy, CREATED_BY_WIDTH),
    Size: options.human ? humanSize(size) : String(size),
    Comment: options.whole ? comment : ellipsis(comment, COMMENT_WIDTH),
  };
}

function historyTable(rows: readonly HistoryRow[]): string {
  return renderTable([
    ['IMAGE', 'CREATED', 'CREATED BY', 'SIZE', 'COMMENT'],
    ...rows.map((row) => [row.ID, row.CreatedSince, oneLine(row.CreatedBy), row.Size, oneLine(row.Comment)]),
  ]);
}

/** A heredoc's RUN has line ends, which would break the table. */
function oneLine(text: string): string {
  return sanitizeName(sanitizeText(text).replace(/\s*\n\s*/g, ' '));
}

/** RFC 3339 to the second, UTC. */
function exactTime(created: string | undefined): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  return Number.isNaN(time) ? 'N/A' : `${new Date(time).toISOString().slice(0, 19)}Z`;
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
