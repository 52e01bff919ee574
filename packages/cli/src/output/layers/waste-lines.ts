import type { ImageLayers, LayerWaste } from '@tsbuild/builder';
import { columns } from '../columns.ts';
import { humanSize } from '../human.ts';
import { filesText, instructionText, placeText, shownPath } from './layer-text.ts';

/** What the list of waste shows. */
export interface WasteView {
  readonly width: number | undefined;
  /** Less is not shown. Bytes. */
  readonly least: number;
  readonly own: boolean;
}

/** The kinds of waste for people. */
export const WASTE_WORDS = {
  overwritten: 'overwritten',
  attributes: 'attributes only',
  deleted: 'deleted later',
  duplicated: 'duplicated',
} as const;

/** The waste by the line to blame, each with its place and what to do; and a sum at the end. */
export function wasteLines(found: ImageLayers, { width, least, own }: WasteView): string {
  const shown = found.waste.filter(({ bytes, isOwn }) => bytes >= least && (isOwn || !own));
  const blocks = shown.map((waste) => {
    const { bytes, kind, cause } = waste;
    const head = columns([[humanSize(bytes), WASTE_WORDS[kind], causeText(found, cause)]], { width });
    return `${head}${columns([[whereText(found, waste)], [adviceText(found, waste)]], { width: undefined, indent: '    ' })}`;
  });
  return blocks.join('') + sumLine(found);
}

/** `Waste: 119MB of 182MB own (88.1MB duplicated, 31MB attributes only); 2.1MB in the base image`. */
export function sumLine({ waste, layers }: ImageLayers): string {
  const own = waste.filter(({ isOwn }) => isOwn);
  const base = wastedBytes(waste.filter(({ isOwn }) => !isOwn));
  const ownSize = layers.reduce((sum, { isOwn, unpacked }) => sum + (isOwn ? unpacked : 0), 0);
  const kinds = Object.entries(WASTE_WORDS).flatMap(([kind, word]) => {
    const bytes = wastedBytes(own.filter((one) => one.kind === kind));
    return bytes === 0 ? [] : [{ bytes, text: `${humanSize(bytes)} ${word}` }];
  });
  const parts = kinds.toSorted((a, b) => b.bytes - a.bytes).map(({ text }) => text);
  const list = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  const ofBase = base === 0 ? '' : `; ${humanSize(base)} in the base image`;
  return `Waste: ${humanSize(wastedBytes(own))} of ${humanSize(ownSize)} own${list}${ofBase}\n`;
}

/** Bytes of all of them. */
export function wastedBytes(waste: readonly LayerWaste[]): number {
  return waste.reduce((sum, { bytes }) => sum + bytes, 0);
}

function causeText(found: ImageLayers, cause: number): string {
  const { origin } = found.layers[cause] ?? {};
  const text = origin === undefined ? '' : instructionText(origin);
  return `${placeText(found, cause)}: ${text}`;
}

function whereText(found: ImageLayers, { kind, place, files, largest }: LayerWaste): string {
  const [first] = largest;
  const such = first === undefined ? '' : `, ${files === 1 ? '' : 'such as '}${shownPath(first.path)}`;
  if (kind === 'duplicated') return `${filesText(files)} with content that the image has elsewhere${such}`;
  return `${filesText(files)} stored by ${placeText(found, place)}${such}`;
}

/** One sentence on what to change. */
export function adviceText(found: ImageLayers, { kind, place, cause, isOwn }: LayerWaste): string {
  const origin = placeText(found, place);
  if (!isOwn) return 'They lie in the base image: only another base image is smaller.';
  switch (kind) {
    case 'attributes':
      return 'Set the owner and the mode where the files are created: COPY --chown and --chmod, or in the same RUN.';
    case 'deleted':
      return `Delete them in ${origin}, which creates them, or create them in an earlier stage.`;
    case 'overwritten':
      return `Write them once: leave them out of ${origin}, or join it with ${placeText(found, cause)}.`;
    case 'duplicated':
      return 'Keep one copy and link the others to it, or leave one out (--duplicates lists them).';
  }
}
