import {
  type AttributedChange,
  gapText,
  type ImagePackages,
  originText,
  type PackageDifference,
  type PackageOrigin,
  silentText,
} from '@tsbuild/builder';
import { columns } from './columns.ts';
import { sanitizeName } from './sanitize.ts';
import { fit } from './width.ts';

/** How wide a table may be; undefined for any width. */
export interface TableView {
  readonly width: number | undefined;
}

const SIGNS = { added: '+', upgraded: '~', removed: '-' } as const;
const KINDS = ['added', 'upgraded', 'removed'] as const;

/** A row for each package: type, name, version, and what brought it. */
export function packagesTable({ packages, dockerfile }: ImagePackages, view: TableView): string {
  const rows = packages.map((one) => [one.type, packageName(one), one.version, shownOrigin(one.origin, dockerfile)]);
  return columns([['TYPE', 'NAME', 'VERSION', 'FROM'], ...rows], view);
}

/** For each instruction of the build what it did to packages; those of the base image are counted. */
export function packagesByStep(found: ImagePackages, view: TableView): string {
  const { packages, layers, dockerfile } = found;
  const below = packages.filter(({ layer }) => layers[layer]?.kind !== 'step');
  const [first] = below;
  const title =
    first?.origin.kind === 'base' ? shownOrigin(first.origin, dockerfile) : 'layers that were not built here';
  const base = below.length === 0 ? [] : [section(title, counts(below), [], view)];
  return [...base, ...layerSections(found, view, ({ kind }) => kind === 'step')].join('\n');
}

/** For each layer what it did to packages. */
export function packagesByLayer(found: ImagePackages, view: TableView): string {
  return layerSections(
    found,
    view,
    () => true,
    ({ diffIDs }, layer) => `${(diffIDs[layer] ?? '').slice(7, 19)}  `,
  ).join('\n');
}

/** In what two images differ: what brought or removed each package, and of which image that tells, where it is the first. */
export function differencesTable(
  differences: readonly PackageDifference[],
  [first, second]: readonly [ImagePackages, ImagePackages],
  view: TableView,
): string {
  const rows = differences.map(({ origin, of, ...change }) => {
    const text = shownOrigin(origin, (of === 'first' ? first : second).dockerfile);
    return [...changeCells(change), of === 'first' ? `was from ${text}` : text];
  });
  return columns(rows, view);
}

/** `3 added, 1 upgraded, 0 removed; 378 the same`, for standard error. */
export function differencesLine(differences: readonly PackageDifference[], { packages }: ImagePackages): string {
  const count = (kind: PackageDifference['kind']) => differences.filter((one) => one.kind === kind).length;
  const same = packages.length - count('added') - count('upgraded');
  return `${KINDS.map((kind) => `${count(kind)} ${kind}`).join(', ')}; ${same} unchanged\n`;
}

/** How many packages there are, of what, and what could not be read: for standard error. */
export function closingLines(found: ImagePackages): string {
  const { packages, distribution } = found;
  const { id, version = '', title = `${id} ${version}`.trim() } = distribution ?? { id: '' };
  const total = packages.length === 1 ? '1 package' : `${packages.length} packages`;
  const parts = [
    total,
    ...(packages.length > 0 ? [`: ${counts(packages)}`] : []),
    ...(title === '' ? [] : [`; ${title}`]),
  ];
  return [sanitizeName(parts.join('')), ...closingNotes(found)].map((line) => `${line}\n`).join('');
}

/** What could not be read of an image, a line each. */
export function closingNotes({ gaps, programs }: ImagePackages, name?: string): readonly string[] {
  const of = name === undefined ? '' : `${name}: `;
  const lines = [
    ...gaps.map((gap) => `Not read: ${of}${gapText(gap)}`),
    ...silentText(programs).map((text) => `Note: ${of}${text}`),
  ];
  return lines.map(sanitizeName);
}

function layerSections(
  found: ImagePackages,
  view: TableView,
  isMeant: (origin: PackageOrigin) => boolean,
  prefix: (found: ImagePackages, layer: number) => string = () => '',
): readonly string[] {
  const { layers, changes, packages, dockerfile } = found;
  const origins = new Map(packages.map((one) => [placeKey(one), one.origin]));
  return layers.flatMap((origin, layer) => {
    const own = changes.filter((change) => change.layer === layer);
    if (!isMeant(origin) || own.length === 0) return [];
    const rows = own.map((change) => {
      const made = origins.get(placeKey(change.package));
      return [...changeCells(change), made === undefined ? '' : copiedFrom(made, dockerfile)];
    });
    return [section(`${prefix(found, layer)}${shownOrigin(origin, dockerfile)}`, changeCounts(own), rows, view)];
  });
}

function placeKey({ path, name, version, within = '' }: AttributedChange['package']): string {
  return [path, within, name, version].join('\0');
}

/** Where the instruction of the layer copied a package from; nothing where it made it itself. */
function copiedFrom(origin: PackageOrigin, dockerfile: string | undefined): string {
  if (origin.kind === 'layer' || origin.copiedBy.length === 0) return '';
  const text = shownOrigin({ ...origin, copiedBy: [] }, dockerfile);
  return `from ${origin.kind === 'base' ? text.replace(/^base /, '') : text}`;
}

function shownOrigin(origin: PackageOrigin, dockerfile = 'Dockerfile'): string {
  return originText(origin, dockerfile, 'without-digest') ?? '-';
}

/** Sign, type, name, version. */
function changeCells({ kind, before, package: one }: Omit<PackageDifference, 'origin' | 'of'>): readonly string[] {
  return [SIGNS[kind], one.type, packageName(one), before === undefined ? one.version : `${before} → ${one.version}`];
}

function changeCounts(changes: readonly Pick<AttributedChange, 'kind'>[]): string {
  return KINDS.flatMap((kind) => {
    const count = changes.filter((change) => change.kind === kind).length;
    return count === 0 ? [] : [`${count} ${kind}`];
  }).join(', ');
}

/** `203 deb, 11 npm`, the most first. */
function counts(packages: readonly { readonly type: string }[]): string {
  const byType = new Map<string, number>();
  for (const { type } of packages) byType.set(type, (byType.get(type) ?? 0) + 1);
  const sorted = [...byType].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return sorted.map(([type, count]) => `${count} ${type}`).join(', ');
}

function section(title: string, counted: string, rows: readonly (readonly string[])[], view: TableView): string {
  const { width = Number.POSITIVE_INFINITY } = view;
  const head = fit(sanitizeName(title), Math.max(20, width - counted.length - 4));
  return `${head}  (${counted})\n${columns(rows, { ...view, indent: '  ' })}`;
}

function packageName({ group, name }: AttributedChange['package']): string {
  return group === undefined ? name : `${group}:${name}`;
}
