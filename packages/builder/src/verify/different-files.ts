import { byteStringToUtf8, rfc3339 } from '@tsbuild/oci';
import { parseWhiteout } from '@tsbuild/oci/internal';
import { type ChangedField, compareLayers, type LayerChange, type LayerIndex } from '@tsbuild/oci/node';
import {
  type DifferentAttribute,
  type DifferentFile,
  type DifferentStep,
  MOST_FILES,
} from '../progress/verification.ts';

type Entry = NonNullable<LayerChange['before']>;

/** The files by which two layers differ. */
export function differentFiles(
  first: LayerIndex,
  second: LayerIndex,
): Pick<DifferentStep, 'files' | 'total' | 'timesOnly'> {
  const telling: DifferentFile[] = [];
  const timed: DifferentFile[] = [];
  let total = 0;
  let timesOnly = 0;
  for (const change of compareLayers(first, second)) {
    total++;
    const isTime = change.fields.length === 1 && change.fields[0] === 'mtime';
    if (isTime) timesOnly++;
    const list = isTime ? timed : telling;
    if (list.length < MOST_FILES) list.push(differentFile(change));
  }
  return { files: [...telling, ...timed].slice(0, MOST_FILES), total, timesOnly };
}

function differentFile({ kind, path, before, after, fields }: LayerChange): DifferentFile {
  const attributes = fields.map((field) => attributeOf(field, before, after));
  const removal = removalOf(path);
  if (removal === undefined) return { path: shownPath(path), change: kind, attributes };
  // What one build removes of the layers below, the other one has.
  const change = kind === 'added' ? 'removed' : kind === 'removed' ? 'added' : kind;
  return { path: shownPath(removal), change, attributes };
}

function removalOf(path: string): string | undefined {
  const whiteout = parseWhiteout(path);
  return whiteout?.kind === 'path' ? whiteout.path : undefined;
}

function shownPath(path: string): string {
  return `/${byteStringToUtf8(path)}`;
}

function attributeOf(field: ChangedField, before: Entry | undefined, after: Entry | undefined): DifferentAttribute {
  const name = field === 'xattrs' ? 'xattr' : field === 'links' ? 'link' : field;
  const [first, second] = [valueOf(name, before), valueOf(name, after)];
  return { name, ...(first === undefined ? {} : { first }), ...(second === undefined ? {} : { second }) };
}

/** One attribute as text; undefined where the text would say nothing. */
function valueOf(name: DifferentAttribute['name'], entry: Entry | undefined): string | undefined {
  if (entry === undefined) return undefined;
  switch (name) {
    case 'content':
      return `${entry.size} bytes`;
    case 'mode':
      return entry.mode.toString(8).padStart(4, '0');
    case 'mtime':
      return shownTime(entry.mtime.seconds);
    case 'owner':
      return `${entry.uid}:${entry.gid}`;
    case 'type':
      return entry.type;
    case 'link':
      return byteStringToUtf8(entry.linkPath);
    case 'device':
      return `${entry.devMajor}:${entry.devMinor}`;
    case 'xattr':
      return [...(entry.xattrs?.keys() ?? [])].join(' ');
  }
}

/** Archives of others hold times that no calendar has. */
function shownTime(seconds: number): string {
  return Math.abs(seconds) < 8.64e12 ? rfc3339(seconds * 1000) : `@${seconds}`;
}
