import { byteString, type Entries } from '../data/decode-columns.ts';

/** All paths of all layers as nodes in the order of a walk: a directory, then everything below it. The root is node 0. */
export interface Tree {
  readonly count: number;
  readonly parent: Int32Array;
  /** The node behind the last one below. */
  readonly end: Int32Array;
  readonly depth: Uint16Array;
  /** The entries of the node: from here to `entryEnd`. Directories that no layer describes have none. */
  readonly entryStart: Uint32Array;
  readonly entryEnd: Uint32Array;
  /** The names, each ended by a zero byte. */
  readonly names: Uint8Array;
  readonly nameStart: Uint32Array;
}

const SLASH = 0x2f;

/** Builds the tree in one pass over the entries, which come in the order of a walk. */
export function buildTree(entries: Entries): Tree {
  const builder = new TreeBuilder(entries.names.length + 4 * entries.count);
  let path = new Uint8Array(4096);
  let length = 0;
  for (let i = 0; i < entries.count; i++) {
    const shared = entries.shared[i] ?? 0;
    const [from, to] = [entries.nameStart[i] ?? 0, entries.nameStart[i + 1] ?? 0];
    const isSame = i > 0 && from === to && shared === length;
    length = shared + to - from;
    if (length > path.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(path);
      path = larger;
    }
    path.set(entries.names.subarray(from, to), shared);
    if (!isSame) builder.add(path, length, shared, i);
    builder.extend(i + 1);
  }
  return builder.result();
}

class TreeBuilder {
  readonly #parent: number[] = [-1];
  readonly #depth: number[] = [0];
  readonly #entryStart: number[] = [0];
  readonly #entryEnd: number[] = [0];
  readonly #nameStart: number[] = [0];
  #names: Uint8Array;
  /** Of the root, the empty name and its end. */
  #namesLength = 1;
  /** The nodes on the way to the last path, and where each ends in it. */
  readonly #stack: { readonly node: number; readonly end: number }[] = [{ node: 0, end: 0 }];
  #last = 0;

  constructor(size: number) {
    this.#names = new Uint8Array(size + 1024);
  }

  add(path: Uint8Array, length: number, shared: number, entry: number): void {
    if (length === 0) {
      this.#last = 0;
      this.#entryStart[0] = entry;
      return;
    }
    while (this.#stack.length > 1) {
      const end = this.#stack.at(-1)?.end ?? 0;
      if (end <= shared && end < length && path[end] === SLASH) break;
      this.#stack.pop();
    }
    let start = this.#stack.at(-1)?.end ?? 0;
    if (start > 0) start++;
    for (;;) {
      const slash = path.indexOf(SLASH, start);
      const end = slash < 0 || slash >= length ? length : slash;
      this.#push(path.subarray(start, end), entry);
      this.#stack.push({ node: this.#last, end });
      if (end === length) return;
      start = end + 1;
    }
  }

  /** The last node's entries reach up to here. */
  extend(end: number): void {
    this.#entryEnd[this.#last] = end;
  }

  #push(name: Uint8Array, entry: number): void {
    const above = this.#stack.at(-1)?.node ?? 0;
    this.#last = this.#parent.length;
    this.#parent.push(above);
    this.#depth.push((this.#depth[above] ?? 0) + 1);
    this.#entryStart.push(entry);
    this.#entryEnd.push(entry);
    this.#nameStart.push(this.#namesLength);
    if (this.#namesLength + name.length + 1 > this.#names.length) {
      const larger = new Uint8Array(2 * (this.#names.length + name.length + 1));
      larger.set(this.#names);
      this.#names = larger;
    }
    this.#names.set(name, this.#namesLength);
    this.#namesLength += name.length + 1;
  }

  result(): Tree {
    const count = this.#parent.length;
    const parent = Int32Array.from(this.#parent);
    const end = new Int32Array(count);
    for (let node = count - 1; node >= 0; node--) {
      if (end[node] === 0) end[node] = node + 1;
      const above = parent[node] ?? -1;
      if (above >= 0 && (end[above] ?? 0) < (end[node] ?? 0)) end[above] = end[node] ?? 0;
    }
    return {
      count,
      parent,
      end,
      depth: Uint16Array.from(this.#depth),
      entryStart: Uint32Array.from(this.#entryStart),
      entryEnd: Uint32Array.from(this.#entryEnd),
      names: this.#names.subarray(0, this.#namesLength),
      nameStart: Uint32Array.from([...this.#nameStart, this.#namesLength]),
    };
  }
}

/** The name of a node, a byte string. */
export function nameOf(tree: Tree, node: number): string {
  return byteString(tree.names.subarray(tree.nameStart[node], (tree.nameStart[node + 1] ?? 1) - 1));
}

/** The path of a node without a leading slash. */
export function pathOf(tree: Tree, node: number): string {
  const names: string[] = [];
  for (let at = node; at > 0; at = tree.parent[at] ?? 0) names.push(nameOf(tree, at));
  return names.toReversed().join('/');
}

/** The nodes in a directory. */
export function* childrenOf({ end }: Tree, node: number): Generator<number> {
  for (let child = node + 1; child < (end[node] ?? 0); child = end[child] ?? Number.POSITIVE_INFINITY) yield child;
}

/** The node of a path; -1 where there is none. */
export function nodeAt(tree: Tree, path: string): number {
  let node = 0;
  for (const name of path.split('/').filter((part) => part !== '')) {
    let found = -1;
    for (const child of childrenOf(tree, node)) {
      if (nameOf(tree, child) !== name) continue;
      found = child;
      break;
    }
    if (found < 0) return -1;
    node = found;
  }
  return node;
}
