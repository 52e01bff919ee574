import { fdatasync } from 'node:fs';

/** How many bytes are written between one sync and the next: enough that the journal is not the work. */
const BYTES_BETWEEN = 32 * 1024 * 1024;

/**
 * Sends what is written to a file to the disk while more is written, one sync at a time and beside the program. The kernel begins
 * by itself only after seconds, so that a last fsync would wait for all of a large layer.
 */
export class EarlySync {
  readonly #fd: number;
  #waiting = 0;
  #isRunning = false;
  #error: Error | undefined;
  #onEnd: (() => void)[] = [];

  /** @param fd a file that is open for writing, and stays so until {@link ended}, or {@link whenEnded} */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Tells that so many bytes more were written. */
  wrote(bytes: number): void {
    this.#waiting += bytes;
    if (this.#isRunning || this.#waiting < BYTES_BETWEEN) return;
    this.#waiting = 0;
    this.#isRunning = true;
    fdatasync(this.#fd, (error) => {
      this.#isRunning = false;
      // The kernel tells of a lost write once, to whoever syncs first: a later fsync would know nothing of it.
      this.#error ??= error ?? undefined;
      for (const act of this.#onEnd.splice(0)) act();
    });
  }

  /** Acts when no sync is running: now, or later. */
  whenEnded(act: () => void): void {
    if (this.#isRunning) this.#onEnd.push(act);
    else act();
  }

  /** Waits for the sync that is running. @throws the file system's error of any of them */
  async ended(): Promise<void> {
    await new Promise<void>((resolve) => this.whenEnded(resolve));
    if (this.#error !== undefined) throw this.#error;
  }
}
