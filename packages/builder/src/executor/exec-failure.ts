import { BuildError } from '../diagnostics/build-error.ts';
import type { RunOutput, RunResult } from './executor.ts';

/**
 * Programs of ours that run last before the command are started under names with this prefix, so that their own
 * complaints on the command's stderr can be told from the command's.
 */
const TOOL_PREFIX = 'tsbuild-';
/** util-linux `unshare`, the program that starts the command. */
export const EXEC_TOOL = `${TOOL_PREFIX}exec`;
/** util-linux `setpriv`, the program that drops capabilities. */
export const CAPS_TOOL = `${TOOL_PREFIX}caps`;

/**
 * Passes a command's output on, except that a first line of stderr which one of our programs wrote is held back: it
 * says why the command could not be started.
 */
export class ExecFailureFilter implements RunOutput {
  /** Where it passes on to; on a terminal everything is stdout. */
  readonly next: RunOutput;
  readonly #prefix: string;
  readonly #terminal: boolean;
  #held: Buffer | undefined = Buffer.alloc(0);

  /** @param options.prefix how the line begins that is held back */
  constructor(next: RunOutput, options: { readonly prefix?: string; readonly terminal?: boolean } = {}) {
    this.next = options.terminal === true ? { stdout: next.stdout.bind(next), stderr: next.stdout.bind(next) } : next;
    this.#prefix = options.prefix ?? TOOL_PREFIX;
    this.#terminal = options.terminal ?? false;
  }

  stdout(chunk: Uint8Array): void | Promise<void> {
    // On a terminal everything is one stream.
    if (this.#terminal) return this.#take(chunk);
    void this.#release();
    return this.next.stdout(chunk);
  }

  stderr(chunk: Uint8Array): void | Promise<void> {
    return this.#take(chunk);
  }

  #take(chunk: Uint8Array): void | Promise<void> {
    if (this.#held === undefined) return this.#pass(chunk);
    this.#held = Buffer.concat([this.#held, chunk]);
    const start = this.#held.toString('latin1', 0, this.#prefix.length);
    if (!this.#prefix.startsWith(start) || this.#held.length > 4096) return this.#release();
  }

  #pass(chunk: Uint8Array): void | Promise<void> {
    return this.next.stderr(chunk);
  }

  /**
   * The exit code of a finished command. When it was never started, says so on stderr in the words users know.
   * @throws BuildError when the sandbox itself was at fault
   */
  finish(exitCode: number, argv0: string): RunResult {
    const text = this.#held?.toString('utf8') ?? '';
    const failure = /^(tsbuild-\w+): (.*?)\r?\n$/.exec(text);
    if (failure === null || exitCode === 0) {
      void this.#release();
      return { exitCode };
    }
    const [, tool = '', reason = ''] = failure;
    if (tool === EXEC_TOOL && (exitCode === 126 || exitCode === 127)) {
      const said = `exec: ${JSON.stringify(argv0)}: ${startFailure(exitCode, argv0, reason)}`;
      void this.#pass(Buffer.from(`${said}${this.#terminal ? '\r' : ''}\n`));
      return { exitCode, startFailure: said };
    }
    const cwd = /^cannot chdir to '(.*)': (.*)$/.exec(reason);
    if (cwd !== null) {
      throw new BuildError('RUN_FAILED', `cannot change to the working directory ${cwd[1]}: ${cwd[2]?.toLowerCase()}`);
    }
    throw new BuildError('SANDBOX_UNAVAILABLE', `cannot start the command: ${reason}`);
  }

  /** What is held back; nobody gets it any more. */
  take(): string {
    const text = this.#held?.toString('utf8') ?? '';
    this.#held = undefined;
    return text;
  }

  /** Ends the filter with what is held back passed on: it was the command's own. */
  end(): void {
    void this.#release();
  }

  #release(): void | Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined && held.length > 0) return this.#pass(held);
  }
}

function startFailure(exitCode: number, argv0: string, reason: string): string {
  if (exitCode === 127 && !argv0.includes('/')) return 'executable file not found in $PATH';
  if (exitCode === 127) return 'no such file or directory (or the interpreter that it names is missing)';
  const errno = reason.slice(reason.lastIndexOf(': ') + 2).toLowerCase();
  return errno === 'exec format error' ? 'exec format error (is it built for another platform?)' : errno;
}
