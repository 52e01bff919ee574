import type { Digest } from '@tsbuild/oci';

/** A step with its place in the Dockerfile, and the layer that it made. */
export interface MadeStep {
  readonly id: string;
  /** The stage's name, or `stage-N`. */
  readonly stage: string;
  /** Lines count from 1; a command may span several. */
  readonly line: number;
  readonly endLine: number;
  /** The instruction as written, no variable expanded; of a long one the beginning. */
  readonly source: string;
  /** In a build for several platforms: the only one that needed the step. */
  readonly platform?: string;
  readonly layer: Digest;
  /** Of `COPY --from`: which of the filesystems it copied from. */
  readonly from?: number;
}

/** A filesystem of a build: an image, and what steps put upon it. */
export interface MadeFilesystem {
  /** Undefined for `scratch`. */
  readonly base?: { readonly name: string; readonly digest?: Digest };
  /** The layers of the base, lowest first. */
  readonly baseLayers: readonly Digest[];
  /** Which of the steps made the layers above, lowest first. */
  readonly steps: readonly number[];
}

/** Where the layers of a build's images are from. */
export interface BuildOrigins {
  readonly steps: readonly MadeStep[];
  readonly filesystems: readonly MadeFilesystem[];
  /** Which of the filesystems are the images, in the order of their platforms. */
  readonly images: readonly number[];
}

/** The layers of a filesystem, lowest first. */
export function layersOfFilesystem({ baseLayers, steps }: MadeFilesystem, origins: BuildOrigins): readonly Digest[] {
  return [...baseLayers, ...steps.map((step) => origins.steps[step]?.layer).filter((layer) => layer !== undefined)];
}

/** Enough to know an instruction by; commands with documents in them may be long. */
const MOST_TEXT = 500;

/** The beginning of an instruction's text. */
export function beginning(source: string): string {
  return source.length <= MOST_TEXT ? source : `${source.slice(0, MOST_TEXT)}…`;
}
