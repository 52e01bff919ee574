import type { Entries } from '../data/decode-columns.ts';
import type { MapReply, Tile } from '../data/messages.ts';
import { DIRECTORY, type LayerView, REMOVED } from './layer-view.ts';
import { type Area, squarify } from './squarify.ts';
import { childrenOf, nameOf, nodeAt, type Tree } from './tree.ts';

/** Rectangles with a side below this are not divided, and with an area below that not drawn. Pixels. */
const LEAST_SIDE = 26;
const LEAST_AREA = 9;
const MOST_TILES = 4000;
/** A directory's own line, and the gap around what is in it. */
const HEAD = 18;
const GAP = 2;

/** The finished image by size: sums for each node. */
export class SizeMap {
  readonly #tree: Tree;
  readonly #entries: Entries;
  readonly #view: LayerView;
  readonly #bytes: Float64Array;
  readonly #files: Uint32Array;
  /** The layer that holds most of the bytes of a node. */
  readonly #layer: Int32Array;

  constructor(tree: Tree, entries: Entries, view: LayerView, isCounted: (layer: number) => boolean) {
    this.#tree = tree;
    this.#entries = entries;
    this.#view = view;
    this.#bytes = new Float64Array(tree.count);
    this.#files = new Uint32Array(tree.count);
    this.#layer = new Int32Array(tree.count);
    const most = new Float64Array(tree.count);
    for (let node = tree.count - 1; node >= 0; node--) {
      const at = view.entry[node] ?? -1;
      const layer = entries.layer[at] ?? 0;
      if (at >= 0 && view.state[node] !== REMOVED && entries.kind[at] !== DIRECTORY && isCounted(layer)) {
        this.#bytes[node] = entries.size[at] ?? 0;
        this.#files[node] = 1;
        this.#layer[node] = layer;
      }
      const above = tree.parent[node] ?? -1;
      if (above < 0) continue;
      const bytes = this.#bytes[node] ?? 0;
      this.#bytes[above] = (this.#bytes[above] ?? 0) + bytes;
      this.#files[above] = (this.#files[above] ?? 0) + (this.#files[node] ?? 0);
      if (bytes <= (most[above] ?? 0)) continue;
      most[above] = bytes;
      this.#layer[above] = this.#layer[node] ?? 0;
    }
  }

  /** The map of a directory; of the root where there is no such one. */
  reply(path: string, width: number, height: number): MapReply {
    const root = Math.max(0, nodeAt(this.#tree, path));
    const tiles: Tile[] = [];
    const waiting: { node: number; area: Area; depth: number }[] = [
      { node: root, area: { x: 0, y: 0, width, height }, depth: 1 },
    ];
    for (let next = waiting.shift(); next !== undefined && tiles.length < MOST_TILES; next = waiting.shift()) {
      const { node, area, depth } = next;
      const nodes = this.#largest(node);
      const areas = squarify(
        nodes.map((child) => this.#bytes[child] ?? 0),
        area,
      );
      for (const [i, child] of nodes.entries()) {
        const place = areas[i];
        if (place === undefined || place.width * place.height < LEAST_AREA) break;
        tiles.push(this.#tile(child, place, depth));
        const inside = insideOf(place);
        if (this.#isDirectory(child) && inside !== undefined)
          waiting.push({ node: child, area: inside, depth: depth + 1 });
      }
    }
    const trail: { id: number; name: string }[] = [];
    for (let at = root; at > 0; at = this.#tree.parent[at] ?? 0)
      trail.unshift({ id: at, name: nameOf(this.#tree, at) });
    const items = this.#largest(root).slice(0, 100);
    return {
      tiles,
      items: items.map((node) => this.#tile(node, { x: 0, y: 0, width: 0, height: 0 }, 1)),
      bytes: this.#bytes[root] ?? 0,
      trail,
    };
  }

  /** The directories that hold most, none of them in another one of the list. */
  largestDirectories(count: number): readonly Tile[] {
    const total = this.#bytes[0] ?? 0;
    const found: number[] = [];
    const waiting = this.#largest(0).filter((node) => this.#isDirectory(node));
    for (let node = waiting.shift(); node !== undefined && found.length < 200; node = waiting.shift()) {
      const below = this.#largest(node).filter((child) => this.#isDirectory(child));
      const [first] = below;
      // A directory that is but the way to a larger one says nothing.
      if (first !== undefined && (this.#bytes[first] ?? 0) > 0.8 * (this.#bytes[node] ?? 0)) waiting.unshift(first);
      else if ((this.#bytes[node] ?? 0) > 0.5 * total && below.length > 0) waiting.unshift(...below);
      else found.push(node);
    }
    return found
      .toSorted((a, b) => (this.#bytes[b] ?? 0) - (this.#bytes[a] ?? 0))
      .slice(0, count)
      .map((node) => this.#tile(node, { x: 0, y: 0, width: 0, height: 0 }, 1));
  }

  #largest(node: number): number[] {
    return [...childrenOf(this.#tree, node)]
      .filter((child) => (this.#bytes[child] ?? 0) > 0)
      .toSorted((a, b) => (this.#bytes[b] ?? 0) - (this.#bytes[a] ?? 0));
  }

  #isDirectory(node: number): boolean {
    const at = this.#view.entry[node] ?? -1;
    return at < 0 || this.#entries.kind[at] === DIRECTORY;
  }

  #tile(node: number, area: Area, depth: number): Tile {
    const at = this.#view.entry[node] ?? -1;
    return {
      ...area,
      id: node,
      name: nameOf(this.#tree, node),
      isDirectory: this.#isDirectory(node),
      depth,
      bytes: this.#bytes[node] ?? 0,
      files: this.#files[node] ?? 0,
      layer: this.#layer[node] ?? 0,
      isDuplicate: at >= 0 && (this.#entries.group[at] ?? 0) > 0,
    };
  }
}

function insideOf({ x, y, width, height }: Area): Area | undefined {
  if (width < LEAST_SIDE || height < LEAST_SIDE + HEAD) return undefined;
  return { x: x + GAP, y: y + HEAD, width: width - 2 * GAP, height: height - HEAD - GAP };
}
