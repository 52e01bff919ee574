import type { ChildProcess } from 'node:child_process';

/**
 * Ends a program that leads a process group (`detached`), with all that it started, when it is silent for too long or the
 * signal is aborted.
 */
export class SilenceWatch implements Disposable {
  isExpired = false;
  readonly #child: ChildProcess;
  readonly #silence: number;
  readonly #signal: AbortSignal;
  #timer: NodeJS.Timeout;

  constructor(child: ChildProcess, silence: number, signal: AbortSignal) {
    this.#child = child;
    this.#silence = silence;
    this.#signal = signal;
    this.#timer = this.#start();
    signal.addEventListener('abort', this.#end);
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#end);
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => {
      this.isExpired = true;
      this.#end();
    }, this.#silence);
  }

  readonly #end = (): void => {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  };
}
