import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** What a worker says of itself before each input, so that it is known even when it hangs or dies. */
export interface WorkerState {
  readonly executions: number;
  readonly accepted: number;
  readonly refused: number;
  readonly corpus: number;
  /** The most work that one input took, in milliseconds of the processor. */
  readonly slowest: number;
  /** When the current input began, in milliseconds since 1970; 0 between inputs. */
  readonly startedAt: number;
  readonly finished: boolean;
}

const FIELDS = 8;
const HEADER = FIELDS * 8;
const CAPACITY = HEADER + 512 * 1024;

/** A file that a worker writes and its driver reads: numbers, then the input that is being run. */
export class StateFile {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(CAPACITY);

  constructor(path: string) {
    this.#fd = openSync(path, 'a+');
    closeSync(this.#fd);
    this.#fd = openSync(path, 'r+');
  }

  write(state: WorkerState, input?: Uint8Array): void {
    const { executions, accepted, refused, corpus, slowest, startedAt } = state;
    const numbers = [
      executions,
      accepted,
      refused,
      corpus,
      slowest,
      startedAt,
      Number(state.finished),
      input?.length ?? 0,
    ];
    for (const [i, value] of numbers.entries()) this.#buffer.writeDoubleLE(value, i * 8);
    if (input !== undefined) this.#buffer.set(input, HEADER);
    writeSync(this.#fd, this.#buffer, 0, HEADER + (input?.length ?? 0), 0);
  }

  read(): WorkerState & { readonly input: Uint8Array } {
    const length = readSync(this.#fd, this.#buffer, 0, CAPACITY, 0);
    if (length < HEADER) this.#buffer.fill(0, 0, HEADER);
    const number = (i: number): number => this.#buffer.readDoubleLE(i * 8);
    return {
      executions: number(0),
      accepted: number(1),
      refused: number(2),
      corpus: number(3),
      slowest: number(4),
      startedAt: number(5),
      finished: number(6) === 1,
      input: Uint8Array.from(this.#buffer.subarray(HEADER, HEADER + number(7))),
    };
  }

  close(): void {
    closeSync(this.#fd);
  }
}
