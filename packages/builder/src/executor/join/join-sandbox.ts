import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import type { RunControl, RunOutput, TerminalSize } from '../executor.ts';
import { requireTool } from '../host-tools.ts';
import type { PipePool } from '../pipes.ts';
import { closeInherited, feed } from '../sandbox-launch.ts';
import { supervise, type SupervisedEnd } from '../supervise.ts';
import BECOME from '../scripts/become.sh';
import CLOSE from '../scripts/close.sh';
import { onTerminal, resizeTerminal, SIZE_TERMINAL, sizeVariables } from '../terminal.ts';
import { onTerminalOf } from './sandbox-terminal.ts';

/** The descriptor on which a joining program finds what must not stand in its arguments. */
export const ENVIRONMENT_DESCRIPTOR = 3;

/** A program that joins a sandbox and ends in a command there. */
export interface JoiningProgram {
  readonly command: readonly string[];
  /** What it reads, to its end, at {@link ENVIRONMENT_DESCRIPTOR}; the program closes that. */
  readonly input: string;
  readonly pipes: PipePool;
  /** Gives it a terminal. */
  readonly terminal: JoiningTerminal | undefined;
}

/** A terminal for a joining program. */
interface JoiningTerminal {
  readonly size: TerminalSize;
  /**
   * It is one of the devpts that the sandbox of this process (which started the innermost namespaces) has at /dev/pts, and belongs to
   * `owner`. Undefined for a runtime that makes one there itself, and is on a terminal of the machine.
   */
  readonly of: number | undefined;
  readonly owner: number;
}

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
  const { command, env } = onItsTerminal(program);
  try {
    return await program.pipes.lend((stdout, stderr) => {
      const opened: number[] = [stdout.write, stderr.write, ...(input === undefined ? [] : [input.read])];
      try {
        const stdio: (number | 'ignore' | 'pipe')[] = [input?.read ?? 'ignore', stdout.write, stderr.write, 'pipe'];
        const shell = closeInherited(stdio, opened);
        const words = shell.closing.length === 0 ? command : [shell.path, '-euc', CLOSE, 'join', ...command];
        const closing = shell.closing.length === 0 ? {} : { OUTER_CLOSE: shell.closing.join(' ') };
        const child = spawn(requireTool('setpriv'), ['--pdeathsig', 'KILL', ...words], {
          stdio,
          env: { PATH: SYSTEM_PATH, LC_ALL: 'C', SHELL: '/bin/sh', ...env, ...closing },
          detached: true,
          cwd: '/',
        });
        feed(child, ENVIRONMENT_DESCRIPTOR, Buffer.from(program.input));
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
        for (const fd of opened) closeSync(fd);
      }
    });
  } finally {
    if (input !== undefined) control.input?.unpipe(input.write);
    input?.write.destroy();
  }
}

function onItsTerminal({ command, terminal }: JoiningProgram): {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  if (terminal === undefined) return { command, env: {} };
  const { size, of, owner } = terminal;
  const env = sizeVariables(size);
  if (of !== undefined) {
    const place = onTerminalOf(of, owner, command);
    return { command: place.command, env: { ...env, ...place.env } };
  }
  return {
    command: onTerminal(['/bin/sh', '-euc', `${SIZE_TERMINAL}${BECOME}`, 'terminal', ...command], 'runtime'),
    env,
  };
}
