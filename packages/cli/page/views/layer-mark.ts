import type { PageLayer, PageSummary } from '../../src/explore/page-data.ts';
import { element, styled } from '../dom/element.ts';
import { textElement } from '../dom/shown-text.ts';

/** Hues that neighbours can be told apart by; those of the base image have none. */
const HUES = [212, 28, 152, 280, 48, 190, 336, 100, 250, 4];

/** The hue of a layer; those of the base image have none. */
export function hueOf({ layers }: PageSummary, layer: number): number | 'base' {
  if (layers[layer]?.isOwn !== true) return 'base';
  const base = layers.findIndex(({ isOwn }) => isOwn);
  return HUES[(layer - Math.max(0, base)) % HUES.length] ?? 'base';
}

/** The number of a layer on its colour. */
export function layerMark(summary: PageSummary, layer: number): HTMLElement {
  const hue = hueOf(summary, layer);
  const made = element('span', { class: hue === 'base' ? 'mark base' : 'mark' }, String(layer + 1));
  return hue === 'base' ? made : styled(made, { '--hue': String(hue) });
}

/** `line 9`, and for layers of no line which one it is. */
export function placeText({ layers }: PageSummary, layer: number): string {
  const { line, isOwn } = layers[layer] ?? {};
  if (line !== undefined) return `line ${line}`;
  return isOwn === false ? `base layer ${layer + 1}` : `layer ${layer + 1}`;
}

/** An instruction with its verb in bold. */
export function instructionElement({ instruction }: Pick<PageLayer, 'instruction'>): HTMLElement {
  const [, verb = '', rest = ''] = /^([A-Z]+(?=\s|$))?(.*)$/s.exec(instruction) ?? [];
  return element(
    'code',
    { class: 'instruction' },
    verb !== '' && element('b', {}, verb),
    textElement(verb === '' && rest === '' ? '(no instruction known)' : rest),
  );
}
