import type { RunOutput } from './executor.ts';
import type { PipePool } from './pipes.ts';
import { runSandbox, type SandboxControl, type SandboxEnd, type SandboxProgram } from './sandbox-process.ts';
import { canWait, WaitingSandbox } from './waiting-sandbox.ts';

/**
 * How long the next sandbox waits, in milliseconds. After longer commands the time to make one counts for nothing, and it
 * keeps a copy of all mounts of the machine, busy, that its user may want to unmount.
 */
const PATIENCE = 1000;

/**
 * Runs programs in sandboxes. Where one command comes soon after the other, as the steps of a Dockerfile do, the next
 * sandbox is made ready beside the running command. The first command of a process starts none: most builds run few.
 */
export class SandboxStarter {
  readonly #pipes: PipePool;
  #hasRun = false;
  #next: WaitingSandbox | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(pipes: PipePool) {
    this.#pipes = pipes;
  }

  /** As `runSandbox`. */
  async run(
    program: SandboxProgram,
    output: RunOutput,
    signal: AbortSignal,
    control: SandboxControl = {},
  ): Promise<SandboxEnd> {
    signal.throwIfAborted();
    const waits = canWait(program, control);
    const next = waits ? this.#take(program) : undefined;
    const start = (): Promise<SandboxEnd> => runSandbox(program, this.#pipes, output, signal, control);
    const end = next === undefined ? start() : next.run({ program, output, signal, control });
    // Not before this one has what it needs: to start a process takes milliseconds of this thread's time.
    if (waits && this.#hasRun) setImmediate(() => this.#prepare(program));
    try {
      return (await end) ?? (await start());
    } finally {
      this.#hasRun = true;
    }
  }

  #take(program: SandboxProgram): WaitingSandbox | undefined {
    const next = this.#next;
    if (next === undefined) return undefined;
    this.#next = undefined;
    if (next.fits(program)) return next;
    next.dismiss();
    return undefined;
  }

  #prepare(like: SandboxProgram): void {
    if (this.#next !== undefined) return;
    const next = new WaitingSandbox(like, this.#pipes);
    this.#next = next;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => next.dismiss(), PATIENCE).unref();
  }
}
