import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from './options.ts';

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  async sleep(milliseconds, signal) {
    signal?.throwIfAborted();
    try {
      await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted(); // the caller's own reason, not a wrapper around it
      throw error;
    }
  },
};
