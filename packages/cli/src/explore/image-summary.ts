import type { ImageLayers } from '@tsbuild/builder';
import { formatPlatform, type Image, sha256Digest } from '@tsbuild/oci/node';
import { instructionText } from '../output/layers/layer-text.ts';
import { adviceText } from '../output/layers/waste-lines.ts';
import { pageConfig } from './image-config.ts';
import type { PageDuplicate, PageLayer, PageList, PageSummary, PageWaste } from './page-data.ts';

/** An image, what it is made of, and what a page is to call it. */
export interface ExploredImage {
  readonly name: string;
  readonly image: Image;
  readonly found: ImageLayers;
}

/** So many groups of the same content are told one by one, and so many places of each. */
const MOST_GROUPS = 500;
const MOST_PLACES = 50;

/** What a page says of the image alone. `now`: milliseconds since 1970. */
export function imageSummary({ name, image, found }: ExploredImage, now: number): PageSummary {
  const { created } = image.config;
  return {
    version: 1,
    name,
    id: sha256Digest(image.rawConfig),
    digest: image.descriptor.digest,
    platform: formatPlatform(image.config),
    ...(created !== undefined && { created }),
    made: now,
    ...(found.dockerfile !== undefined && { dockerfile: found.dockerfile }),
    ...baseOf(found),
    layers: found.layers.map(pageLayer),
    waste: found.waste.map((one): PageWaste => ({ ...one, advice: adviceText(found, one) })),
    duplicates: first(found.duplicates, MOST_GROUPS, (group) => pageDuplicate(group, found)),
    config: pageConfig(image),
  };
}

/** The first of a list, and how long it is. */
export function first<From, To>(list: readonly From[], most: number, map: (item: From) => To): PageList<To> {
  return { items: list.slice(0, most).map(map), total: list.length };
}

function baseOf({ layers }: ImageLayers): Pick<PageSummary, 'base'> {
  const base = layers.map(({ origin }) => origin).find((origin) => origin.kind === 'base');
  if (base === undefined) return {};
  return { base: { name: base.name, ...(base.digest !== undefined && { digest: base.digest }) } };
}

function pageLayer(layer: ImageLayers['layers'][number]): PageLayer {
  const { diffID, origin, unpacked, packed, files, contribution, wasted, isOwn } = layer;
  const place = origin.kind === 'step' ? { line: origin.step.line, stage: origin.step.stage } : {};
  const text = instructionText(origin).replace(/^\(base\) ?/, '');
  const sizes = { unpacked, ...(packed !== undefined && { packed }), files, contribution, wasted };
  return { digest: diffID, instruction: text, ...place, ...sizes, isOwn };
}

function pageDuplicate(group: ImageLayers['duplicates'][number], { layers }: ImageLayers): PageDuplicate {
  const { kind, size, wasted, places } = group;
  const isOwn = places.slice(1).some(({ layer }) => layers[layer]?.isOwn === true);
  return { isOwn, kind, size, wasted, places: first(places, MOST_PLACES, ({ path, layer }) => ({ path, layer })) };
}
