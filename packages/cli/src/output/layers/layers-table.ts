import type { ImageLayers, ShownLayer } from '@tsbuild/builder';
import { columns } from '../columns.ts';
import { humanSize } from '../human.ts';
import { instructionText } from './layer-text.ts';

/** What the table shows of an image. */
export interface LayersView {
  readonly width: number | undefined;
  /** Without the layers of the base image. */
  readonly own: boolean;
}

const NUMBERS = [0, 1, 2, 3, 4];

/** A row for each layer, lowest first: what it holds, what it wastes, and the line of the Dockerfile. */
export function layersTable({ layers }: ImageLayers, { width, own }: LayersView): string {
  const isPacked = layers.some(({ packed }) => packed !== undefined);
  const cell = (bytes: number | undefined): string => (bytes === undefined ? '-' : humanSize(bytes));
  const rows = layers.flatMap((layer, at) =>
    own && !layer.isOwn
      ? []
      : [
          [
            String(at + 1),
            cell(layer.unpacked),
            ...(isPacked ? [cell(layer.packed)] : []),
            layer.wasted === 0 ? '-' : cell(layer.wasted),
            String(layer.files),
            layer.origin.kind === 'step' ? String(layer.origin.step.line) : '-',
            instructionText(layer.origin),
          ],
        ],
  );
  const head = ['#', 'UNPACKED', ...(isPacked ? ['TO PULL'] : []), 'WASTE', 'FILES', 'LINE', 'INSTRUCTION'];
  return columns([head, ...rows], { width, right: isPacked ? [...NUMBERS, 5] : NUMBERS });
}

/** `my-app  linux/amd64  412MB unpacked; base node:22 231MB, own 181MB`. */
export function summaryLine(name: string, platform: string, { layers }: ImageLayers): string {
  const sum = (of: readonly ShownLayer[]): number => of.reduce((total, { unpacked }) => total + unpacked, 0);
  const own = sum(layers.filter(({ isOwn }) => isOwn));
  const total = sum(layers);
  const base = layers.find(({ origin }) => origin.kind === 'base')?.origin;
  const parts = base?.kind === 'base' ? `; base ${base.name} ${humanSize(total - own)}, own ${humanSize(own)}` : '';
  return `${name}  ${platform}  ${humanSize(total)} unpacked${parts}\n`;
}
