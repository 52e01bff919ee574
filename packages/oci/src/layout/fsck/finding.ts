import type { Digest } from '../../spec/digest.ts';

/** What part of a store a {@link StoreFinding} is about. */
export type FindingKind =
  | 'store'
  | 'index'
  | 'blob'
  | 'image'
  | 'layer-index'
  | 'record'
  | 'listing'
  | 'snapshot'
  | 'remote'
  | 'context'
  | 'cache-mount'
  | 'container'
  | 'volume'
  | 'temporary'
  | 'lease'
  | 'lock';

/** Something in a store that should not be so. */
export interface StoreFinding {
  /** `damaged`: something that was kept is lost or wrong. `litter`: what a process left that was killed; harmless. */
  readonly severity: 'damaged' | 'litter';
  readonly kind: FindingKind;
  /** The file or folder, below the store's root. */
  readonly path: string;
  /** What is wrong with it, for people. May hold foreign text: escape it before a terminal. */
  readonly message: string;
  /** How it can be mended; undefined where only a new build or pull can. */
  readonly repair?: Repair;
}

/** One way to mend. Safe while other processes use the store. */
export interface Repair {
  /** What it does, in the past tense: `removed`, `made again from the layer`. */
  readonly done: string;
  run(): Promise<void>;
}

/** How thoroughly to look. */
export interface FsckOptions {
  /** Trust content whose size is right: nothing large is read. */
  readonly quick: boolean;
  readonly signal: AbortSignal;
  /** Whether a layer that is not there can be fetched from elsewhere: then it is not missing. */
  readonly isElsewhere?: (layer: Digest) => Promise<boolean>;
  report(finding: StoreFinding): void;
}
