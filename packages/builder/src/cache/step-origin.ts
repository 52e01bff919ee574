import type { Digest } from '@tsbuild/oci';

/**
 * Where a step stands in its Dockerfile: kept beside its record, no part of its key. It names what a later miss is
 * explained with, e.g. which step made the layer below.
 */
export interface StepOrigin {
  /** The stage's name, or `stage-N`. */
  readonly stage: string;
  /** The instruction as written, and with its variables expanded. */
  readonly source: string;
  readonly name: string;
  /** Which variables of the environment are ARGs; the others are ENVs. */
  readonly arguments: readonly string[];
  /** The values of the variables that the instruction itself mentions, where the builder expands them. */
  readonly expanded: Readonly<Record<string, string>>;
  readonly base: BaseOrigin;
  /** The steps between the base and this one, lowest first. */
  readonly above: readonly OriginStep[];
  /** The flag that keeps the cache out. */
  readonly ignoredBy?: string;
}

/** What a chain of steps stands on. */
export interface BaseOrigin {
  /** As people know it, `scratch` for none. */
  readonly name: string;
  /** What the name stood for: a manifest's digest, or for an image that is only in the store its ID. */
  readonly digest?: Digest;
  /** The content id of its files. */
  readonly id: Digest;
}

/** A step below another one. */
export interface OriginStep {
  /** In the build that made the record. */
  readonly id: string;
  readonly source: string;
  readonly name: string;
  readonly layer: Digest;
}
