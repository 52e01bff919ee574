import { closeSync, openSync } from 'node:fs';
import { execa } from 'execa';

/** How a program ended and what it wrote. A program killed by a signal has exit code 128 + n or, unknown to us, -1. */
export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a program. */
export interface RunOptions {
  readonly cwd?: string;
  /** Complete: nothing of this process's own environment is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** stdin comes from this file instead. */
  readonly stdinFile?: string;
  /** stdout goes into this file instead. */
  readonly stdoutFile?: string;
  /** Milliseconds; two minutes without it. */
  readonly timeout?: number;
}

/** The PATH that every program of the tests gets: a root shell's may lack the sbin folders. */
export const SEARCH_PATH = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;

/** Runs a program to its end, whatever the end is. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const source = options.stdinFile === undefined ? undefined : openSync(options.stdinFile, 'r');
  const target = options.stdoutFile === undefined ? undefined : openSync(options.stdoutFile, 'w');
  try {
    const ended = await execa(program, args, {
      reject: false,
      extendEnv: false,
      env: { PATH: SEARCH_PATH, LANG: 'C.UTF-8', ...options.env },
      timeout: options.timeout ?? 120_000,
      forceKillAfterDelay: 5_000,
      stripFinalNewline: false,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.input === undefined ? {} : { input: options.input }),
      ...(source === undefined ? (options.input === undefined ? { stdin: 'ignore' as const } : {}) : { stdin: source }),
      ...(target === undefined ? {} : { stdout: target }),
    });
    const text = (value: unknown): string => (typeof value === 'string' ? value : '');
    const why = ended.timedOut ? `\n${program} took longer than ${options.timeout ?? 120_000} ms` : '';
    const notStarted = ended.exitCode === undefined && ended.signal === undefined ? `\n${ended.shortMessage ?? ''}` : '';
    return { exitCode: ended.exitCode ?? -1, stdout: text(ended.stdout), stderr: `${text(ended.stderr)}${why}${notStarted}` };
  } finally {
    if (source !== undefined) closeSync(source);
    if (target !== undefined) closeSync(target);
  }
}

/** As {@link run}, for a program that must succeed: its stdout. Throws with its output when it does not. */
export async function output(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const ended = await run(program, args, options);
  if (ended.exitCode === 0) return ended.stdout;
  throw new Error(`${[program, ...args].join(' ')}: exit code ${ended.exitCode}\n${ended.stdout}${ended.stderr}`);
}
