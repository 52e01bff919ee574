import { humanSize } from '../../src/output/human.ts';
import type { ChangedFile, FileChanges, PageComparison } from '../../src/explore/page-data.ts';
import { fragmentOf } from '../app/fragment.ts';
import type { Page, View } from '../app/page.ts';
import { type Child, element, styled } from '../dom/element.ts';
import { nameElement, textElement } from '../dom/shown-text.ts';
import { instructionElement } from './layer-mark.ts';
import { counted, figure, number, section, table } from './tables.ts';

/** What changed since another image. */
export function compareView({ summary }: Page): View {
  const { comparison, name } = summary;
  const content = element(
    'div',
    { class: 'view' },
    ...(comparison === undefined ? [nothing(name)] : compared(comparison)),
  );
  return { element: content, show: () => {} };
}

function nothing(name: string): HTMLElement {
  return section(
    'No other image',
    element('p', {}, 'This page knows one image. Make it again with another one to compare with:'),
    element(
      'pre',
      { tabindex: 0, 'aria-label': 'Command' },
      'tsbuild explore --compare OTHER -o page.html ',
      textElement(name),
    ),
  );
}

function compared(comparison: PageComparison): readonly Child[] {
  const { layers, files, config, name } = comparison;
  const before = layers.reduce((sum, layer) => sum + (layer.before ?? 0), 0);
  const after = layers.reduce((sum, layer) => sum + (layer.after ?? 0), 0);
  return [
    element(
      'dl',
      { class: 'figures' },
      figure(signed(after - before), 'Change', `${humanSize(before)} → ${humanSize(after)}`),
      figure(number(files.added.total), 'Files added', signed(files.added.bytes)),
      figure(number(files.removed.total), 'Files removed', signed(files.removed.bytes)),
      figure(number(files.changed.total), 'Files changed', signed(files.changed.bytes)),
    ),
    section(
      'Size by instruction',
      element('p', { class: 'muted' }, 'Compared with ', textElement(name), '.'),
      layerTable(layers),
    ),
    fileCard('Added', files.added),
    fileCard('Removed', files.removed),
    fileCard('Changed', files.changed),
    config.length > 0 && configCard(config),
  ];
}

function layerTable(layers: PageComparison['layers']): HTMLElement {
  const change = ({ before = 0, after = 0 }: PageComparison['layers'][number]): number => after - before;
  const most = Math.max(1, ...layers.map((layer) => Math.abs(change(layer))));
  const rows = layers.map((layer) => [
    layer.before === undefined ? '–' : humanSize(layer.before),
    layer.after === undefined ? '–' : humanSize(layer.after),
    layer.isSame ? element('span', { class: 'muted' }, 'same') : signed(change(layer)),
    diverging(change(layer) / most),
    layer.line === undefined ? '' : String(layer.line),
    instructionElement(layer),
  ]);
  const columns = [
    { title: 'Before', isNumber: true },
    { title: 'After', isNumber: true },
    { title: 'Change', isNumber: true },
    { title: 'Smaller, larger' },
    { title: 'Line', isNumber: true },
    { title: 'Instruction', isWide: true },
  ];
  return table('Layers of both images', columns, rows, { hideCaption: true });
}

/** To the left what shrank, to the right what grew. */
function diverging(share: number): HTMLElement {
  const inner = styled(element('span', { class: share < 0 ? 'less' : 'more' }), { '--share': String(Math.abs(share)) });
  return element('span', { class: 'diverging', 'aria-hidden': 'true' }, inner);
}

function fileCard(title: string, { items, total }: FileChanges): Child {
  if (total === 0) return undefined;
  const shown = items.slice(0, 300);
  const rows = shown.map(({ path, before, after, what }) => [
    signed((after ?? 0) - (before ?? 0)),
    sizes({ path, before, after, what } as ChangedFile),
    what.join(', '),
    after === undefined
      ? nameElement(`/${path}`)
      : element('a', { href: fragmentOf('files', { path: `/${path}` }) }, nameElement(`/${path}`)),
  ]);
  const columns = [
    { title: 'Change', isNumber: true },
    { title: 'Size', isNumber: true },
    { title: 'What' },
    { title: 'Path', isWide: true },
  ];
  const more = total - shown.length;
  return section(
    `${title}: ${counted(total, 'file')}`,
    table(`${title} files, the largest first`, columns, rows, { hideCaption: true }),
    more > 0 && element('p', { class: 'muted' }, `and ${number(more)} more`),
  );
}

function sizes({ before, after }: ChangedFile): string {
  if (before === undefined || after === undefined) return humanSize(after ?? before ?? 0);
  return before === after ? humanSize(after) : `${humanSize(before)} → ${humanSize(after)}`;
}

function configCard(config: PageComparison['config']): HTMLElement {
  const rows = config.map(({ path, before, after }) => [
    element('code', {}, textElement(path)),
    lines(before),
    lines(after),
  ]);
  const columns = [{ title: 'Member' }, { title: 'Before', isWide: true }, { title: 'After', isWide: true }];
  return section(
    'Configuration',
    table('Members of the configuration that differ', columns, rows, { hideCaption: true }),
  );
}

function signed(bytes: number): string {
  if (bytes === 0) return '0B';
  return `${bytes < 0 ? '−' : '+'}${humanSize(Math.abs(bytes))}`;
}

/** Several values, one a line. */
function lines(text: string): HTMLElement {
  const list = text === '' ? [] : text.split('\n');
  return element('ul', { class: 'paths' }, ...list.map((line) => element('li', {}, textElement(line))));
}
