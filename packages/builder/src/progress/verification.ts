import type { Digest } from '@tsbuild/oci';
import type { SourceRange } from '../diagnostics/source-file.ts';

/** What two builds of the same made: the same image, or in what the images differ. */
export interface Verification {
  readonly same: boolean;
  /** The image IDs, of the build that counts and of the one that was made to compare. */
  readonly ids: readonly [Digest, Digest];
  /** The Dockerfile's name, for the ranges of steps. */
  readonly dockerfile: string;
  /** In Dockerfile order; also steps of stages of which nothing that differs has come into the image. */
  readonly steps: readonly DifferentStep[];
  /** Whether any difference is more than a time. Without `SOURCE_DATE_EPOCH` two builds always differ in times. */
  readonly onlyTimes: boolean;
}

/** A step whose two layers are not the same. */
export interface DifferentStep {
  readonly id: string;
  /** As progress shows it: 1 … */
  readonly number: number;
  /** The instruction, variables expanded. */
  readonly name: string;
  readonly stage: string;
  readonly range: SourceRange;
  /** Whether its layer is in the image, or only in that of another stage. */
  readonly inImage: boolean;
  /** Steps whose results it saw and that were not the same either: it may differ for their sake alone. */
  readonly follows: readonly string[];
  /** By path, at most {@link MOST_FILES}: those first that differ in more than times. */
  readonly files: readonly DifferentFile[];
  /** How many there are in all. 0: the same files, stored in another order. */
  readonly total: number;
  /** Of all, those that differ in nothing but their time. */
  readonly timesOnly: number;
}

/** So many files of a step are told one by one. */
export const MOST_FILES = 1000;

/** A path that two layers do not have alike. */
export interface DifferentFile {
  /** Absolute, as UTF-8. Foreign text: not to be sent to a terminal raw. */
  readonly path: string;
  /** `added`: only the second build has it; `removed`: only the first. */
  readonly change: 'changed' | 'added' | 'removed';
  /** Of `changed`: what of it, and how it was in each build, where that is a short text. */
  readonly attributes: readonly DifferentAttribute[];
}

/** In what a file differs. */
export interface DifferentAttribute {
  readonly name: 'content' | 'mode' | 'mtime' | 'owner' | 'xattr' | 'type' | 'link' | 'device';
  readonly first?: string;
  readonly second?: string;
}
