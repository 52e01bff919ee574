import type { Digest } from '@tsbuild/oci';
import type { KeyPreimage } from '../cache/cache-key.ts';
import type { StepOrigin } from '../cache/step-origin.ts';

/**
 * A node of the build graph. `V` is what flows along the edges (a filesystem as a value; an integer in tests), `O`
 * what a step produces and the cache remembers.
 */
export type Vertex<V, O> = ConstantVertex<V> | StepVertex<V, O>;

/** A value known beforehand: a base image, an empty filesystem. */
interface ConstantVertex<V> {
  readonly kind: 'constant';
  readonly value: V;
  /** What people know it by; no part of what it is. */
  readonly image?: KnownImage;
}

/** An image that a build found somewhere. */
interface KnownImage {
  /** As people write it: `node:18`. */
  readonly name: string;
  /** What the name stood for: a manifest's digest, or for an image that is only in the store its ID. */
  readonly digest?: Digest;
}

/** Something to do with the values of its inputs. */
export interface StepVertex<V, O> {
  readonly kind: 'step';
  /** Unique in its graph; names the step in events. */
  readonly id: string;
  readonly inputs: readonly Vertex<V, O>[];
  /** Which of the preimage's inputs are files of contexts: the context's name by the input's, `''` for the build context. */
  readonly contexts?: ReadonlyMap<string, string>;
  /** Do not look the result up (`--no-cache`); it is remembered all the same. */
  readonly ignoreCache: boolean;
  /** Finds out the key. May already do the work when that is cheaper than reading everything twice (COPY). */
  prepare(inputs: readonly V[], context: StepContext): Promise<PreparedStep<O>>;
  /** Where the step stands, for explanations; called when it must be executed. */
  origin?(inputs: readonly V[]): StepOrigin;
  /** The value of this vertex, from those of its inputs and its own output. Pure and cheap. */
  complete(inputs: readonly V[], output: O): V;
}

/** What a step may use while it works. */
export interface StepContext {
  readonly signal: AbortSignal;
  output(stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  notice(message: string): void;
}

/** A step whose key is known. Exactly one of its functions is called. */
export interface PreparedStep<O> {
  readonly preimage: KeyPreimage;
  /**
   * Of a step that knows its key from an earlier build, and nothing else: prepares it from the beginning, when it turns out
   * that there is no record. Called instead of the other two.
   */
  afresh?(): Promise<PreparedStep<O>>;
  execute(context: StepContext): Promise<O>;
  discard(): Promise<void>;
}

/** Thrown while a step is prepared or executed: what it read has changed, and it is to be prepared anew. */
export class StepOutdated extends Error {
  override readonly name = 'StepOutdated';

  /** `cause` is what the step fails with when that happens again and again. */
  constructor(cause: unknown) {
    super('the step is outdated', { cause });
  }
}

/** How a step came to its output. Times in milliseconds (since 1970, and as a duration). */
export interface StepResult<O> {
  /** Of its record. */
  readonly key: Digest;
  readonly output: O;
  readonly created: number;
  readonly cached: boolean;
  /** How long the recorded execution took, of a cached step; else 0. */
  readonly saved: number;
}
