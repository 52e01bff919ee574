import { type Child, element, styled } from '../dom/element.ts';

export interface TableColumn {
  readonly title: string;
  readonly isNumber?: boolean;
  readonly isWide?: boolean;
}

/** A table with a caption that is its heading. */
export function table(
  caption: string,
  columns: readonly TableColumn[],
  rows: readonly (readonly Child[])[],
  options: { readonly hideCaption?: boolean } = {},
): HTMLElement {
  const cell = (tag: 'td' | 'th', content: Child, column: TableColumn | undefined): HTMLElement =>
    element(
      tag,
      {
        class: [column?.isNumber === true && 'number', column?.isWide === true && 'wide'].filter(Boolean).join(' '),
        ...(tag === 'th' && { scope: 'col' }),
      },
      content,
    );
  const head = element('tr', {}, ...columns.map((column) => cell('th', column.title, column)));
  const body = rows.map((row) => element('tr', {}, ...row.map((content, i) => cell('td', content, columns[i]))));
  return element(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    element(
      'table',
      {},
      element('caption', { class: options.hideCaption === true ? 'unseen' : '' }, caption),
      element('thead', {}, head),
      element('tbody', {}, ...body),
    ),
  );
}

/** A part of a whole as a bar, for the eye: the number stands beside it. */
export function bar(share: number, hue?: number | 'base'): HTMLElement {
  const place = element('span', { class: hue === 'base' ? 'bar base' : 'bar', 'aria-hidden': 'true' });
  if (share <= 0) return place;
  const inner = styled(element('span'), { '--share': String(Math.min(1, share)) });
  place.append(typeof hue === 'number' ? styled(inner, { '--hue': String(hue) }) : inner);
  return place;
}

/** A section with its heading. */
export function section(title: string, ...children: readonly Child[]): HTMLElement {
  return element('section', { class: 'card' }, element('h2', {}, title), ...children);
}

/** A number and what it is. */
export function figure(value: string, what: string, more = ''): HTMLElement {
  return element(
    'div',
    { class: 'figure' },
    element('dt', {}, what),
    element('dd', {}, element('b', {}, value), more !== '' && element('span', {}, more)),
  );
}

/** `1 file`, `21 804 files`. */
export function counted(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** With a thin space between thousands. */
export function number(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u2009');
}
