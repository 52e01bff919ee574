import type { ImageLayers, ShownLayer } from '@tsbuild/builder';
import { columns } from '../columns.ts';
import { humanSize } from '../human.ts';
import { instructionText } from './layer-text.ts';

/** A layer of two images: one of them may lack it. */
interface Pair {
  readonly before?: ShownLayer;
  readonly after?: ShownLayer;
}

/** The layers of two images side by side, by their instructions: what grew and what shrank. */
export function comparisonTable(before: ImageLayers, after: ImageLayers, width: number | undefined): string {
  const rows = layerPairs(before.layers, after.layers).map((pair) => {
    const { before: a, after: b } = pair;
    const shown = b ?? a;
    const line = b?.origin.kind === 'step' ? String(b.origin.step.line) : '-';
    return [sizeText(a), sizeText(b), changeText(pair), line, shown === undefined ? '' : instructionText(shown.origin)];
  });
  const [a, b] = [totalOf(before), totalOf(after)];
  const total = [humanSize(a), humanSize(b), signed(b - a), '', 'the whole image'];
  return columns([['BEFORE', 'AFTER', 'CHANGE', 'LINE', 'INSTRUCTION'], ...rows, total], {
    width,
    right: [0, 1, 2, 3],
  });
}

/** Bytes of content in all layers. */
export function totalOf({ layers }: ImageLayers): number {
  return layers.reduce((sum, { unpacked }) => sum + unpacked, 0);
}

/** Layers by their instructions, in the order of the second image; what it lacks stands where it was. */
export function layerPairs(before: readonly ShownLayer[], after: readonly ShownLayer[]): readonly Pair[] {
  const found: Pair[] = [];
  let next = 0;
  for (const layer of after) {
    const at = before.findIndex((one, i) => i >= next && isSame(one, layer));
    if (at >= 0) {
      found.push(...before.slice(next, at).map((one) => ({ before: one })));
      next = at + 1;
    }
    const match = before[at];
    found.push(match === undefined ? { after: layer } : { before: match, after: layer });
  }
  return [...found, ...before.slice(next).map((one) => ({ before: one }))];
}

function isSame(a: ShownLayer, b: ShownLayer): boolean {
  if (a.diffID === b.diffID) return true;
  const text = instructionText(b.origin);
  return text !== '' && instructionText(a.origin) === text;
}

function sizeText(layer: ShownLayer | undefined): string {
  return layer === undefined ? '-' : humanSize(layer.unpacked);
}

function changeText({ before, after }: Pair): string {
  if (before?.diffID === after?.diffID) return 'same';
  return signed((after?.unpacked ?? 0) - (before?.unpacked ?? 0));
}

function signed(bytes: number): string {
  if (bytes === 0) return '0B';
  return `${bytes < 0 ? '-' : '+'}${humanSize(Math.abs(bytes))}`;
}
