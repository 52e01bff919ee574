import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { RunControl, RunOutput, TerminalSize } from './executor.ts';
import { requireTool, SYSTEM_PATH } from './host-tools.ts';
import type { PipePool } from './pipes.ts';
import { supervise, type SupervisedEnd } from './supervise.ts';
import { onTerminal, resizeTerminal, type TerminalPlace } from './terminal.ts';

/** A program that joins a sandbox and ends in a command there. */
export interface JoiningProgram {
  readonly command: readonly string[];
  readonly pipes: PipePool;
  /** Gives it a terminal. */
  readonly terminal: TerminalSize | undefined;
  readonly place: TerminalPlace;
  /** Whom the terminal belongs to. */
  readonly owner: number;
}

const ON_TERMINAL = `"$STTY" $TTYSIZE
if [ "$TTYOWNER" != 0 ]; then "$CHOWN" "$TTYOWNER" /proc/self/fd/0; fi
exec "$@"`;

/**
 * Runs a program that joins a sandbox; it dies with this process at the latest. Its command's stderr is its own: joining
 * says nothing when it succeeds.
 */
export async function joinSandbox(
  program: JoiningProgram,
  output: RunOutput,
  signal: AbortSignal,
  control: RunControl,
): Promise<SupervisedEnd> {
  signal.throwIfAborted();
  const { terminal } = program;
  const input = control.input === undefined && terminal === undefined ? undefined : await program.pipes.input();
  const size = terminal === undefined ? '' : `rows ${terminal.rows} cols ${terminal.columns}`;
  const words =
    terminal === undefined
      ? program.command
      : onTerminal(['/bin/sh', '-euc', ON_TERMINAL, 'terminal', ...program.command], program.place);
  try {
    return await program.pipes.lend((stdout, stderr) => {
      try {
        const child = spawn(requireTool('setpriv'), ['--pdeathsig', 'KILL', ...words], {
          stdio: [input?.read ?? 'ignore', stdout.write, stderr.write],
          env: {
            PATH: SYSTEM_PATH, LC_ALL: 'C', SHELL: '/bin/sh', TTYSIZE: size, TTYOWNER: String(program.owner),
            STTY: requireTool('stty', 'coreutils'), CHOWN: requireTool('chown', 'coreutils'),
          }, // biome-ignore format: a list
          detached: true,
          cwd: '/',
        });
        if (input !== undefined) control.input?.on('error', () => {}).pipe(input.write.on('error', () => {}));
        const { pid } = child;
        if (pid !== undefined) control.resizable?.((to) => resizeTerminal(pid, to));
        const streams = { stdout: stdout.read, stderr: stderr.read };
        return supervise({ child, streams, kill: () => void child.kill('SIGKILL') }, output, signal);
      } catch (error) {
        stdout.read.destroy();
        stderr.read.destroy();
        throw error;
      } finally {
        closeSync(stdout.write);
        closeSync(stderr.write);
        if (input !== undefined) closeSync(input.read);
      }
    });
  } finally {
    if (input !== undefined) control.input?.unpipe(input.write);
    input?.write.destroy();
  }
}
