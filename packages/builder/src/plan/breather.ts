import { setImmediate } from 'node:timers/promises';

/** So long a pass over a Dockerfile may keep everything else waiting. Milliseconds. */
const HOLD_MS = 50;

/** Lets signals in during work that waits for nothing: without a turn of the event loop Ctrl-C would never be seen. */
export class Breather {
  readonly #signal: AbortSignal;
  #since = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Returns at once, most of the time. @throws the signal's reason when aborted */
  async breathe(): Promise<void> {
    if (performance.now() - this.#since < HOLD_MS) return;
    await setImmediate();
    this.#since = performance.now();
    this.#signal.throwIfAborted();
  }
}
