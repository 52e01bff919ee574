import { PassThrough, Readable } from 'node:stream';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runCommandLine } from '../src/start/cli.ts';
import type { Host } from '../src/host/host.ts';
import { withSafeText } from '../src/output/safe-stream.ts';

/** What a command line did. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  /** The bytes of stdout, for archives. */
  readonly data: Buffer;
  readonly stderr: string;
}

export interface HostChoices {
  readonly root?: string;
  readonly cwd?: string;
  readonly stdin?: string | Uint8Array | Readable;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** What standard output or input pretend to be. */
  readonly terminal?: 'stdin' | 'stdout';
}

export const NOW = Date.parse('2026-01-01T12:00:00Z');

/** Runs a command line as the program would, in this process. */
export async function tsbuild(argv: readonly string[], choices: HostChoices = {}): Promise<Outcome> {
  const stdout = collector(choices.terminal === 'stdout');
  const stderr = collector(false);
  const { stdin: given = Readable.from([]) } = choices;
  const input = given instanceof Readable ? given : Readable.from([Buffer.from(given)]);
  const stdin = Object.assign(input, { isTTY: choices.terminal === 'stdin' });
  const host: Host = {
    stdin,
    stdout: withSafeText(stdout.stream),
    stderr: withSafeText(stderr.stream),
    commandLine: [],
    // No test reads or writes what is of the person who runs it.
    env: {
      TSBUILD_ROOT: choices.root ?? '/nonexistent/tsbuild',
      HOME: '/nonexistent/home',
      PATH: process.env['PATH'] ?? '',
      ...choices.env,
    },
    cwd: choices.cwd ?? '/',
    signal: choices.signal ?? new AbortController().signal,
    now: () => NOW,
  };
  const code = await runCommandLine(argv, host);
  return { code, stdout: stdout.data().toString(), data: stdout.data(), stderr: stderr.data().toString() };
}

function collector(isTTY: boolean) {
  const chunks: Buffer[] = [];
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100 });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, data: () => Buffer.concat(chunks) };
}

/** A directory that is gone after the test. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tsbuild-cli-test-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}
