import type { ImageLayers } from '@tsbuild/builder';
import { byteStringToUtf8, type ByteString, type LayerEntry } from '@tsbuild/oci/node';
import { columns } from '../columns.ts';
import { humanSize } from '../human.ts';
import { sanitizeName } from '../sanitize.ts';
import { placeText, shownPath } from './layer-text.ts';

/** Which files are listed. */
export interface FileChoice {
  /** Whether the path is meant. */
  readonly isMeant: (path: ByteString) => boolean;
  /** Of one layer, as it holds them; undefined for what a container sees. Counted from the lowest, 0. */
  readonly layer: number | undefined;
  /** Smaller files are left out. Bytes. */
  readonly least: number;
  /** Without those of the base image. */
  readonly own: boolean;
}

/** An entry of a layer or of the merged view. */
interface Listed extends LayerEntry {
  readonly at: number;
  /** In the merged view: shared by all names of one file. */
  readonly hardLinkKey?: string;
}

/** All entries that are meant, in byte order of their paths. */
export function chosenEntries(found: ImageLayers, choice: FileChoice): readonly Listed[] {
  const { layer, isMeant, least, own } = choice;
  const entries = layer === undefined ? visibleEntries(found) : entriesOf(found, layer);
  const isOwn = ({ at }: Listed): boolean => !own || found.layers[at]?.isOwn === true;
  return [...entries].filter((entry) => isMeant(entry.path) && entry.size >= least && isOwn(entry));
}

function* entriesOf({ contents }: ImageLayers, layer: number): Generator<Listed> {
  for (const entry of contents[layer]?.index.entries() ?? []) yield { ...entry, at: layer };
}

function* visibleEntries({ files, contents }: ImageLayers): Generator<Listed> {
  const numbers = new Map(contents.map(({ info }, at) => [info.digest, at]));
  const waiting: ByteString[] = [''];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    const below: ByteString[] = [];
    for (const entry of files.list(directory)) {
      yield { ...entry, at: numbers.get(entry.layer) ?? 0 };
      if (entry.type === 'directory') below.push(entry.path);
    }
    waiting.push(...below.toReversed());
  }
}

/** One line for each entry, as `ls -l` has it: mode, owner, size, layer, path, target of links. */
export function fileLines(entries: readonly Listed[]): string {
  const rows = entries.map((entry) => {
    const { uid, gid, size, at, path, linkPath } = entry;
    const arrow = entry.type === 'hardlink' ? ` link to ${shownPath(linkPath)}` : ` -> ${byteStringToUtf8(linkPath)}`;
    const target = linkPath === '' ? '' : arrow;
    return [modeText(entry), `${uid}:${gid}`, String(size), String(at + 1), `${shownPath(path)}${target}`];
  });
  return columns(rows, { width: undefined, right: [2, 3] });
}

/** The paths alone, each ended by a NUL: bytes as they are, for `xargs -0`. */
export function nulPaths(entries: readonly Listed[]): Buffer {
  return Buffer.from(entries.map(({ path }) => `/${path}\0`).join(''), 'latin1');
}

/** The largest files, each under its first name: size, line, path. */
export function largestLines(found: ImageLayers, entries: readonly Listed[], count: number): string {
  const isFirst = firstNames();
  const files = entries.filter((entry) => entry.type === 'file' && isFirst(entry)).toSorted((a, b) => b.size - a.size);
  const rows = files
    .slice(0, count)
    .map(({ size, at, path }) => [humanSize(size), placeText(found, at), shownPath(path)]);
  return columns(rows, { width: undefined, right: [0] });
}

/** Groups of names with the same content, most wasted bytes first; each copy on a line of its own. */
export function duplicateLines(found: ImageLayers, choice: FileChoice): string {
  const groups = found.duplicates.filter(
    ({ wasted, places }) =>
      wasted >= choice.least &&
      places.some(({ path }) => choice.isMeant(path)) &&
      places.slice(1).some(({ layer }) => !choice.own || found.layers[layer]?.isOwn === true),
  );
  const text = groups.map(({ wasted, size, kind, places }) => {
    const what = kind === 'directory' ? 'the same directory' : 'the same file';
    const head = `${humanSize(wasted)} wasted: ${what} of ${humanSize(size)}, ${places.length} times\n`;
    const rows = places.map(({ path, layer }) => [shownPath(path), placeText(found, layer)]);
    return head + columns(rows, { width: undefined, indent: '    ' });
  });
  return text.join('');
}

/** Directories with the bytes below them, the largest first, so deep. */
export function treeLines(found: ImageLayers, root: ByteString, depth: number, least: number): string {
  const lines: string[] = [];
  const sizes = new Map<ByteString, number>();
  const isFirst = firstNames();
  /** Notes the size of everything below, once: a file with several names counts where the walk first meets it. */
  const measure = (directory: ByteString): number => {
    let sum = 0;
    for (const entry of found.files.list(directory)) {
      const size = entry.type === 'directory' ? measure(entry.path) : isFirst(entry) ? entry.size : 0;
      sizes.set(entry.path, size);
      sum += size;
    }
    return sum;
  };
  const total = measure(root);
  const walk = (directory: ByteString, level: number): void => {
    if (level > depth) return;
    const children = found.files
      .list(directory)
      .map(({ type, path }) => ({ type, path, size: sizes.get(path) ?? 0 }))
      .filter(({ size }) => size > 0 && size >= least)
      .toSorted((a, b) => b.size - a.size);
    for (const { type, path, size } of children) {
      const name = byteStringToUtf8(path.slice(path.lastIndexOf('/') + 1));
      const slash = type === 'directory' ? '/' : '';
      lines.push(`${humanSize(size).padStart(8)}  ${'  '.repeat(level - 1)}${sanitizeName(name)}${slash}\n`);
      if (type === 'directory') walk(path, level + 1);
    }
  };
  lines.push(`${humanSize(total).padStart(8)}  ${sanitizeName(shownPath(root))}\n`);
  walk(root, 1);
  return lines.join('');
}

/** Tells the first of the names of each file from the others. */
function firstNames(): (entry: Pick<Listed, 'hardLinkKey'>) => boolean {
  const seen = new Set<string>();
  return ({ hardLinkKey }) => {
    if (hardLinkKey === undefined) return true;
    const isFirst = !seen.has(hardLinkKey);
    seen.add(hardLinkKey);
    return isFirst;
  };
}

const TYPES: Readonly<Record<LayerEntry['type'], string>> = {
  file: '-',
  hardlink: '-',
  directory: 'd',
  symlink: 'l',
  fifo: 'p',
  char: 'c',
  block: 'b',
};

function modeText({ type, mode }: LayerEntry): string {
  const bits = [6, 3, 0].map((shift) => {
    const [read, write, execute] = [4, 2, 1].map((bit) => ((mode >> shift) & bit) !== 0);
    return `${read ? 'r' : '-'}${write ? 'w' : '-'}${execute ? 'x' : '-'}`;
  });
  const [user = '', group = '', other = ''] = bits;
  return `${TYPES[type]}${special(user, mode & 0o4000, 's')}${special(group, mode & 0o2000, 's')}${special(other, mode & 0o1000, 't')}`;
}

function special(bits: string, isSet: number, letter: string): string {
  if (isSet === 0) return bits;
  return bits.slice(0, 2) + (bits.endsWith('x') ? letter : letter.toUpperCase());
}
