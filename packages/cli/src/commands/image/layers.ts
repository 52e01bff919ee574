import { compilePatterns, type ImageLayers, layersOfImage, Store } from '@tsbuild/builder';
import { type ByteString, formatPlatform, type Image, utf8ToByteString } from '@tsbuild/oci/node';
import { defineCommand } from '../../grammar/command.ts';
import { EXIT_FAILED, EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { UsageError } from '../../host/usage-error.ts';
import { comparisonTable } from '../../output/layers/comparison-table.ts';
import {
  chosenEntries,
  duplicateLines,
  type FileChoice,
  fileLines,
  largestLines,
  nulPaths,
  treeLines,
} from '../../output/layers/file-lists.ts';
import { diveDocument, layersDocument } from '../../output/layers/layers-document.ts';
import { layersTable, summaryLine } from '../../output/layers/layers-table.ts';
import { sumLine, wasteLines } from '../../output/layers/waste-lines.ts';
import { platformOption } from '../../store/find-image.ts';
import { ANY_IMAGE, withAnyImage } from './any-image.ts';
import { breaches, readGates, sizeOption } from './layer-gates.ts';

const options = {
  own: { kind: 'flag', describe: 'Leave out the layers, files and waste of the base image' },
  tree: { kind: 'value', bare: '2', placeholder: 'DEPTH', describe: 'Directories by size, 2 deep unless told' },
  files: { kind: 'flag', describe: 'The files that a container sees, one a line, with the layer of each' },
  largest: { kind: 'value', bare: '20', placeholder: 'N', describe: 'The largest files, 20 unless told' },
  duplicates: { kind: 'flag', describe: 'Files and directories that the image has more than once' },
  grep: {
    kind: 'list',
    placeholder: 'PATTERN',
    describe: 'Only paths that match, written as in .dockerignore: **/*.map',
  },
  layer: { kind: 'value', placeholder: 'N', describe: 'The files of one layer as it holds them, deletions too' },
  min: { kind: 'value', placeholder: 'SIZE', describe: 'Leave out what is smaller (default 1MB for waste)' },
  null: { kind: 'flag', short: '0', describe: 'With --files: paths alone, each ended by a NUL' },
  compare: { kind: 'value', placeholder: 'OTHER', describe: 'Compare with another image, instruction by instruction' },
  'max-waste': { kind: 'value', placeholder: 'SIZE', describe: 'Exit with 1 when own layers waste more' },
  'max-size': { kind: 'value', placeholder: 'SIZE', describe: 'Exit with 1 when the image is larger' },
  'max-growth': {
    kind: 'value',
    placeholder: 'SIZE|PERCENT',
    describe: 'Exit with 1 when the image grew by more than that since --compare OTHER: 10MB, 5%',
  },
  format: {
    kind: 'value',
    placeholder: 'FORMAT',
    describe: 'table, json, or dive (the JSON of dive --json)',
    choices: ['table', 'json', 'dive'],
  },
  platform: platformOption,
} as const;

/** The lists that can be asked for in place of the table; one at a time. */
const LISTS = ['tree', 'files', 'largest', 'duplicates'] as const;

/** `tsbuild layers`: what makes an image large, which line, and what of it nobody needs. */
export const layersCommand = defineCommand({
  name: 'layers',
  synopsis: 'IMAGE [PATH]',
  summary: 'Show what makes an image large: layers, files and waste, with the Dockerfile lines',
  options,
  operands: { min: 1, max: 2, what: `${ANY_IMAGE}, and a PATH in it` },
  examples: [
    ['tsbuild layers my-app', 'Each layer with its line, and what is wasted'],
    ['tsbuild layers --largest my-app', 'The 20 largest files'],
    ['tsbuild layers --tree=3 my-app /app', 'The directories below /app by size'],
    ["tsbuild layers --files --grep '**/*.map' my-app", 'All source maps, each with its layer'],
    ['tsbuild layers --compare my-app:1 --max-growth 5% my-app:2', 'For CI: fail when the image grew'],
  ],
  async run({ options: chosen, operands: [name = '', path], settings }, host) {
    const list = listOf(chosen, path);
    const gates = readGates(chosen);
    const least = chosen.min === undefined ? undefined : sizeOption('min', chosen.min);
    const search = { store: await Store.open(settings.root), platform: chosen.platform };
    const read = (text: string) =>
      withAnyImage(text, search, host, async ({ image, bring }) => ({
        image,
        found: await layersOfImage(image, search.store, {
          signal: host.signal,
          ...(bring !== undefined && { bring }),
        }),
      }));
    const { image, found } = await read(name);
    const other = chosen.compare === undefined ? undefined : (await read(chosen.compare)).found;
    const width = host.stdout.isTTY === true ? host.stdout.columns : undefined;
    if (list !== undefined) {
      host.stdout.write(listText(list, found, { ...chosen, path, least }));
    } else if (chosen.format === 'json' || chosen.format === 'dive') {
      host.stdout.write(chosen.format === 'json' ? layersDocument(name, image, found) : diveDocument(image, found));
    } else if (other !== undefined) host.stdout.write(comparisonTable(other, found, width));
    else host.stdout.write(tableText(name, image, found, { width, own: chosen.own, least: least ?? DEFAULT_LEAST }));
    return report(breaches(gates, found, other), host);
  },
});

/** Waste below this is not worth a line. Bytes. */
const DEFAULT_LEAST = 1_000_000;

type List = (typeof LISTS)[number];

interface ListOptions {
  readonly tree: string | undefined;
  readonly largest: string | undefined;
  readonly grep: readonly string[];
  readonly layer: string | undefined;
  readonly null: boolean;
  readonly own: boolean;
  readonly path: string | undefined;
  readonly least: number | undefined;
}

/** @throws UsageError for two lists at once, and for options of a list without one */
function listOf(
  chosen: Pick<ListOptions, 'tree' | 'largest' | 'grep' | 'layer' | 'null'> & {
    readonly files: boolean;
    readonly duplicates: boolean;
    readonly format: string | undefined;
  },
  path: string | undefined,
): List | undefined {
  const asked = LISTS.filter((name) => chosen[name] !== undefined && chosen[name] !== false);
  if (asked.length > 1) {
    throw new UsageError(`${asked.map((name) => `--${name}`).join(' and ')} cannot be combined`, { command: 'layers' });
  }
  const [list] = asked;
  if (list !== undefined && chosen.format !== undefined && chosen.format !== 'table') {
    throw new UsageError(`--${list} is a list of its own, without --format`, { command: 'layers' });
  }
  if (chosen.null && list !== 'files') throw new UsageError('--null is for --files', { command: 'layers' });
  if (list !== undefined) return list;
  // Whoever names files wants to see them.
  return chosen.grep.length > 0 || chosen.layer !== undefined || path !== undefined ? 'files' : undefined;
}

function listText(list: List, found: ImageLayers, chosen: ListOptions): string | Buffer {
  const { least = 0 } = chosen;
  const root = rootOf(found, chosen.path);
  if (list === 'tree') return treeLines(found, root, countOf('tree', chosen.tree ?? ''), least);
  const choice: FileChoice = {
    isMeant: matcher(root, chosen.grep),
    layer: layerNumber(found, chosen.layer),
    least,
    own: chosen.own,
  };
  if (list === 'duplicates') return duplicateLines(found, choice);
  const entries = chosenEntries(found, choice);
  if (list === 'largest') return largestLines(found, entries, countOf('largest', chosen.largest ?? ''));
  return chosen.null ? nulPaths(entries) : fileLines(entries);
}

/** The directory or file that lists begin with; symlinks are followed. */
function rootOf({ files }: ImageLayers, path: string | undefined): ByteString {
  if (path === undefined) return '';
  const root = files.resolve(utf8ToByteString(path.replace(/^\/+|\/+$/g, '')));
  if (root === undefined) throw new UsageError(`there is no ${path} in the image`, { command: 'layers' });
  return root;
}

function matcher(root: ByteString, patterns: readonly string[]): FileChoice['isMeant'] {
  const matches = patterns.length === 0 ? undefined : compilePatterns(patterns);
  return (path) =>
    (root === '' || path === root || path.startsWith(`${root}/`)) && (matches === undefined || matches.matches(path));
}

function layerNumber({ layers }: ImageLayers, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = countOf('layer', text);
  if (number <= layers.length) return number - 1;
  throw new UsageError(`--layer ${number}: the image has ${layers.length} layers`, { command: 'layers' });
}

function countOf(name: string, text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`--${name} ${JSON.stringify(text)} is no number from 1 up`, { command: 'layers' });
}

function tableText(
  name: string,
  image: Image,
  found: ImageLayers,
  view: { readonly width: number | undefined; readonly own: boolean; readonly least: number },
): string {
  const table = summaryLine(name, formatPlatform(image.config), found) + layersTable(found, view);
  const lines = wasteLines(found, view);
  return `${table}\n${lines === '' ? sumLine(found) : lines}`;
}

/** Sentences on standard error, and the exit code for CI. */
function report(sentences: readonly string[], host: Host): number {
  for (const sentence of sentences) host.stderr.write(`ERROR: ${sentence}\n`);
  return sentences.length === 0 ? EXIT_OK : EXIT_FAILED;
}
