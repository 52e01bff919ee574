import { KINDS } from '../../src/explore/entry-columns.ts';
import type { Entries } from '../data/decode-columns.ts';
import type { RowState } from '../data/messages.ts';
import type { Tree } from './tree.ts';

const WHITEOUT = KINDS.indexOf('whiteout');
const OPAQUE = KINDS.indexOf('opaque');
export const DIRECTORY = KINDS.indexOf('directory');
const FILE = KINDS.indexOf('file');

/** What became of a node in a layer; 0 where it is not there. */
export const STATES: readonly (RowState | undefined)[] = [
  undefined,
  'same',
  'added',
  'changed',
  'attributes',
  'removed',
];
export const [GONE, SAME, ADDED, CHANGED, ATTRIBUTES, REMOVED] = [0, 1, 2, 3, 4, 5] as const;

/** The merged view of the layers up to one, and what that one changed. */
export interface LayerView {
  readonly state: Uint8Array;
  /** The entry that counts (of what was removed, the one before); -1 for directories that no layer describes. */
  readonly entry: Int32Array;
}

/**
 * Merges the layers up to `layer` as image-spec layer.md says: whiteouts and opaque directories hide what is below their layer,
 * and what is no directory takes the place of one with all that is in it.
 */
export function layerView(tree: Tree, entries: Entries, layer: number): LayerView {
  const now = merge(tree, entries, layer);
  const before = merge(tree, entries, layer - 1);
  const state = new Uint8Array(tree.count);
  const entry = now.entry;
  for (let node = 0; node < tree.count; node++) {
    const [is, was] = [now.present[node] === 1, before.present[node] === 1];
    if (is) state[node] = was ? changeOf(entries, before.entry[node] ?? -1, entry[node] ?? -1) : ADDED;
    else if (was) {
      state[node] = REMOVED;
      entry[node] = before.entry[node] ?? -1;
    }
  }
  return { state, entry };
}

function changeOf({ kind, attribute, sameContent }: Entries, before: number, now: number): number {
  if (before === now || now < 0) return SAME;
  if (kind[now] === DIRECTORY) return before < 0 || attribute[before] === attribute[now] ? SAME : ATTRIBUTES;
  return kind[now] === FILE && sameContent[now] === 1 ? ATTRIBUTES : CHANGED;
}

function merge(tree: Tree, { layer: layers, kind }: Entries, most: number) {
  const { count, parent, entryStart, entryEnd } = tree;
  const entry = new Int32Array(count).fill(-1);
  const present = new Uint8Array(count);
  /** The lowest layer whose content shows in the node. */
  const floor = new Uint16Array(count);
  for (let node = 0; node < count; node++) {
    const lowest = node === 0 ? 0 : (floor[parent[node] ?? 0] ?? 0);
    let inside = lowest;
    let current = -1;
    let isImplied = false;
    for (let at = entryStart[node] ?? 0; at < (entryEnd[node] ?? 0); at++) {
      const layer = layers[at] ?? 0;
      if (layer > most) break;
      if (layer < lowest) continue;
      if (kind[at] === WHITEOUT) {
        current = -1;
        isImplied = false;
        inside = layer;
        // What has something taken out of it is a directory.
        present[parent[node] ?? 0] = 1;
      } else if (kind[at] === OPAQUE) {
        inside = layer;
        isImplied = true;
      } else {
        if (kind[at] !== DIRECTORY) inside = layer + 1;
        current = at;
      }
    }
    entry[node] = current;
    floor[node] = inside;
    if (current >= 0 || isImplied) present[node] = 1;
  }
  // Directories that no layer describes are there for what is in them.
  for (let node = count - 1; node > 0; node--) {
    if (present[node] === 1) present[parent[node] ?? 0] = 1;
  }
  present[0] = 1;
  return { entry, present };
}
