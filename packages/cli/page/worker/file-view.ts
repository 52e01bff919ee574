import type { Entries } from '../data/decode-columns.ts';
import type { Row, ViewChoice, ViewSums } from '../data/messages.ts';
import { KINDS } from '../../src/explore/entry-columns.ts';
import {
  ADDED,
  ATTRIBUTES,
  CHANGED,
  DIRECTORY,
  GONE,
  layerView,
  type LayerView,
  REMOVED,
  SAME,
  STATES,
} from './layer-view.ts';
import type { Matches, Search } from './search.ts';
import { childrenOf, nameOf, nodeAt, type Tree } from './tree.ts';

const FILE = KINDS.indexOf('file');

/** What the tree of files shows: sums for each node, and the rows of directories that are open. */
export class FileView {
  readonly #tree: Tree;
  readonly #entries: Entries;
  readonly #own: readonly boolean[];
  readonly #choice: ViewChoice;
  readonly #view: LayerView;
  readonly #bytes: Float64Array;
  readonly #files: Uint32Array;
  /** 1: something below changed in the layer. */
  readonly #changed: Uint8Array;
  /** 1: to be shown, with what is above it. */
  readonly #shown: Uint8Array;
  readonly #matches: Matches | undefined;
  /** Directories that are open; with a search all are, but these. */
  readonly #toggled: Set<number>;
  #rows = new Int32Array(0);
  #positions = new Int32Array(0);
  #siblings = new Int32Array(0);

  constructor(
    { tree, entries, own }: { readonly tree: Tree; readonly entries: Entries; readonly own: readonly boolean[] },
    choice: ViewChoice,
    { matches, open }: { readonly matches: Matches | undefined; readonly open: Set<number> },
    view: LayerView = layerView(tree, entries, choice.layer),
  ) {
    this.#tree = tree;
    this.#entries = entries;
    this.#own = own;
    this.#choice = choice;
    this.#matches = matches;
    this.#toggled = open;
    this.#view = view;
    this.#bytes = new Float64Array(tree.count);
    this.#files = new Uint32Array(tree.count);
    this.#changed = new Uint8Array(tree.count);
    this.#shown = new Uint8Array(tree.count);
    this.#sum();
    this.#flatten();
  }

  /** From the last node up: what is below a directory is summed when its turn comes. */
  #sum(): void {
    const { parent, count } = this.#tree;
    const { state, entry } = this.#view;
    const { size, kind } = this.#entries;
    const { least } = this.#choice;
    for (let node = count - 1; node >= 0; node--) {
      const at = entry[node] ?? -1;
      const above = parent[node] ?? -1;
      if (this.#counts(node) && at >= 0 && kind[at] !== DIRECTORY) {
        this.#bytes[node] = size[at] ?? 0;
        this.#files[node] = kind[at] === FILE ? 1 : 0;
        if (this.#isMatch(node) && (this.#bytes[node] ?? 0) >= least) this.#shown[node] = 1;
      } else if (this.#counts(node) && this.#isMatch(node) && least === 0) this.#shown[node] = 1;
      if (above < 0) continue;
      this.#bytes[above] =
        (this.#bytes[above] ?? 0) +
        (state[node] === REMOVED && state[above] !== REMOVED ? 0 : (this.#bytes[node] ?? 0));
      this.#files[above] =
        (this.#files[above] ?? 0) +
        (state[node] === REMOVED && state[above] !== REMOVED ? 0 : (this.#files[node] ?? 0));
      if (this.#shown[node] === 1) this.#shown[above] = 1;
      const isChange = (state[node] ?? GONE) > SAME;
      if (isChange || this.#changed[node] === 1) this.#changed[above] = 1;
    }
  }

  /** Whether the choice wants a node at all. */
  #counts(node: number): boolean {
    const { scope, own, added, changed, removed, same } = this.#choice;
    const state = this.#view.state[node] ?? GONE;
    const at = this.#view.entry[node] ?? -1;
    if (state === GONE || (own && at >= 0 && this.#own[this.#entries.layer[at] ?? 0] !== true)) return false;
    if (scope === 'final') return state !== REMOVED;
    if (state === SAME) return scope === 'upto' && same;
    if (state === ADDED) return added;
    if (state === REMOVED) return removed;
    return (state === CHANGED || state === ATTRIBUTES) && changed;
  }

  /** Whether the search found the node, or something that it is in. */
  #isMatch(node: number): boolean {
    if (this.#matches === undefined) return true;
    for (let at = node; at > 0; at = this.#tree.parent[at] ?? 0) if (this.#matches[at] === 1) return true;
    return false;
  }

  #flatten(): void {
    const rows: number[] = [];
    const [positions, siblings]: [number[], number[]] = [[], []];
    const waiting = this.#below(0).toReversed();
    const place = new Map<number, readonly [number, number]>();
    const note = (list: readonly number[]): void => list.forEach((node, i) => place.set(node, [i + 1, list.length]));
    note(waiting.toReversed());
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      const [position, of] = place.get(node) ?? [1, 1];
      rows.push(node);
      positions.push(position);
      siblings.push(of);
      if (!this.#isOpen(node)) continue;
      const below = this.#below(node);
      note(below);
      for (let i = below.length - 1; i >= 0; i--) waiting.push(below[i] ?? 0);
    }
    this.#rows = Int32Array.from(rows);
    this.#positions = Int32Array.from(positions);
    this.#siblings = Int32Array.from(siblings);
  }

  #below(node: number): number[] {
    const below = [...childrenOf(this.#tree, node)].filter((child) => this.#shown[child] === 1);
    const { sort } = this.#choice;
    if (sort === 'name') return below;
    const by = sort === 'size' ? this.#bytes : this.#files;
    return below.toSorted((a, b) => (by[b] ?? 0) - (by[a] ?? 0) || a - b);
  }

  #isDirectory(node: number): boolean {
    const at = this.#view.entry[node] ?? -1;
    return at < 0 || this.#entries.kind[at] === DIRECTORY;
  }

  #isOpen(node: number): boolean {
    if (!this.#isDirectory(node) || (this.#tree.end[node] ?? 0) <= node + 1) return false;
    const isSearched = this.#matches !== undefined && this.#matches[node] !== 1;
    return isSearched !== this.#toggled.has(node);
  }

  /** Opens or closes a directory, or all directories beside it. */
  open(id: number, open: boolean, siblings: boolean): void {
    const nodes = siblings ? [...childrenOf(this.#tree, this.#tree.parent[id] ?? 0)] : [id];
    for (const node of nodes) this.#setOpen(node, open);
    this.#flatten();
  }

  /** Opens everything above a path. @returns its row, -1 where the view has none */
  reveal(path: string): number {
    const node = nodeAt(this.#tree, path);
    if (node <= 0) return -1;
    for (let at = this.#tree.parent[node] ?? 0; at > 0; at = this.#tree.parent[at] ?? 0) this.#setOpen(at, true);
    this.#flatten();
    return this.#rows.indexOf(node);
  }

  #setOpen(node: number, open: boolean): void {
    if (!this.#isDirectory(node) || this.#isOpen(node) === open) return;
    if (this.#toggled.has(node)) this.#toggled.delete(node);
    else this.#toggled.add(node);
  }

  sums(milliseconds: number): ViewSums {
    const matches = this.#matches?.reduce((sum, one, node) => sum + (one === 1 && this.#shown[node] === 1 ? 1 : 0), 0);
    return {
      rows: this.#rows.length,
      files: this.#files[0] ?? 0,
      bytes: this.#bytes[0] ?? 0,
      ...(matches !== undefined && { matches }),
      milliseconds,
    };
  }

  rows(from: number, to: number): readonly Row[] {
    return Array.from(this.#rows.subarray(from, to), (node, i) => this.#row(node, from + i));
  }

  #row(node: number, at: number): Row {
    const entry = this.#view.entry[node] ?? -1;
    const { kind, layer, attribute, attributes, group, targets } = this.#entries;
    const values =
      entry < 0 ? [0o755, 0, 0] : attributes.slice(3 * (attribute[entry] ?? 0), 3 * (attribute[entry] ?? 0) + 3);
    const bytes = this.#bytes[node] ?? 0;
    const isDirectory = this.#isDirectory(node);
    return {
      id: node,
      name: nameOf(this.#tree, node),
      level: this.#tree.depth[node] ?? 1,
      kind: KINDS[entry < 0 ? DIRECTORY : (kind[entry] ?? FILE)] ?? 'file',
      target: targets.get(entry) ?? '',
      expanded: isDirectory && (this.#tree.end[node] ?? 0) > node + 1 ? this.#isOpen(node) : undefined,
      state: STATES[this.#view.state[node] ?? SAME] ?? 'same',
      changedBelow: this.#changed[node] === 1,
      bytes,
      share: (this.#bytes[0] ?? 0) === 0 ? 0 : Math.min(1, bytes / (this.#bytes[0] ?? 1)),
      files: this.#files[node] ?? 0,
      mode: values[0] ?? 0,
      owner: `${values[1]}:${values[2]}`,
      layer: entry < 0 ? undefined : layer[entry],
      position: this.#positions[at] ?? 1,
      siblings: this.#siblings[at] ?? 1,
      isDuplicate: entry >= 0 && (group[entry] ?? 0) > 0,
    };
  }
}

/** Matches of a search, or why it is none. */
export function searched(search: Search, text: string): { readonly matches?: Matches; readonly fault?: string } {
  if (text.trim() === '') return {};
  try {
    return { matches: search.find(text) };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}
