import { humanSize } from '../../../src/output/human.ts';
import type { Place } from '../../app/fragment.ts';
import type { Page, View } from '../../app/page.ts';
import type { ViewSums } from '../../data/messages.ts';
import { element } from '../../dom/element.ts';
import { counted, number } from '../tables.ts';
import { detailsElement } from './entry-details.ts';
import { fileFilters } from './file-filters.ts';
import { layerChoice } from './layer-choice.ts';
import { VirtualTree } from './virtual-tree.ts';

/** Layers beside the tree of their files. */
export function filesView(page: Page): View {
  const made = new FilesView(page);
  return { element: made.element, search: made.search, show: (values) => void made.show(values) };
}

class FilesView {
  readonly element: HTMLElement;
  readonly search: HTMLInputElement;
  readonly #page: Page;
  readonly #filters = fileFilters(() => this.#changed());
  readonly #layers;
  readonly #tree: VirtualTree;
  readonly #status = element('p', { class: 'status muted' }, 'Reading the files…');
  readonly #details = element('div', { class: 'details-place' });
  #layer: number;
  #path = '';
  #shown = '';
  #asked = 0;
  #timer = 0;

  constructor(page: Page) {
    this.#page = page;
    const { summary, worker } = page;
    this.#layer = Math.max(0, summary.layers.length - 1);
    this.search = this.#filters.search;
    this.#layers = layerChoice(summary, (layer) => {
      this.#layer = layer;
      if (this.#filters.read().scope === 'final') this.#filters.setScope('layer');
      this.#changed();
    });
    this.#tree = new VirtualTree(worker, summary, {
      chosen: ({ id }) => void this.#describe(id),
      sums: (sums) => this.#tell(sums),
    });
    const head = element(
      'div',
      { class: 'row head', 'aria-hidden': 'true' },
      ...['', 'Name', '', 'Size', 'Files', 'Mode', 'Owner', 'Layer'].map((title, i) =>
        element('span', { class: i === 3 || i === 4 ? 'number' : '' }, title),
      ),
    );
    const files = element(
      'div',
      { class: 'files-pane' },
      this.#filters.element,
      this.#status,
      head,
      this.#tree.element,
      this.#details,
    );
    this.element = element('div', { class: 'view files-view' }, this.#layers.element, files);
  }

  /** What the fragment says: a layer, which files, a path to show, a search. */
  async show({ layer, scope, path = '', search }: Place['values']): Promise<void> {
    const wanted = Number(layer) - 1;
    if (Number.isInteger(wanted) && wanted >= 0 && wanted < this.#page.summary.layers.length) this.#layer = wanted;
    const known = scope === 'layer' || scope === 'upto' ? scope : 'final';
    this.#filters.setScope(known);
    this.#layers.set(this.#layer);
    if (search !== undefined)
      this.#filters.setSearch(new TextDecoder().decode(Uint8Array.from(search, (c) => c.charCodeAt(0))));
    await this.#page.ready;
    const isNew = path !== '' && path !== this.#path;
    this.#path = path;
    if (isNew) this.#filters.setSearch('');
    await this.#refresh();
    if (isNew) await this.#reveal(path);
  }

  async #reveal(path: string): Promise<void> {
    const { row, sums } = await this.#page.worker.ask('reveal', { path });
    if (row < 0) return;
    this.#tell(sums);
    await this.#tree.renew(sums, row);
    const [found] = await this.#page.worker.ask('rows', { from: row, to: row + 1 });
    if (found !== undefined) await this.#describe(found.id);
  }

  #changed(): void {
    this.#filters.setScope(this.#filters.read().scope);
    // While somebody types, the tree follows a little behind.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const { scope, search } = this.#filters.read();
      const bytes = String.fromCharCode(...new TextEncoder().encode(search));
      this.#page.go('files', { layer: String(this.#layer + 1), scope, search: bytes }, true);
      void this.#refresh();
    }, 60);
  }

  async #refresh(): Promise<void> {
    const choice = { ...this.#filters.read(), layer: this.#layer };
    const key = JSON.stringify(choice);
    if (key === this.#shown) return;
    this.#shown = key;
    const asked = ++this.#asked;
    const sums = await this.#page.worker.ask('view', choice);
    if (asked !== this.#asked) return;
    this.#tell(sums);
    await this.#tree.renew(sums);
  }

  #tell({ rows, files, bytes, matches, fault }: ViewSums): void {
    const found = matches === undefined ? '' : `, ${counted(matches, 'match').replace(/matchs$/, 'matches')}`;
    const text = fault ?? `${humanSize(bytes)} in ${counted(files, 'file')}${found}`;
    if (this.#status.textContent === text) return;
    this.#status.textContent = text;
    this.#page.say(`${text}, ${number(rows)} rows`);
  }

  async #describe(id: number): Promise<void> {
    const details = await this.#page.worker.ask('details', { id });
    this.#details.replaceChildren(detailsElement(details, this.#page.summary));
    this.#path = `/${details.path}`;
    const { scope, search } = this.#filters.read();
    const bytes = String.fromCharCode(...new TextEncoder().encode(search));
    this.#page.go('files', { layer: String(this.#layer + 1), scope, search: bytes, path: this.#path }, true);
  }
}
