import { KINDS } from '../../src/explore/entry-columns.ts';
import type { Entries } from '../data/decode-columns.ts';
import type { Details, Version } from '../data/messages.ts';
import { DIRECTORY, GONE, type LayerView, REMOVED } from './layer-view.ts';
import { nodeAt, pathOf, type Tree } from './tree.ts';

const SYMLINK = KINDS.indexOf('symlink');
const HARDLINK = KINDS.indexOf('hardlink');
/** So many other paths are named. */
const MOST = 100;
/** As the kernel follows. */
const MOST_LINKS = 40;

/** Everything about a node; `view` is the finished image. */
export function detailsOf(tree: Tree, entries: Entries, view: LayerView, node: number): Details {
  const at = view.entry[node] ?? -1;
  const versions: Version[] = [];
  for (let entry = tree.entryStart[node] ?? 0; entry < (tree.entryEnd[node] ?? 0); entry++) {
    versions.push(versionOf(entries, entry));
  }
  const isLink = at >= 0 && entries.kind[at] === SYMLINK;
  const end = isLink ? follow(tree, entries, view, node) : undefined;
  let [bytes, files] = [0, 0];
  for (let below = node; below < (tree.end[node] ?? 0); below++) {
    const entry = view.entry[below] ?? -1;
    if (entry < 0 || view.state[below] === REMOVED || entries.kind[entry] === DIRECTORY) continue;
    bytes += entries.size[entry] ?? 0;
    files++;
  }
  return {
    id: node,
    path: pathOf(tree, node),
    bytes,
    files,
    versions,
    copies: at < 0 ? [] : copiesOf(tree, entries, view, { node, at }),
    names: at < 0 ? [] : namesOf(tree, entries, view, { node, at }),
    ...(end !== undefined && end >= 0 && { leadsTo: pathOf(tree, end) }),
    isBroken: end !== undefined && end < 0,
  };
}

function versionOf(entries: Entries, at: number): Version {
  const attribute = 3 * (entries.attribute[at] ?? 0);
  return {
    layer: entries.layer[at] ?? 0,
    kind: KINDS[entries.kind[at] ?? 0] ?? 'file',
    size: entries.size[at] ?? 0,
    mode: entries.attributes[attribute] ?? 0,
    owner: `${entries.attributes[attribute + 1]}:${entries.attributes[attribute + 2]}`,
    mtime: entries.mtime[at] ?? 0,
    sameContent: entries.sameContent[at] === 1,
    target: entries.targets.get(at) ?? '',
  };
}

interface Place {
  readonly node: number;
  readonly at: number;
}

function copiesOf(tree: Tree, { group }: Entries, { entry, state }: LayerView, { node, at }: Place): string[] {
  const wanted = group[at] ?? 0;
  const found: string[] = [];
  if (wanted === 0) return found;
  for (let other = 0; other < tree.count && found.length < MOST; other++) {
    const of = entry[other] ?? -1;
    if (other !== node && of >= 0 && group[of] === wanted && state[other] !== REMOVED) found.push(pathOf(tree, other));
  }
  return found;
}

/** Hard links name the path of their file: all with the same target in the same layer are one file, and so is the target. */
function namesOf(tree: Tree, entries: Entries, { entry, state }: LayerView, { node, at }: Place): string[] {
  const path = entries.kind[at] === HARDLINK ? (entries.targets.get(at) ?? '') : pathOf(tree, node);
  const found: string[] = [];
  for (const [link, target] of entries.targets) {
    if (target !== path || entries.kind[link] !== HARDLINK) continue;
    const other = nodeOfEntry(tree, link);
    if (other !== node && entry[other] === link && state[other] !== REMOVED) found.push(pathOf(tree, other));
    if (found.length === MOST) break;
  }
  return entries.kind[at] === HARDLINK ? [path, ...found] : found;
}

function nodeOfEntry({ entryEnd, count }: Tree, entry: number): number {
  let [low, high] = [0, count - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entryEnd[middle] ?? 0) <= entry) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where a link leads inside of the image; -1 when that is nowhere or a loop. */
function follow(tree: Tree, entries: Entries, view: LayerView, link: number): number {
  let path = pathOf(tree, link);
  for (let links = 0; links < MOST_LINKS; links++) {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    const done: string[] = [];
    let next: string | undefined;
    for (const [i, part] of parts.entries()) {
      if (part === '..') {
        done.pop();
        continue;
      }
      done.push(part);
      const node = nodeAt(tree, done.join('/'));
      if (node < 0 || view.state[node] === GONE || view.state[node] === REMOVED) return -1;
      const at = view.entry[node] ?? -1;
      if (at < 0 || entries.kind[at] !== SYMLINK) continue;
      const target = entries.targets.get(at) ?? '';
      const from = target.startsWith('/') ? '' : done.slice(0, -1).join('/');
      next = [from, target, ...parts.slice(i + 1)].join('/');
      break;
    }
    if (next === undefined) return nodeAt(tree, done.join('/'));
    path = next;
  }
  return -1;
}
