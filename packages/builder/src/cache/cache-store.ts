import type { Digest } from '@tsbuild/oci';
import type { KeyPreimage } from './cache-key.ts';
import type { StepOrigin } from './step-origin.ts';

/** What is remembered of a step that was executed. `O` is its output, plain JSON data. */
export interface CacheRecord<O> {
  readonly key: Digest;
  readonly preimage: KeyPreimage;
  readonly output: O;
  /** When the step was executed, milliseconds since 1970. Images take their times from here, so a rebuild keeps them. */
  readonly created: number;
  /** How long the execution took, milliseconds. */
  readonly milliseconds: number;
  /** Where the step stood when it was executed. */
  readonly origin?: StepOrigin;
  /** Whose cache it came from just now, for people; not kept. */
  readonly from?: string;
}

/** The step that a record is wanted for: what keeps a record of somebody else's keeps it with this. */
export interface AskingStep {
  readonly preimage: KeyPreimage;
  readonly origin: () => StepOrigin | undefined;
}

/**
 * A seam: remembers records by key. Contract suite: `cacheStoreContract()` in `testing/`.
 *
 * `get` has no side effect that a caller could notice; a record that cannot be read, or whose output is gone, is a
 * miss, never an error. `put` is atomic and idempotent; a later record for the same key replaces the earlier one.
 */
export interface CacheStore<O> {
  get(key: Digest, step?: AskingStep): Promise<CacheRecord<O> | undefined>;
  put(record: CacheRecord<O>): Promise<void>;
}
