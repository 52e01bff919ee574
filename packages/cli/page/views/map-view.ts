import { humanSize } from '../../src/output/human.ts';
import { fragmentOf, type Place } from '../app/fragment.ts';
import type { Page, View } from '../app/page.ts';
import type { MapReply, Tile } from '../data/messages.ts';
import { element, styled } from '../dom/element.ts';
import { nameElement, shownText } from '../dom/shown-text.ts';
import { drawMap } from './map-canvas.ts';
import { hueOf, layerMark } from './layer-mark.ts';
import { bar, counted, table } from './tables.ts';

/** The finished image by size: a treemap, and the same as a list beside it. */
export function mapView(page: Page): View {
  const made = new MapView(page);
  return { element: made.element, show: (values) => void made.show(values) };
}

class MapView {
  readonly element: HTMLElement;
  readonly #page: Page;
  readonly #canvas = element('canvas', {
    class: 'map',
    'aria-hidden': 'true',
    onclick: (event: MouseEvent) => this.#click(event),
    onmousemove: (event: MouseEvent) => this.#hover(event),
    onmouseleave: () => this.#describe(undefined),
  });
  readonly #hint = element('p', { class: 'status muted' }, 'Reading the files…');
  readonly #trail = element('nav', { 'aria-label': 'Path', class: 'trail' });
  readonly #list = element('div', {});
  readonly #own = element('input', { type: 'checkbox', onchange: () => void this.#draw() });
  #path = '';
  #reply: MapReply | undefined;
  #asked = 0;

  constructor(page: Page) {
    this.#page = page;
    const own = element('label', { class: 'chip' }, this.#own, 'own layers only');
    this.element = element(
      'div',
      { class: 'view' },
      element('div', { class: 'filters' }, this.#trail, own, legend(page)),
      element(
        'div',
        { class: 'map-place' },
        element('div', { class: 'map-frame' }, this.#canvas, this.#hint),
        this.#list,
      ),
    );
    new ResizeObserver(() => void this.#draw()).observe(this.element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#paint());
  }

  async show({ path = '' }: Place['values']): Promise<void> {
    this.#path = path.replace(/^\/+/, '');
    await this.#page.ready;
    await this.#draw();
  }

  async #draw(): Promise<void> {
    const { width, height } = this.#canvas.getBoundingClientRect();
    if (width < 10) return;
    const asked = ++this.#asked;
    const own = this.#own.checked;
    await this.#page.ready;
    const reply = await this.#page.worker.ask('map', { path: this.#path, width, height, own });
    if (asked !== this.#asked) return;
    this.#reply = reply;
    this.#paint();
    this.#describe(undefined);
    const steps = reply.trail.map(({ name }, i) => {
      const path = reply.trail
        .slice(0, i + 1)
        .map((step) => step.name)
        .join('/');
      return element(
        'a',
        {
          href: fragmentOf('map', { path: `/${path}` }),
          ...(i === reply.trail.length - 1 && { 'aria-current': 'page' }),
        },
        nameElement(name),
      );
    });
    this.#trail.replaceChildren(element('a', { href: fragmentOf('map') }, '/'), ...steps);
    this.#list.replaceChildren(this.#listOf(reply));
  }

  #paint(): void {
    if (this.#reply !== undefined)
      drawMap(this.#canvas, this.#reply.tiles, (layer) => hueOf(this.#page.summary, layer));
  }

  #listOf({ items, bytes }: MapReply): HTMLElement {
    const rows = items.map((item) => {
      const path = this.#pathOf(item);
      const name = nameElement(item.isDirectory ? `${item.name}/` : item.name);
      const href = item.isDirectory ? fragmentOf('map', { path }) : fragmentOf('files', { path });
      return [
        humanSize(item.bytes),
        bar(bytes === 0 ? 0 : item.bytes / bytes, hueOf(this.#page.summary, item.layer)),
        layerMark(this.#page.summary, item.layer),
        element('a', { href }, name),
      ];
    });
    const columns = [
      { title: 'Size', isNumber: true },
      { title: 'Share' },
      { title: 'Layer' },
      { title: 'Name', isWide: true },
    ];
    return table(`Largest of ${counted(items.length, 'entry').replace(/entrys$/, 'entries')}`, columns, rows);
  }

  #pathOf({ name }: Tile): string {
    return `/${[...(this.#path === '' ? [] : [this.#path]), name].join('/')}`;
  }

  #tileAt({ offsetX: x, offsetY: y }: MouseEvent): Tile | undefined {
    return this.#reply?.tiles.findLast(
      (tile) => x >= tile.x && x < tile.x + tile.width && y >= tile.y && y < tile.y + tile.height,
    );
  }

  #hover(event: MouseEvent): void {
    this.#describe(this.#tileAt(event));
  }

  #describe(tile: Tile | undefined): void {
    const { bytes = 0 } = this.#reply ?? {};
    this.#hint.textContent =
      tile === undefined
        ? `${humanSize(bytes)} shown. Click to go into a directory or to open a file.`
        : `${shownText(tile.name)}${tile.isDirectory ? '/' : ''}: ${humanSize(tile.bytes)}${tile.isDirectory ? ` in ${counted(tile.files, 'file')}` : ''}, layer ${tile.layer + 1}${tile.isDuplicate ? ', its content is elsewhere too' : ''}`;
  }

  #click(event: MouseEvent): void {
    const tile = this.#tileAt(event);
    if (tile === undefined) return;
    void this.#page.worker.ask('details', { id: tile.id }).then(({ path }) => {
      this.#page.go(tile.isDirectory ? 'map' : 'files', { path: `/${path}` });
    });
  }
}

/** Colours of the layers that are large enough to be seen. */
function legend({ summary }: Page): HTMLElement {
  const total = summary.layers.reduce((sum, { unpacked }) => sum + unpacked, 0);
  const large = summary.layers.flatMap(({ unpacked }, at) => (unpacked > total / 200 ? [at] : []));
  const marks = large.slice(-12).map((at) => layerMark(summary, at));
  const hatch = styled(element('span', { class: 'mark hatch' }, 'duplicate'), {});
  return element('p', { class: 'legend' }, 'layers ', ...marks, ' ', hatch);
}
