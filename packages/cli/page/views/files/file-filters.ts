import type { ViewChoice } from '../../data/messages.ts';
import { element } from '../../dom/element.ts';

type Filters = Omit<ViewChoice, 'layer'>;

const SCOPES = [
  ['layer', 'This layer'],
  ['upto', 'Up to here'],
  ['final', 'Final'],
] as const;

const CHANGES = [
  ['added', '+ added'],
  ['changed', '~ changed'],
  ['removed', '− removed'],
  ['same', 'unchanged'],
] as const;

const LEAST = [
  ['0', 'any size'],
  ['100000', '≥ 100kB'],
  ['1000000', '≥ 1MB'],
  ['10000000', '≥ 10MB'],
] as const;

/** The line above the tree: which files it shows, and in which order. */
export function fileFilters(changed: () => void) {
  const search = element('input', {
    type: 'search',
    class: 'search',
    placeholder: 'Search: name, **/*.map, /regex/',
    'aria-label': 'Search files',
    spellcheck: 'false',
    autocomplete: 'off',
    oninput: changed,
  });
  const scopes = SCOPES.map(([value, title]) => {
    const input = element('input', { type: 'radio', name: 'scope', value, onchange: changed });
    return { value, input, label: element('label', {}, input, element('span', {}, title)) };
  });
  const boxes = CHANGES.map(([name, title]) => box(name, title, true, changed));
  const own = box('own', 'own only', false, changed);
  const least = choice('Least size', LEAST, changed);
  const sort = choice(
    'Sort by',
    [
      ['size', 'by size'],
      ['name', 'by name'],
      ['files', 'by files'],
    ],
    changed,
  );
  const changes = element(
    'fieldset',
    { class: 'chips' },
    element('legend', { class: 'unseen' }, 'Show'),
    ...boxes.map(({ label }) => label),
  );
  const bar = element(
    'div',
    { class: 'filters' },
    element(
      'fieldset',
      { class: 'segments' },
      element('legend', { class: 'unseen' }, 'Which files'),
      ...scopes.map(({ label }) => label),
    ),
    search,
    element('div', { class: 'filters-line' }, changes, own.label, least, sort),
  );
  const isOn = (name: string): boolean => boxes.find((one) => one.name === name)?.input.checked === true;
  const scopeOf = (): Filters['scope'] => scopes.find(({ input }) => input.checked)?.value ?? 'final';
  return {
    element: bar,
    search,
    read: (): Filters => ({
      scope: scopeOf(),
      added: isOn('added'),
      changed: isOn('changed'),
      removed: isOn('removed'),
      same: isOn('same'),
      own: own.input.checked,
      least: Number(least.value),
      search: search.value,
      sort: sort.value === 'name' || sort.value === 'files' ? sort.value : 'size',
    }),
    /** Changes are those of a layer: the finished image has none. */
    setScope(scope: string): void {
      for (const { value, input } of scopes) input.checked = value === scope;
      changes.disabled = scope === 'final';
    },
    setSearch(text: string): void {
      if (search.value !== text) search.value = text;
    },
  };
}

function box(name: string, title: string, on: boolean, changed: () => void) {
  const input = element('input', { type: 'checkbox', name, checked: on, onchange: changed });
  return { name, input, label: element('label', { class: 'chip' }, input, title) };
}

function choice(
  label: string,
  options: readonly (readonly [string, string])[],
  changed: () => void,
): HTMLSelectElement {
  const items = options.map(([value, title]) => element('option', { value }, title));
  return element('select', { 'aria-label': label, onchange: changed }, ...items);
}
