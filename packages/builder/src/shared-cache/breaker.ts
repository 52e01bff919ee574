/** So many failures in a row end all questions to a place for this build. */
const MOST_FAILURES = 3;

/** Milliseconds that may be lost with a place that does not answer. */
const MOST_LOST = 15_000;

/**
 * Keeps a place that is slow or dead from slowing down a build: after three failures in a row, or when too much time was lost
 * with it, nobody asks it any more.
 */
export class Breaker {
  #failures = 0;
  #lost = 0;
  #reason: string | undefined;
  readonly #onOpen: (reason: string) => void;

  /** @param onOpen told once, with the last failure */
  constructor(onOpen: (reason: string) => void) {
    this.#onOpen = onOpen;
  }

  get isOpen(): boolean {
    return this.#reason !== undefined;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** @param milliseconds how long was waited for nothing */
  failed(reason: string, milliseconds: number): void {
    this.#failures++;
    this.#lost += milliseconds;
    if (this.#failures >= MOST_FAILURES || this.#lost >= MOST_LOST) this.open(reason);
  }

  open(reason: string): void {
    if (this.isOpen) return;
    this.#reason = reason;
    this.#onOpen(reason);
  }
}
