import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

/** How a program ended and what it wrote. The exit code of a program that a signal killed is -1. */
export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a program. */
export interface RunOptions {
  readonly cwd?: string;
  /** Beside PATH and LANG; nothing of this process's own environment is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** stdin comes from this file instead. */
  readonly stdinFile?: string;
  /** stdout goes into this file instead. */
  readonly stdoutFile?: string;
  /** Milliseconds; two minutes without it. The program is killed then. */
  readonly timeout?: number;
}

/** The PATH that every program of the tests gets: a root shell's may lack the sbin folders. */
export const SEARCH_PATH = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;

/** The system's own: one that a user has put before it in PATH may be a script of its version manager, slow to start. */
export const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** Runs a program to its end, whatever the end is. @throws Error when it cannot be started. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const source = options.stdinFile === undefined ? undefined : await open(options.stdinFile, 'r');
  const target = options.stdoutFile === undefined ? undefined : await open(options.stdoutFile, 'w');
  try {
    const child = spawn(program, args, {
      env: { PATH: SEARCH_PATH, LANG: 'C.UTF-8', ...options.env },
      stdio: [source?.fd ?? (options.input === undefined ? 'ignore' : 'pipe'), target?.fd ?? 'pipe', 'pipe'],
      timeout: options.timeout ?? 120_000,
      killSignal: 'SIGKILL',
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    child.stdin?.on('error', () => {}); // a program need not read all of its input
    child.stdin?.end(options.input);
    return await ended(child);
  } finally {
    await source?.close();
    await target?.close();
  }
}

/** The end of a program that was started with {@link spawn}. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const [[exitCode], stdout, stderr] = await Promise.all([
    once(child, 'close') as Promise<[number | null]>,
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
  ]);
  return { exitCode: exitCode ?? -1, stdout, stderr };
}

/** As {@link run}, for a program that must succeed: its stdout. @throws Error with its output when it does not. */
export async function output(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await run(program, args, options);
  if (exitCode === 0) return stdout;
  throw new Error(`${[program, ...args].join(' ')}: exit code ${exitCode}\n${stdout}${stderr}`);
}
