import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { CommandError } from '../host/usage-error.ts';

/** The file of `--cidfile`: made before the container, so that two callers cannot both have it; gone again when there is none. */
export class IdFile implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  #isWritten = false;

  /** @throws CommandError when the file is there, or cannot be made */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openSync(path, 'wx', 0o644);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new CommandError(`cannot write --cidfile ${path}: ${(error as Error).message}`, { cause: error });
      }
      throw new CommandError(`container ID file found, make sure the other container isn't running or delete ${path}`);
    }
  }

  write(id: string): void {
    writeSync(this.#fd, id);
    this.#isWritten = true;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
    if (!this.#isWritten) rmSync(this.#path, { force: true });
  }
}
