import { humanAge, humanSize, stepTime } from '../../src/output/human.ts';
import type { PageSummary, PageWaste } from '../../src/explore/page-data.ts';
import { fragmentOf } from '../app/fragment.ts';
import type { Page, View } from '../app/page.ts';
import { element, styled } from '../dom/element.ts';
import { nameElement, textElement, visible } from '../dom/shown-text.ts';
import { hueOf, instructionElement, layerMark } from './layer-mark.ts';
import { bar, counted, figure, section, table } from './tables.ts';

/** The first view: what the image is, what makes it large, what to do first. */
export function overview(page: Page): View {
  const { summary } = page;
  const directories = section('Largest directories', element('p', { class: 'muted' }, 'Reading the files…'));
  void page.ready.then(() => fillDirectories(page, directories));
  const content = element(
    'div',
    { class: 'view' },
    figures(summary),
    section('Size by layer', sizeBar(summary), layerList(summary)),
    element('div', { class: 'two' }, directories, wasteCard(summary)),
    element('div', { class: 'two' }, buildCard(summary), aboutCard(summary)),
  );
  return { element: content, show: () => {} };
}

function figures({ layers, waste, build }: PageSummary): HTMLElement {
  const sum = (list: readonly { readonly unpacked: number }[]): number =>
    list.reduce((all, one) => all + one.unpacked, 0);
  const own = layers.filter(({ isOwn }) => isOwn);
  const packed = layers.reduce((all, layer) => all + (layer.packed ?? 0), 0);
  const wasted = waste.reduce((all, one) => all + (one.isOwn ? one.bytes : 0), 0);
  const base = layers.length - own.length;
  return element(
    'dl',
    { class: 'figures' },
    figure(humanSize(sum(layers)), 'Unpacked', base === 0 ? '' : `${humanSize(sum(own))} own`),
    packed > 0 && figure(humanSize(packed), 'To pull'),
    figure(String(layers.length), 'Layers', base === 0 ? '' : `${base} of the base`),
    figure(humanSize(wasted), 'Waste', sum(own) === 0 ? '' : `${Math.round((100 * wasted) / sum(own))}% of own`),
    build?.wall !== undefined && figure(stepTime(build.wall), 'Build', cachedText(build)),
  );
}

function cachedText({ steps }: NonNullable<PageSummary['build']>): string {
  const all = steps.filter(({ kind }) => kind === 'step');
  return `${all.filter(({ state }) => state === 'cached').length} of ${all.length} cached`;
}

/** One stripe for each layer, as wide as it is large; those of the base are hatched. */
function sizeBar(summary: PageSummary): HTMLElement {
  const { layers } = summary;
  const stripes = layers.map(({ unpacked, isOwn }, at) => {
    const stripe = element('a', {
      class: isOwn ? 'stripe' : 'stripe base',
      href: fragmentOf('files', { layer: String(at + 1), scope: 'layer' }),
      tabindex: -1,
      title: `layer ${at + 1}: ${humanSize(unpacked)}`,
    });
    const hue = hueOf(summary, at);
    return styled(stripe, { '--size': String(unpacked), ...(hue !== 'base' && { '--hue': String(hue) }) });
  });
  return element('div', { class: 'stripes', 'aria-hidden': 'true' }, ...stripes);
}

function layerList(summary: PageSummary): HTMLElement {
  const most = Math.max(1, ...summary.layers.map(({ unpacked }) => unpacked));
  const rows = summary.layers.map((layer, at) => {
    const { unpacked, wasted, files, line } = layer;
    const link = element(
      'a',
      { href: fragmentOf('files', { layer: String(at + 1), scope: 'layer' }) },
      layerMark(summary, at),
      element('span', { class: 'unseen' }, ' open this layer'),
    );
    return [
      link,
      humanSize(unpacked),
      bar(unpacked / most, hueOf(summary, at)),
      wasted === 0 ? element('span', { class: 'muted' }, '–') : humanSize(wasted),
      counted(files, 'file'),
      line === undefined ? '' : String(line),
      instructionElement(layer),
    ];
  });
  const columns = [
    { title: 'Layer' },
    { title: 'Unpacked', isNumber: true },
    { title: 'Share' },
    { title: 'Waste', isNumber: true },
    { title: 'Files', isNumber: true },
    { title: 'Line', isNumber: true },
    { title: 'Instruction', isWide: true },
  ];
  return table('Layers, lowest first', columns, rows, { hideCaption: true });
}

async function fillDirectories({ worker, summary }: Page, card: HTMLElement): Promise<void> {
  const found = await worker.ask('largest', { own: true });
  const most = Math.max(1, ...found.map(({ bytes }) => bytes));
  const details = await Promise.all(found.map(({ id }) => worker.ask('details', { id })));
  const rows = found.map(({ bytes, files, layer }, i) => {
    const path = details[i]?.path ?? '';
    return [
      humanSize(bytes),
      bar(bytes / most, hueOf(summary, layer)),
      counted(files, 'file'),
      element('a', { href: fragmentOf('files', { path: `/${path}` }) }, nameElement(`/${path}`)),
    ];
  });
  const columns = [
    { title: 'Size', isNumber: true },
    { title: 'Share' },
    { title: 'Files', isNumber: true },
    { title: 'Directory', isWide: true },
  ];
  card.lastElementChild?.replaceWith(
    rows.length === 0
      ? element('p', { class: 'muted' }, 'No layer of this image’s own has files.')
      : table('Largest directories of own layers', columns, rows, { hideCaption: true }),
  );
}

const KINDS: Readonly<Record<PageWaste['kind'], string>> = {
  overwritten: 'Overwritten',
  attributes: 'Attributes only',
  deleted: 'Deleted later',
  duplicated: 'Duplicated',
};

function wasteCard({ waste }: PageSummary): HTMLElement {
  const own = waste.filter(({ isOwn }) => isOwn);
  const [worst] = own.toSorted((a, b) => b.bytes - a.bytes);
  if (worst === undefined) return section('Waste', element('p', {}, 'Nothing: every byte of own layers is needed.'));
  const rows = Object.entries(KINDS).flatMap(([kind, title]) => {
    const bytes = own.reduce((sum, one) => sum + (one.kind === kind ? one.bytes : 0), 0);
    return bytes === 0 ? [] : [[title, humanSize(bytes)]];
  });
  const fix = element(
    'p',
    { class: 'advice' },
    element('b', {}, `Save ${humanSize(worst.bytes)}. `),
    visible(worst.advice),
  );
  const link = element('p', {}, element('a', { href: fragmentOf('waste') }, 'All waste, with its lines'));
  return section(
    'Waste',
    table(
      'Waste by kind',
      [
        { title: 'Kind', isWide: true },
        { title: 'Bytes', isNumber: true },
      ],
      rows,
      { hideCaption: true },
    ),
    fix,
    link,
  );
}

function buildCard({ build, made }: PageSummary): HTMLElement {
  if (build === undefined)
    return section('Build', element('p', { class: 'muted' }, 'This image was not built with this store.'));
  const first = build.steps.find(({ state, why }) => state !== 'cached' && why !== undefined);
  return section(
    'Build',
    element(
      'p',
      {},
      `Built ${humanAge(new Date(build.started).toISOString(), made).toLowerCase()} from `,
      element('code', {}, textElement(build.dockerfile)),
      `: ${cachedText(build)}.`,
    ),
    first !== undefined &&
      element(
        'p',
        {},
        'First step that ran: ',
        element('code', {}, textElement(first.name)),
        ', ',
        textElement(first.why ?? ''),
        '.',
      ),
    element('p', {}, element('a', { href: fragmentOf('build') }, 'The timeline')),
  );
}

function aboutCard({ name, id, digest, base, platform, created }: PageSummary): HTMLElement {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Platform', platform],
    ['Created', created],
    ['Base', base?.name],
    ['Base digest', base?.digest],
    ['Image ID', id],
    ['Manifest', digest],
  ];
  const quoted = /^[\w./:@-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
  const commands = [
    `tsbuild layers ${quoted}`,
    `tsbuild layers --largest ${quoted}`,
    `tsbuild image packages ${quoted}`,
  ];
  return section(
    'Image',
    element(
      'dl',
      { class: 'facts' },
      ...facts.flatMap(([what, value]) =>
        value === undefined
          ? []
          : [element('dt', {}, what), element('dd', {}, element('code', {}, textElement(value)))],
      ),
    ),
    element('p', { class: 'muted' }, 'The same on a terminal:'),
    element('pre', { tabindex: 0, 'aria-label': 'Commands' }, visible(commands.join('\n')).replaceAll('\\x0a', '\n')),
  );
}
