import { decodeColumns, type Entries } from '../data/decode-columns.ts';
import type { Requests, RequestName, ViewSums } from '../data/messages.ts';
import { detailsOf } from './details.ts';
import { FileView, searched } from './file-view.ts';
import { layerView, type LayerView } from './layer-view.ts';
import { Search } from './search.ts';
import { SizeMap } from './size-map.ts';
import { buildTree, type Tree } from './tree.ts';

/** Answers of one kind of request. */
type Answer<Name extends RequestName> = (ask: Requests[Name]['ask']) => Requests[Name]['reply'];

/** What the worker knows of an image once its entries are decoded. */
export class Explorer {
  readonly entries: Entries;
  readonly tree: Tree;
  readonly #search: Search;
  readonly #final: LayerView;
  readonly #layers: number;
  readonly #own: readonly boolean[];
  readonly #maps = new Map<boolean, SizeMap>();
  readonly #open = new Set<number>();
  #view: FileView | undefined;
  #last: { readonly layer: number; readonly view: LayerView } | undefined;

  /** @param own for each layer, whether it is none of the base image */
  constructor(columns: Uint8Array, own: readonly boolean[]) {
    this.entries = decodeColumns(columns);
    this.tree = buildTree(this.entries);
    this.#search = new Search(this.tree);
    this.#layers = own.length;
    this.#own = own;
    this.#final = layerView(this.tree, this.entries, this.#layers - 1);
  }

  readonly view: Answer<'view'> = (choice) => {
    const start = performance.now();
    const layer = choice.scope === 'final' ? this.#layers - 1 : choice.layer;
    const { matches, fault } = searched(this.#search, choice.search);
    const { tree, entries } = this;
    // With a search everything is open that leads to a match.
    const open = matches === undefined ? this.#open : new Set<number>();
    this.#view = new FileView(
      { tree, entries, own: this.#own },
      { ...choice, layer },
      { matches, open },
      this.#at(layer),
    );
    return { ...this.#view.sums(performance.now() - start), ...(fault !== undefined && { fault }) };
  };

  readonly rows: Answer<'rows'> = ({ from, to }) => this.#view?.rows(from, to) ?? [];

  readonly open: Answer<'open'> = ({ id, open, siblings }) => {
    this.#view?.open(id, open, siblings);
    return this.#sums();
  };

  readonly reveal: Answer<'reveal'> = ({ path }) => {
    const row = this.#view?.reveal(path) ?? -1;
    return { row, sums: this.#sums() };
  };

  readonly details: Answer<'details'> = ({ id }) => detailsOf(this.tree, this.entries, this.#final, id);

  readonly map: Answer<'map'> = ({ path, width, height, own }) => this.#mapOf(own).reply(path, width, height);

  readonly largest: Answer<'largest'> = ({ own }) => this.#mapOf(own).largestDirectories(5);

  #mapOf(own: boolean): SizeMap {
    const known = this.#maps.get(own);
    if (known !== undefined) return known;
    const isCounted = (layer: number): boolean => !own || this.#own[layer] === true;
    const map = new SizeMap(this.tree, this.entries, this.#final, isCounted);
    this.#maps.set(own, map);
    return map;
  }

  #sums(): ViewSums {
    return this.#view?.sums(0) ?? { rows: 0, files: 0, bytes: 0, milliseconds: 0 };
  }

  /** The view of a layer as it is: a FileView changes nothing of it. */
  #at(layer: number): LayerView {
    if (layer === this.#layers - 1) return this.#final;
    if (this.#last?.layer !== layer) this.#last = { layer, view: layerView(this.tree, this.entries, layer) };
    return this.#last.view;
  }
}
