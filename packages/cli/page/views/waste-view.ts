import { humanSize } from '../../src/output/human.ts';
import type { PageDuplicate, PageSummary, PageWaste } from '../../src/explore/page-data.ts';
import { fragmentOf } from '../app/fragment.ts';
import type { Page, View } from '../app/page.ts';
import { type Child, element } from '../dom/element.ts';
import { nameElement, visible } from '../dom/shown-text.ts';
import { instructionElement, layerMark, placeText } from './layer-mark.ts';
import { bar, counted, figure, section, table } from './tables.ts';

/** What each kind is, in one sentence. */
const KINDS: Readonly<Record<PageWaste['kind'], readonly [string, string]>> = {
  overwritten: ['Overwritten', 'A later layer has other content under the same name.'],
  attributes: ['Attributes only', 'A later layer has the same bytes with another mode, owner or time.'],
  deleted: ['Deleted later', 'A later layer removes the file; its bytes stay in the image.'],
  duplicated: ['Duplicated', 'The finished image has the same bytes under several names.'],
};

/** Bytes that nobody needs: by the line to change, with what to do. */
export function wasteView({ summary }: Page): View {
  const kind = element(
    'select',
    { 'aria-label': 'Kind of waste', onchange: () => fill() },
    element('option', { value: '' }, 'every kind'),
    ...Object.entries(KINDS).map(([value, [title]]) => element('option', { value }, title)),
  );
  const base = element('input', { type: 'checkbox', onchange: () => fill() });
  const place = element('div', {});
  const copies = element('div', {});
  const fill = (): void => {
    const shown = summary.waste.filter(
      (one) => (kind.value === '' || one.kind === kind.value) && (base.checked || one.isOwn),
    );
    place.replaceChildren(wasteList(shown, summary));
    copies.replaceChildren(duplicateCard(summary, base.checked));
  };
  fill();
  const content = element(
    'div',
    { class: 'view' },
    sums(summary),
    element('div', { class: 'filters' }, kind, element('label', { class: 'chip' }, base, 'base image too')),
    place,
    copies,
  );
  return {
    element: content,
    show: ({ kind: wanted = '' }) => {
      if (wanted === kind.value) return;
      kind.value = wanted;
      fill();
    },
  };
}

function sums({ waste, layers }: PageSummary): HTMLElement {
  const own = layers.reduce((sum, { isOwn, unpacked }) => sum + (isOwn ? unpacked : 0), 0);
  const of = (kind?: string): number =>
    waste.reduce((sum, one) => sum + (one.isOwn && (kind === undefined || one.kind === kind) ? one.bytes : 0), 0);
  return element(
    'dl',
    { class: 'figures' },
    figure(humanSize(of()), 'Waste', `of ${humanSize(own)} own`),
    ...Object.entries(KINDS).map(([kind, [title]]) => figure(humanSize(of(kind)), title)),
  );
}

/** Waste of one kind by one cause, wherever its bytes are. */
interface Group {
  readonly first: PageWaste;
  readonly bytes: number;
  readonly files: number;
  readonly places: readonly number[];
  readonly advice: readonly string[];
  readonly largest: PageWaste['largest'];
}

function grouped(waste: readonly PageWaste[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const one of waste) {
    const key = `${one.cause} ${one.kind} ${one.isOwn}`;
    const known = groups.get(key);
    groups.set(key, {
      first: known?.first ?? one,
      bytes: (known?.bytes ?? 0) + one.bytes,
      files: (known?.files ?? 0) + one.files,
      places: [...(known?.places ?? []), one.place],
      advice: [...new Set([...(known?.advice ?? []), one.advice])],
      largest: [...(known?.largest ?? []), ...one.largest].toSorted((a, b) => b.size - a.size).slice(0, 10),
    });
  }
  return [...groups.values()].toSorted((a, b) => b.bytes - a.bytes);
}

function wasteList(waste: readonly PageWaste[], summary: PageSummary): HTMLElement {
  const groups = grouped(waste);
  const most = Math.max(1, ...groups.map(({ bytes }) => bytes));
  if (groups.length === 0)
    return section('Nothing wasted', element('p', {}, 'Every byte that is looked at here is needed.'));
  return element('ol', { class: 'findings' }, ...groups.map((group) => finding(group, most, summary)));
}

function finding(
  { first, bytes, files, places, advice, largest }: Group,
  most: number,
  summary: PageSummary,
): HTMLElement {
  const { kind, cause } = first;
  const layer = summary.layers[cause];
  const [title, meaning] = KINDS[kind];
  const held = places.flatMap((place) => [' ', layerMark(summary, place), ` ${placeText(summary, place)}`]);
  return element(
    'li',
    { class: 'card finding' },
    element(
      'div',
      { class: 'finding-size' },
      element('b', {}, humanSize(bytes)),
      bar(bytes / most),
      element('span', { class: 'muted' }, counted(files, 'file')),
    ),
    element(
      'div',
      { class: 'finding-text' },
      element('h2', {}, `${title} · ${placeText(summary, cause)}`),
      layer !== undefined && instructionElement(layer),
      element('p', { class: 'muted' }, `${meaning} Held by`, ...held),
      ...advice.map((text) => element('p', { class: 'advice' }, visible(text))),
      fileList(largest, files),
    ),
  );
}

function fileList(largest: PageWaste['largest'], files: number): Child {
  if (largest.length === 0) return undefined;
  const items = largest.map(({ path, size }) => element('li', {}, `${humanSize(size)} `, pathLink(path)));
  const title = files <= largest.length ? counted(files, 'file') : `the largest of ${counted(files, 'file')}`;
  return element('details', {}, element('summary', {}, title), element('ul', { class: 'paths' }, ...items));
}

function pathLink(path: string): HTMLElement {
  return element('a', { href: fragmentOf('files', { path: `/${path}` }) }, nameElement(`/${path}`));
}

function duplicateCard({ duplicates }: PageSummary, withBase: boolean): HTMLElement {
  const items = duplicates.items.filter(({ isOwn }) => isOwn || withBase);
  const total = items.length + duplicates.total - duplicates.items.length;
  if (items.length === 0)
    return section('Duplicates', element('p', {}, 'Own layers hold no content that is there already.'));
  const rows = items.slice(0, 200).map((group) => duplicateRow(group));
  const columns = [
    { title: 'Wasted', isNumber: true },
    { title: 'One copy', isNumber: true },
    { title: 'What' },
    { title: 'Copies', isNumber: true },
    { title: 'Where', isWide: true },
  ];
  const more = total - rows.length;
  return section(
    'Duplicates',
    table('The same content under several names', columns, rows, { hideCaption: true }),
    more > 0 &&
      element('p', { class: 'muted' }, `and ${counted(more, 'smaller group')}: tsbuild layers --duplicates lists all.`),
  );
}

function duplicateRow({ wasted, size, kind, places }: PageDuplicate): readonly Child[] {
  const [head, ...others] = places.items.map(({ path }) => element('li', {}, pathLink(path)));
  const list = [head, ...others].filter((item) => item !== undefined);
  const more = places.total - places.items.length;
  const all = element('ul', { class: 'paths' }, ...list, more > 0 && element('li', {}, `and ${more} more`));
  const where =
    places.total <= 3
      ? all
      : element('details', {}, element('summary', {}, pathText(places.items[0]?.path ?? '')), all);
  return [humanSize(wasted), humanSize(size), kind === 'directory' ? 'directory' : 'file', String(places.total), where];
}

function pathText(path: string): HTMLElement {
  return nameElement(`/${path}`);
}
