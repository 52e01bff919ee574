import { systemClock } from '@tsbuild/oci/internal';

/** The service takes 200 new entries a minute from a repository, whose other jobs want some of them too. */
const MOST = 150;
const MINUTE = 60_000;

/** Keeps this process below what the service takes. */
export class UploadPace {
  readonly #clock: Pick<typeof systemClock, 'now' | 'sleep'>;
  readonly #taken: number[] = [];

  constructor(clock: Pick<typeof systemClock, 'now' | 'sleep'> = systemClock) {
    this.#clock = clock;
  }

  /** Waits until one more entry may be made. @throws the signal's reason */
  async take(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const now = this.#clock.now();
      while (this.#taken[0] !== undefined && this.#taken[0] <= now - MINUTE) this.#taken.shift();
      const oldest = this.#taken[0];
      if (oldest === undefined || this.#taken.length < MOST) {
        this.#taken.push(now);
        return;
      }
      await this.#clock.sleep(oldest + MINUTE - now, signal);
    }
  }
}
