import { humanSize } from '../../../src/output/human.ts';
import type { PageSummary } from '../../../src/explore/page-data.ts';
import type { Row } from '../../data/messages.ts';
import { element, styled } from '../../dom/element.ts';
import { nameElement } from '../../dom/shown-text.ts';
import { hueOf, layerMark } from '../layer-mark.ts';
import { bar, number } from '../tables.ts';

/** What became of an entry: a sign for the eye, a word for the ear. */
const SIGNS: Readonly<Record<Row['state'], readonly [string, string]>> = {
  same: ['', ''],
  added: ['+', 'added'],
  changed: ['~', 'changed'],
  attributes: ['≈', 'attributes changed'],
  removed: ['−', 'removed'],
};

/** A row of the tree as an element. */
export function rowElement(row: Row, summary: PageSummary, isActive: boolean): HTMLElement {
  const { id, level, expanded, state, siblings, position, layer, share } = row;
  const [sign, word] = SIGNS[state];
  const hue = layer === undefined ? 'base' : hueOf(summary, layer);
  const made = element(
    'div',
    {
      role: 'treeitem',
      id: `row-${id}`,
      class: `row ${state}${isActive ? ' active' : ''}`,
      'aria-level': level,
      'aria-setsize': siblings,
      'aria-posinset': position,
      'aria-expanded': expanded === undefined ? undefined : String(expanded),
      'aria-selected': String(isActive),
      'data-id': id,
    },
    element('span', { class: 'sign', 'aria-hidden': 'true' }, sign === '' && row.changedBelow ? '·' : sign),
    nameCell(row, word),
    bar(share, hue),
    element('span', { class: 'number' }, humanSize(row.bytes)),
    element(
      'span',
      { class: 'number files' },
      ...(expanded === undefined ? [] : [number(row.files), unseen(' files')]),
    ),
    element('span', { class: 'mode' }, modeText(row)),
    element('span', { class: 'owner' }, row.owner === '0:0' ? 'root' : row.owner),
    element('span', { class: 'layer' }, unseen('layer '), layer !== undefined && layerMark(summary, layer)),
  );
  return styled(made, { '--level': String(level) });
}

/** For the ear alone: what the eye sees by a place or a sign. */
function unseen(text: string): HTMLElement {
  return element('span', { class: 'unseen' }, text);
}

function nameCell({ name, kind, expanded, target, isDuplicate }: Row, word: string): HTMLElement {
  const arrow = expanded === undefined ? '' : expanded ? '▾' : '▸';
  return element(
    'span',
    { class: 'name' },
    element('span', { class: 'arrow', 'aria-hidden': 'true' }, arrow),
    nameElement(name),
    kind === 'directory' && '/',
    kind === 'symlink' && element('span', { class: 'muted' }, ' → ', nameElement(target)),
    kind === 'hardlink' && element('span', { class: 'muted' }, ' = ', nameElement(`/${target}`)),
    isDuplicate && element('span', { class: 'badge' }, 'duplicate'),
    word !== '' && unseen(`, ${word}`),
  );
}

/** `rwxr-xr-x`, with setuid, setgid and the sticky bit. */
export function modeText({ mode, kind }: { readonly mode: number; readonly kind: string }): string {
  if (kind === 'symlink' || kind === 'hardlink') return '';
  const letters = 'rwxrwxrwx'.split('').map((letter, i) => ((mode >> (8 - i)) & 1 ? letter : '-'));
  const special: readonly (readonly [number, number, string])[] = [
    [0o4000, 2, 's'],
    [0o2000, 5, 's'],
    [0o1000, 8, 't'],
  ];
  for (const [bit, at, letter] of special) {
    if ((mode & bit) !== 0) letters[at] = letters[at] === 'x' ? letter : letter.toUpperCase();
  }
  return letters.join('');
}
