import { onAbort } from './abortable.ts';

/** How long all running transfers must have stood still before one more is let in, in milliseconds. */
const STANDSTILL = 1000;

/**
 * Lets `size` transfers run at once. Transfers go at the pace of whoever reads them, and a reader may be waiting for the
 * next transfer (five layers read in step): when none has moved for a second, one more is let in rather than
 * waiting for ever.
 */
export class TransferLimit {
  readonly #size: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #moved = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(size: number) {
    this.#size = Math.max(1, Math.trunc(size));
  }

  /** Waits for a place; the result gives it back and may be called twice. Rejects with the signal's reason. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#running >= this.#size || this.#waiting.length > 0) await this.#queue(signal);
    else this.#running++;
    this.moved();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#running--;
      if (this.#running < this.#size) this.#admit();
    };
  }

  /** Some transfer made progress. */
  moved(): void {
    this.#moved = performance.now();
  }

  async #queue(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const admitted = (): void => {
        stay();
        resolve();
      };
      const stay = onAbort(signal, (reason) => {
        this.#waiting.splice(this.#waiting.indexOf(admitted), 1);
        reject(reason);
      });
      this.#waiting.push(admitted);
      this.#watch();
    });
  }

  #admit(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#running++;
    next();
  }

  #watch(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => {
      if (this.#waiting.length === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      } else if (performance.now() - this.#moved >= STANDSTILL) {
        this.#admit();
        this.moved();
      }
    }, STANDSTILL);
  }
}
