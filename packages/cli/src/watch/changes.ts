import { setTimeout as delay } from 'node:timers/promises';
import type { ByteString } from '@tsbuild/oci';

/** So long nothing must have happened before what happened is looked at: a save is more than one event. Milliseconds. */
const QUIET = 30;
/** So long it is waited for that at most, where files change all the time. */
const LONGEST = 300;

/** Changes that are looked at together. */
export interface Batch {
  /** Of those that matter, in the order in which they were first seen. */
  readonly paths: readonly ByteString[];
  /** When the first of them was seen, in milliseconds of `performance.now()`. */
  readonly since: number;
  /** More happened than the kernel may have told. */
  readonly flooded: boolean;
}

/** Collects the paths that changed until somebody asks for them. */
export class ChangedPaths {
  readonly #limit: number;
  /** When the first and when the last event came. */
  readonly #seen = new Map<ByteString, { readonly first: number; readonly last: number }>();
  #count = 0;
  #first = 0;
  #last = 0;
  #wake: (() => void) | undefined;

  /** From `limit` events on some may be missing. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(path: ByteString): void {
    const now = performance.now();
    if (this.#count === 0) this.#first = now;
    this.#count++;
    this.#last = now;
    this.#seen.set(path, { first: this.#seen.get(path)?.first ?? now, last: now });
    this.#wake?.();
  }

  /**
   * Waits until something happened that matters, and then until it is quiet. What does not matter is forgotten. `last`: when the
   * path changed for the last time, in milliseconds of `performance.now()`.
   * @throws the signal's reason
   */
  async next(matters: (path: ByteString, last: number) => boolean, signal: AbortSignal): Promise<Batch> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#count === 0) await this.#event(signal);
      await this.#quiet(signal);
      const batch = this.#take(matters);
      if (batch !== undefined) return batch;
    }
  }

  #take(matters: (path: ByteString, last: number) => boolean): Batch | undefined {
    const flooded = this.#count >= this.#limit;
    const first = this.#first;
    const all = [...this.#seen];
    this.#seen.clear();
    this.#count = 0;
    const found = all.filter(([path, { last }]) => matters(path, last));
    if (found.length === 0 && !flooded) return undefined;
    return { paths: found.map(([path]) => path), since: found[0]?.[1].first ?? first, flooded };
  }

  async #quiet(signal: AbortSignal): Promise<void> {
    for (;;) {
      const now = performance.now();
      const left = Math.min(this.#last + QUIET, this.#first + LONGEST) - now;
      if (left <= 0) return;
      await pause(left, signal);
    }
  }

  async #event(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      this.#wake = () => {
        signal.removeEventListener('abort', stop);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(Math.ceil(milliseconds), undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
