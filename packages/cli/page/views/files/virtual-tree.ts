import type { PageSummary } from '../../../src/explore/page-data.ts';
import type { Row, ViewSums } from '../../data/messages.ts';
import type { WorkerClient } from '../../data/worker-client.ts';
import { element, styled } from '../../dom/element.ts';
import { rowElement } from './row-element.ts';

/** As the style sheet has it. Pixels. */
const ROW = 26;
/** Browsers cut elements that are higher (Firefox at 17.9 million): beyond it, places are parts of the whole. */
const HIGHEST = 15_000_000;
const MORE = 12;

/** What the tree tells the view. */
export interface TreeListener {
  /** An entry was chosen. */
  chosen(row: Row): void;
  sums(sums: ViewSums): void;
}

/**
 * A tree of any number of rows, of which only those in sight are elements. Focus stays on the tree; `aria-activedescendant` names
 * the row that the keys act on.
 */
export class VirtualTree {
  readonly element: HTMLElement;
  readonly #space: HTMLElement;
  readonly #worker: WorkerClient;
  readonly #summary: PageSummary;
  readonly #listener: TreeListener;
  #count = 0;
  #active = 0;
  #rows: readonly Row[] = [];
  #from = 0;
  #drawn = 0;
  #typed = { text: '', at: 0 };

  constructor(worker: WorkerClient, summary: PageSummary, listener: TreeListener) {
    this.#worker = worker;
    this.#summary = summary;
    this.#listener = listener;
    this.#space = element('div', { class: 'space', role: 'none' });
    this.element = element(
      'div',
      {
        class: 'tree',
        role: 'tree',
        tabindex: 0,
        'aria-label': 'Files',
        onscroll: () => void this.#draw(),
        onkeydown: (event: KeyboardEvent) => this.#key(event),
        onclick: (event: MouseEvent) => this.#click(event),
      },
      this.#space,
    );
    new ResizeObserver(() => void this.#draw()).observe(this.element);
  }

  /** The rows are others now. */
  async renew({ rows }: ViewSums, active = 0): Promise<void> {
    this.#count = rows;
    this.#active = Math.max(0, Math.min(active, rows - 1));
    styled(this.#space, { height: `${Math.min(HIGHEST, rows * ROW)}px` });
    this.#scrollTo(this.#active);
    await this.#draw();
  }

  get #room(): number {
    return Math.max(1, Math.floor(this.element.clientHeight / ROW));
  }

  /** The first row in sight. */
  get #first(): number {
    const { scrollTop, clientHeight } = this.element;
    if (this.#count * ROW <= HIGHEST) return Math.floor(scrollTop / ROW);
    return Math.round((scrollTop / Math.max(1, HIGHEST - clientHeight)) * Math.max(0, this.#count - this.#room));
  }

  #scrollTo(row: number): void {
    const first = this.#first;
    if (row >= first && row < first + this.#room) return;
    const wanted = row < first ? row : row - this.#room + 1;
    const isWhole = this.#count * ROW <= HIGHEST;
    const part = wanted / Math.max(1, this.#count - this.#room);
    this.element.scrollTop = isWhole ? wanted * ROW : part * (HIGHEST - this.element.clientHeight);
  }

  async #draw(): Promise<void> {
    const drawn = ++this.#drawn;
    if (this.#count === 0) return this.#space.replaceChildren();
    const from = Math.max(0, this.#first - MORE);
    const to = Math.min(this.#count, this.#first + this.#room + MORE);
    const rows = await this.#worker.ask('rows', { from, to });
    // What was asked for later is shown.
    if (drawn !== this.#drawn) return;
    this.#rows = rows;
    this.#from = from;
    const isWhole = this.#count * ROW <= HIGHEST;
    const top = isWhole ? from * ROW : this.element.scrollTop - (this.#first - from) * ROW;
    const made = rows.map((row, i) =>
      styled(rowElement(row, this.#summary, from + i === this.#active), {
        transform: `translateY(${top + i * ROW}px)`,
      }),
    );
    this.#space.replaceChildren(...made);
    const active = this.#at(this.#active);
    if (active === undefined) this.element.removeAttribute('aria-activedescendant');
    else this.element.setAttribute('aria-activedescendant', `row-${active.id}`);
  }

  #at(row: number): Row | undefined {
    return this.#rows[row - this.#from];
  }

  async #activate(row: number): Promise<void> {
    this.#active = Math.max(0, Math.min(row, this.#count - 1));
    this.#scrollTo(this.#active);
    await this.#draw();
    const chosen = this.#at(this.#active);
    if (chosen !== undefined) this.#listener.chosen(chosen);
  }

  async #open(row: Row, open: boolean, siblings = false): Promise<void> {
    if (row.expanded === undefined) return;
    const sums = await this.#worker.ask('open', { id: row.id, open, siblings });
    this.#listener.sums(sums);
    await this.renew(sums, this.#active);
  }

  #click(event: MouseEvent): void {
    const target = event.target instanceof Element ? event.target.closest('.row') : null;
    const id = Number(target?.getAttribute('data-id') ?? Number.NaN);
    const at = this.#rows.findIndex((row) => row.id === id);
    const row = this.#rows[at];
    if (row === undefined) return;
    const isArrow = event.target instanceof Element && event.target.closest('.arrow') !== null;
    const wasActive = this.#from + at === this.#active;
    void this.#activate(this.#from + at).then(() =>
      isArrow || wasActive || row.expanded === false ? this.#open(row, row.expanded !== true) : undefined,
    );
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = this.#at(this.#active);
    const action = this.#actionOf(event.key, row);
    if (action === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    void action();
  }

  #actionOf(key: string, row: Row | undefined): (() => Promise<void>) | undefined {
    const move = (by: number) => () => this.#activate(this.#active + by);
    switch (key) {
      case 'ArrowDown':
        return move(1);
      case 'ArrowUp':
        return move(-1);
      case 'PageDown':
        return move(this.#room);
      case 'PageUp':
        return move(-this.#room);
      case 'Home':
        return () => this.#activate(0);
      case 'End':
        return () => this.#activate(this.#count - 1);
      default:
    }
    if (row === undefined) return undefined;
    switch (key) {
      case 'ArrowRight':
        return row.expanded === false ? () => this.#open(row, true) : move(row.expanded === true ? 1 : 0);
      case 'ArrowLeft':
        return row.expanded === true ? () => this.#open(row, false) : () => this.#toParent(row);
      case 'Enter':
      case ' ':
        return row.expanded === undefined ? move(0) : () => this.#open(row, row.expanded !== true);
      case '*':
        return () => this.#open(row, true, true);
      default:
        return /^[\p{L}._-]$/u.test(key) ? () => this.#jump(key) : undefined;
    }
  }

  /** Up to the row of the directory that a row is in. */
  async #toParent({ level }: Row): Promise<void> {
    for (let from = this.#active; from > 0; from -= 200) {
      const start = Math.max(0, from - 200);
      const rows = await this.#worker.ask('rows', { from: start, to: from });
      const at = rows.findLastIndex((row) => row.level < level);
      if (at >= 0) return this.#activate(start + at);
    }
  }

  /** To the next row whose name begins with what was typed. */
  async #jump(key: string): Promise<void> {
    const now = performance.now();
    const text = (now - this.#typed.at > 700 ? '' : this.#typed.text) + key.toLowerCase();
    this.#typed = { text, at: now };
    const from = this.#active + (text.length > 1 ? 0 : 1);
    const rows = await this.#worker.ask('rows', { from, to: Math.min(this.#count, from + 2000) });
    const at = rows.findIndex(({ name }) => name.toLowerCase().startsWith(text));
    if (at >= 0) await this.#activate(from + at);
  }
}
