import { humanSize } from '../../../src/output/human.ts';
import type { PageSummary } from '../../../src/explore/page-data.ts';
import { element } from '../../dom/element.ts';
import { hueOf, instructionElement, layerMark } from '../layer-mark.ts';
import { bar } from '../tables.ts';

/** The layers to choose from, highest first as in a stack: a group of radio buttons. */
export function layerChoice(summary: PageSummary, choose: (layer: number) => void) {
  const { layers } = summary;
  const most = Math.max(1, ...layers.map(({ unpacked }) => unpacked));
  let total = 0;
  const items = layers.map((layer, at) => {
    const { unpacked, contribution, packed, wasted, isOwn } = layer;
    total += contribution;
    const input = element('input', { type: 'radio', name: 'layer', value: at, onchange: () => choose(at) });
    const facts = [
      packed === undefined ? undefined : `${humanSize(packed)} to pull`,
      contribution === unpacked ? undefined : contribution === 0 ? 'adds nothing' : `adds ${signed(contribution)}`,
      `${humanSize(Math.max(0, total))} so far`,
      wasted === 0 ? undefined : `wastes ${humanSize(wasted)}`,
    ].filter((fact) => fact !== undefined);
    const label = element(
      'label',
      { class: isOwn ? 'layer-item' : 'layer-item base' },
      input,
      layerMark(summary, at),
      element('span', { class: 'layer-size' }, humanSize(unpacked)),
      element('span', { class: 'layer-line' }, layer.line === undefined ? (isOwn ? '' : 'base') : `line ${layer.line}`),
      bar(unpacked / most, hueOf(summary, at)),
      instructionElement(layer),
      element('span', { class: 'muted facts-line' }, facts.join(' · ')),
    );
    return { label, input };
  });
  const group = element(
    'fieldset',
    { class: 'layers' },
    element('legend', {}, 'Layers'),
    ...items.toReversed().map(({ label }) => label),
  );
  return {
    element: group,
    set(layer: number): void {
      const input = items[layer]?.input;
      if (input !== undefined) input.checked = true;
    },
  };
}

function signed(bytes: number): string {
  return `${bytes < 0 ? '−' : '+'}${humanSize(Math.abs(bytes))}`;
}
