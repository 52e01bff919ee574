import { humanSize } from '../../../src/output/human.ts';
import type { PageSummary } from '../../../src/explore/page-data.ts';
import { fragmentOf } from '../../app/fragment.ts';
import type { Details } from '../../data/messages.ts';
import { type Child, element } from '../../dom/element.ts';
import { nameElement } from '../../dom/shown-text.ts';
import { instructionElement, layerMark, placeText } from '../layer-mark.ts';
import { counted, table } from '../tables.ts';
import { modeText } from './row-element.ts';

/** Everything about one entry: its versions through the layers, and where its content is, too. */
export function detailsElement(details: Details, summary: PageSummary): HTMLElement {
  const { path, versions, copies, names, leadsTo, isBroken, bytes, files } = details;
  const rows = versions.map((version) => {
    const isGone = version.kind === 'whiteout' || version.kind === 'opaque';
    const [what] = [whatOf(version.kind, version.sameContent)];
    return [
      layerMark(summary, version.layer),
      placeText(summary, version.layer),
      what,
      isGone ? '' : humanSize(version.size),
      isGone ? '' : modeText(version),
      isGone ? '' : version.owner,
      isGone ? '' : timeText(version.mtime),
      instructionElement(summary.layers[version.layer] ?? { instruction: '' }),
    ];
  });
  return element(
    'div',
    { class: 'details' },
    element('h3', {}, nameElement(`/${path}`)),
    element(
      'p',
      { class: 'muted' },
      `${humanSize(bytes)}${files > 1 ? ` in ${counted(files, 'file')}` : ''} in the finished image`,
    ),
    isBroken && element('p', { class: 'warning' }, 'This link leads nowhere in the image.'),
    leadsTo !== undefined && element('p', {}, 'Leads to ', pathLink(leadsTo)),
    pathList('The same content:', copies),
    pathList('Other names of this file:', names),
    rows.length === 0
      ? element('p', { class: 'muted' }, 'No layer describes this directory; it is there for what is in it.')
      : table('Through the layers', COLUMNS, rows),
  );
}

const COLUMNS = [
  { title: 'Layer' },
  { title: 'Place' },
  { title: 'What' },
  { title: 'Size', isNumber: true },
  { title: 'Mode' },
  { title: 'Owner' },
  { title: 'Modified' },
  { title: 'Instruction', isWide: true },
];

function whatOf(kind: string, sameContent: boolean): string {
  if (kind === 'whiteout') return 'deleted';
  if (kind === 'opaque') return 'emptied';
  return sameContent ? `${kind}, the same content` : kind;
}

function pathList(title: string, paths: readonly string[]): Child {
  if (paths.length === 0) return undefined;
  const shown = paths.slice(0, 10).map((path) => element('li', {}, pathLink(path)));
  const more = paths.length - shown.length;
  return element(
    'div',
    {},
    element('p', {}, title),
    element('ul', {}, ...shown, more > 0 && element('li', {}, `and ${more} more`)),
  );
}

function pathLink(path: string): HTMLElement {
  return element('a', { href: fragmentOf('files', { path: `/${path}` }) }, nameElement(`/${path}`));
}

function timeText(seconds: number): string {
  const time = new Date(1000 * seconds);
  return Number.isNaN(time.getTime()) ? String(seconds) : time.toISOString().slice(0, 16).replace('T', ' ');
}
