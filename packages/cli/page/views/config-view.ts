import type { PageConfig, PageSummary } from '../../src/explore/page-data.ts';
import type { Page, View } from '../app/page.ts';
import { type Child, element } from '../dom/element.ts';
import { textElement, visible } from '../dom/shown-text.ts';
import { instructionElement, layerMark } from './layer-mark.ts';
import { section, table } from './tables.ts';

/** How containers of the image start, and how it came to be. */
export function configView({ summary }: Page): View {
  const { config } = summary;
  const content = element(
    'div',
    { class: 'view' },
    element(
      'div',
      { class: 'two' },
      section('Containers', facts(config.fields)),
      section('Environment', pairs('Environment variables', config.env)),
    ),
    config.labels.length > 0 && section('Labels', pairs('Labels', config.labels)),
    section('History', history(summary)),
    element(
      'details',
      { class: 'card' },
      element('summary', {}, 'The whole document, secrets masked'),
      element(
        'pre',
        { tabindex: 0, role: 'region', 'aria-label': 'Image configuration as JSON' },
        jsonText(config.raw),
      ),
    ),
  );
  return { element: content, show: () => {} };
}

function facts(fields: PageConfig['fields']): HTMLElement {
  if (fields.length === 0) return element('p', { class: 'muted' }, 'Nothing is set.');
  return element(
    'dl',
    { class: 'facts' },
    ...fields.flatMap(({ name, value }) => [
      element('dt', {}, name),
      element('dd', {}, element('code', {}, textElement(value))),
    ]),
  );
}

function pairs(caption: string, list: PageConfig['env']): HTMLElement {
  if (list.length === 0) return element('p', { class: 'muted' }, 'None.');
  const rows = list.map(({ name, value }) => [
    element('code', {}, textElement(name)),
    value === '***' ? element('span', { class: 'muted' }, 'masked') : element('code', {}, textElement(value)),
  ]);
  return table(caption, [{ title: 'Name' }, { title: 'Value', isWide: true }], rows, { hideCaption: true });
}

function history(summary: PageSummary): Child {
  const rows = summary.config.history.map(({ created = '', instruction, layer }, at) => [
    String(at + 1),
    layer === undefined ? element('span', { class: 'muted' }, '–') : layerMark(summary, layer),
    element('span', { class: 'nowrap' }, visible(created.slice(0, 19).replace('T', ' '))),
    instructionElement({ instruction }),
  ]);
  const columns = [
    { title: '#', isNumber: true },
    { title: 'Layer' },
    { title: 'Created' },
    { title: 'Instruction', isWide: true },
  ];
  return table('History, oldest first', columns, rows, { hideCaption: true });
}

/** Line ends and blanks are the document's own: everything else in JSON is escaped already. */
function jsonText(text: string): string {
  return text.split('\n').map(visible).join('\n');
}
