import type { Digest } from '@tsbuild/oci';

/**
 * What a step made is known by its record, and cannot be had any more: whoever shares the cache has lost its bytes, or
 * has others. `forgetOutput()` makes the record a miss; the step and what depends on it run again then.
 */
export class OutputLost extends Error {
  override readonly name = 'OutputLost';
  /** The layer's diffID. */
  readonly output: Digest;

  constructor(output: Digest, cause: unknown) {
    super(`layer ${output.slice(7, 19)} cannot be fetched: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.output = output;
  }
}
