import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** A command that goes on until it is stopped, and what it has said so far on standard error. */
export class Watching implements AsyncDisposable {
  readonly child: ChildProcess;
  text = '';
  #asked = 0;
  readonly #ended: Promise<unknown>;

  constructor(child: ChildProcess) {
    this.child = child;
    this.#ended = once(child, 'close');
    child.stderr?.on('data', (chunk: Buffer) => {
      this.text += chunk.toString();
    });
  }

  /** Waits for words behind those that were waited for last. @returns what was said up to their end */
  async says(wanted: RegExp, seconds = 60): Promise<string> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const rest = this.text.slice(this.#asked);
      const match = wanted.exec(rest);
      if (match !== null) {
        const said = rest.slice(0, match.index + match[0].length);
        this.#asked += said.length;
        return said;
      }
      if (this.child.exitCode !== null) throw new Error(`it ended before it said ${wanted}:\n${this.text}`);
      if (Date.now() > end) throw new Error(`it did not say ${wanted}:\n${this.text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Sends a signal and waits for the end. @returns the exit code */
  async stop(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    await this.#ended;
    return this.child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) this.child.kill('SIGKILL');
    await this.#ended;
  }
}
