import { type ImageLayers, parseSize } from '@tsbuild/builder';
import { UsageError } from '../../host/usage-error.ts';
import { totalOf } from '../../output/layers/comparison-table.ts';
import { humanSize } from '../../output/human.ts';
import { wastedBytes } from '../../output/layers/waste-lines.ts';

/** Bounds that fail a run of CI. Sizes are bytes. */
export interface LayerGates {
  readonly maxWaste?: number;
  readonly maxSize?: number;
  /** Bytes, or a part of the other image. */
  readonly maxGrowth?: { readonly bytes: number } | { readonly percent: number };
}

/** The options that {@link readGates} reads. */
interface GateOptions {
  readonly 'max-waste': string | undefined;
  readonly 'max-size': string | undefined;
  readonly 'max-growth': string | undefined;
  readonly compare: string | undefined;
}

/** @throws UsageError for what is no size, and for growth of nothing */
export function readGates(options: GateOptions): LayerGates {
  const growth = options['max-growth'];
  if (growth !== undefined && options.compare === undefined) {
    throw new UsageError('--max-growth needs --compare OTHER, the image that may grow so much', { command: 'layers' });
  }
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(growth ?? '')?.[1];
  return {
    ...bound('maxWaste', 'max-waste', options['max-waste']),
    ...bound('maxSize', 'max-size', options['max-size']),
    ...(growth !== undefined && {
      maxGrowth: percent === undefined ? { bytes: sizeOption('max-growth', growth) } : { percent: Number(percent) },
    }),
  };
}

/** Reads the size that an option has. @throws UsageError */
export function sizeOption(name: string, text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new UsageError(`--${name} ${JSON.stringify(text)} is no size: write 20MB, 1.5GB or a number of bytes`, {
    command: 'layers',
  });
}

function bound(key: 'maxWaste' | 'maxSize', name: string, text: string | undefined): LayerGates {
  return text === undefined ? {} : { [key]: sizeOption(name, text) };
}

/** A sentence for each bound that the image is over. */
export function breaches(gates: LayerGates, found: ImageLayers, other: ImageLayers | undefined): readonly string[] {
  const { maxWaste, maxSize, maxGrowth } = gates;
  const waste = wastedBytes(found.waste.filter(({ isOwn }) => isOwn));
  const size = totalOf(found);
  const before = other === undefined ? 0 : totalOf(other);
  const most = growthLimit(maxGrowth, before);
  const sentences = [
    maxWaste !== undefined && waste > maxWaste
      ? `the image wastes ${humanSize(waste)} of its own layers, --max-waste allows ${humanSize(maxWaste)}`
      : undefined,
    maxSize !== undefined && size > maxSize
      ? `the image has ${humanSize(size)} unpacked, --max-size allows ${humanSize(maxSize)}`
      : undefined,
    most !== undefined && size - before > most
      ? `the image grew by ${humanSize(size - before)} from ${humanSize(before)}, --max-growth allows ${humanSize(most)}`
      : undefined,
  ];
  return sentences.filter((sentence) => sentence !== undefined);
}

function growthLimit(growth: LayerGates['maxGrowth'], before: number): number | undefined {
  if (growth === undefined) return undefined;
  return 'bytes' in growth ? growth.bytes : Math.floor((before * growth.percent) / 100);
}
