import type { Executor, RunOutput, RunResult, RunSpec } from '../src/executor/executor.ts';

/** What a fake command does: its exit code, 0 when nothing is returned. */
export type FakeCommand = (spec: RunSpec, output: RunOutput) => number | void | Promise<number | void>;

/** An executor that runs a function in place of the command, and keeps what it was asked. */
export class FakeExecutor implements Executor {
  readonly name = 'fake';
  readonly runs: RunSpec[] = [];
  readonly #command: FakeCommand;

  constructor(command: FakeCommand = () => 0) {
    this.#command = command;
  }

  async run(spec: RunSpec, output: RunOutput, signal: AbortSignal): Promise<RunResult> {
    signal.throwIfAborted();
    this.runs.push(spec);
    const exitCode = (await this.#command(spec, output)) ?? 0;
    signal.throwIfAborted();
    return { exitCode };
  }
}
