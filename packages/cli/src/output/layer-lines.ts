import type { BuildResult } from '@tsbuild/builder';
import { humanSize } from './human.ts';
import { sanitizeName, sanitizeText } from './sanitize.ts';
import { fit } from './width.ts';

/** More layers than these are told in one line, the smallest ones. */
const MOST = 10;
const WIDTH = 76;
const SIZE_WIDTH = 8;

/**
 * What each layer of a built image added: the base's together, then one line for each step, lowest first. Nothing where
 * every step was cached: that was told when they ran.
 */
export function layerLines({
  platforms,
  layers,
  steps,
}: Pick<BuildResult, 'layers' | 'steps'> & Partial<Pick<BuildResult, 'platforms'>>): readonly string[] {
  if (steps.cached === steps.total) return [];
  if (platforms === undefined || platforms.length < 2) return ['Layers:', ...linesOf(layers)];
  return platforms.flatMap((of) => [`Layers of ${of.platform}:`, ...linesOf(of.layers)]);
}

function linesOf(layers: BuildResult['layers']): readonly string[] {
  const base = layers.filter(({ step }) => step === undefined);
  const own = layers.flatMap(({ size, step }) => (step === undefined ? [] : [{ size, step }]));
  const largest = new Set(own.toSorted((a, b) => b.size - a.size).slice(0, MOST));
  const rest = own.filter((layer) => !largest.has(layer));
  const total = (some: readonly { readonly size: number }[]): number => some.reduce((sum, { size }) => sum + size, 0);
  const line = (size: number, text: string): string => `  ${humanSize(size).padStart(SIZE_WIDTH)}  ${fit(text, WIDTH)}`;
  return [
    ...(base.length === 0
      ? []
      : [line(total(base), base.length === 1 ? 'the base' : `the base (${base.length} layers)`)]),
    ...own.filter((layer) => largest.has(layer)).map(({ size, step }) => line(size, oneLine(step))),
    ...(rest.length === 0 ? [] : [line(total(rest), `${rest.length} smaller ones`)]),
  ];
}

function oneLine(text: string): string {
  return sanitizeName(sanitizeText(text).replace(/\s*\n\s*/g, ' '));
}
