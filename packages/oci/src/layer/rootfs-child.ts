import type { ByteString } from '../spec/byte-string.ts';
import type { LayerIndex } from './layer-index.ts';
import { isWhiteoutName, OPAQUE_NAME, WHITEOUT_PREFIX, whiteoutPath } from './whiteout.ts';

/** What each layer says of one path. Layers are counted from the lowest, 0. */
export interface ChildFacts {
  /** The number of its record in the layer's index, or -1. */
  record(layer: number): number;
  /** True when the layer holds something below it. */
  below(layer: number): boolean;
  /** True when the layer removes it. */
  whiteout(layer: number): boolean;
}

type Layers = readonly { readonly index: LayerIndex }[];

/** The facts of one path, searched for when they are asked for. */
export class SearchedChild implements ChildFacts {
  readonly #layers: Layers;
  readonly #path: ByteString;
  #whiteoutPath: ByteString | undefined;

  constructor(layers: Layers, path: ByteString) {
    this.#layers = layers;
    this.#path = path;
  }

  record(layer: number): number {
    return this.#layers[layer]?.index.find(this.#path) ?? -1;
  }

  below(layer: number): boolean {
    return this.#layers[layer]?.index.hasBelow(this.#path) ?? false;
  }

  whiteout(layer: number): boolean {
    this.#whiteoutPath ??= whiteoutPath(this.#path);
    return (this.#layers[layer]?.index.find(this.#whiteoutPath) ?? -1) >= 0;
  }
}

/** The facts of one child of a directory that was listed: gathered layer by layer, few of them. */
export class ListedChild implements ChildFacts {
  readonly name: ByteString;
  readonly #facts: { readonly layer: number; record: number; below: boolean; whiteout: boolean }[] = [];

  constructor(name: ByteString) {
    this.name = name;
  }

  record(layer: number): number {
    return this.#find(layer)?.record ?? -1;
  }

  below(layer: number): boolean {
    return this.#find(layer)?.below ?? false;
  }

  whiteout(layer: number): boolean {
    return this.#find(layer)?.whiteout ?? false;
  }

  /** Adds what one layer says; layers come in order. */
  note(layer: number, record: number, below: boolean, whiteout: boolean): void {
    const last = this.#facts.at(-1);
    if (last?.layer !== layer) {
      this.#facts.push({ layer, record, below, whiteout });
      return;
    }
    if (record >= 0) last.record = record;
    last.below ||= below;
    last.whiteout ||= whiteout;
  }

  #find(layer: number) {
    return this.#facts.find((fact) => fact.layer === layer);
  }
}

/** Everything that the layers from `floor` up say of the children of a directory, whiteouts included. */
export function listChildren(layers: Layers, directory: ByteString, floor: number): Iterable<ListedChild> {
  const children = new Map<ByteString, ListedChild>();
  const child = (name: ByteString): ListedChild => {
    let known = children.get(name);
    if (known === undefined) {
      known = new ListedChild(name);
      children.set(name, known);
    }
    return known;
  };
  for (let layer = floor; layer < layers.length; layer++) {
    for (const { name, record, below } of layers[layer]?.index.children(directory) ?? []) {
      if (record < 0 || !isWhiteoutName(name)) child(name).note(layer, record, below, false);
      else if (name !== OPAQUE_NAME) child(name.slice(WHITEOUT_PREFIX.length)).note(layer, -1, false, true);
    }
  }
  return children.values();
}
