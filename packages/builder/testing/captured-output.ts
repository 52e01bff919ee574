import type { RunOutput } from '../src/executor/executor.ts';

/** Keeps what a command wrote. */
export class CapturedOutput implements RunOutput {
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #onOutput: () => void;

  /** `onOutput` is called after each chunk of the standard output. */
  constructor(onOutput: () => void = () => {}) {
    this.#onOutput = onOutput;
  }

  stdout(chunk: Uint8Array): void {
    this.#stdout.push(Buffer.from(chunk));
    this.#onOutput();
  }

  stderr(chunk: Uint8Array): void {
    this.#stderr.push(Buffer.from(chunk));
  }

  get out(): string {
    return Buffer.concat(this.#stdout).toString('utf8');
  }

  get err(): string {
    return Buffer.concat(this.#stderr).toString('utf8');
  }
}
