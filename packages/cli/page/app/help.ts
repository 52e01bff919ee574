import { element } from '../dom/element.ts';

const KEYS: readonly (readonly [string, string])[] = [
  ['1 … 7', 'the views'],
  ['/', 'search files'],
  ['↑ ↓', 'move in the tree; Page Up, Page Down, Home and End too'],
  ['→ ←', 'open and close a directory; to what is in it, to what it is in'],
  ['*', 'open all directories beside this one'],
  ['Enter', 'open or close'],
  ['a letter', 'to the next name that begins so'],
  ['?', 'this list'],
  ['Esc', 'close it; clear the search'],
];

/** The keys, in a dialog. */
export function helpDialog(): HTMLDialogElement {
  const rows = KEYS.flatMap(([key, what]) => [element('dt', {}, element('kbd', {}, key)), element('dd', {}, what)]);
  const dialog: HTMLDialogElement = element(
    'dialog',
    { 'aria-label': 'Keys' },
    element('h2', {}, 'Keys'),
    element('dl', { class: 'facts' }, ...rows),
    element('button', { type: 'button', onclick: () => dialog.close() }, 'Close'),
  );
  return dialog;
}
