import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { BuildError } from '../diagnostics/build-error.ts';
import type { RunOutput } from './executor.ts';

/** How a supervised program ended. */
export interface SupervisedEnd {
  readonly exitCode: number;
  /** What came on its own stderr, whole lines; the beginning of it, if it was much. */
  readonly complaints: readonly string[];
}

/** What {@link supervise} follows. */
export interface Supervised {
  readonly child: ChildProcess;
  /** The command's output. */
  readonly streams: { readonly stdout: Readable; readonly stderr: Readable };
  /** Told of each line of the child's own stderr. */
  readonly onComplaint?: (line: string) => void;
  /** Ends everything, given all of the child's own stderr so far. */
  readonly kill: (complaints: string) => void;
}

/** Follows a started program to its end; settles when all of its processes are gone, and all of its output is taken. */
export function supervise(program: Supervised, output: RunOutput, signal: AbortSignal): Promise<SupervisedEnd> {
  const { child, streams } = program;
  return new Promise((resolve, reject) => {
    let failure: { readonly reason: unknown } | undefined;
    let said = '';
    let told = 0;
    const stop = (reason: unknown): void => {
      failure ??= { reason };
      program.kill(said);
    };
    const abort = (): void => stop(signal.reason);
    const follow = (stream: Readable, take: (chunk: Uint8Array) => void | Promise<void>): Promise<void> => {
      stream.on('error', stop).on('data', (chunk: Buffer) => {
        if (failure !== undefined) return;
        try {
          const taken = take(chunk);
          if (taken === undefined) return;
          stream.pause();
          void taken.catch(stop).then(() => stream.resume());
        } catch (error) {
          stop(error);
        }
      });
      return new Promise((closed) => stream.once('close', closed));
    };
    const ended = new Promise<number>((settle) => {
      child.once('error', (error) => {
        failure ??= { reason: spawnFailure(error) };
        settle(1);
      });
      child.once('close', (code, killedBy) =>
        settle(code ?? 128 + (killedBy === null ? 9 : constants.signals[killedBy])),
      );
    });
    const closed = [
      follow(streams.stdout, (chunk) => output.stdout(chunk)),
      follow(streams.stderr, (chunk) => output.stderr(chunk)),
    ];
    child.stderr?.on('data', (chunk: Buffer) => {
      if (said.length < 65_536) said += chunk.toString('utf8');
      for (let end = said.indexOf('\n', told); end >= 0; end = said.indexOf('\n', told)) {
        program.onComplaint?.(said.slice(told, end));
        told = end + 1;
      }
      // The abort came before we knew whom to kill.
      if (failure !== undefined) program.kill(said);
    });
    signal.addEventListener('abort', abort, { once: true });
    // It may have come while the pipes were made; nobody would tell us again.
    if (signal.aborted) abort();
    void Promise.all([ended, ...closed]).then(([exitCode]) => {
      signal.removeEventListener('abort', abort);
      if (failure !== undefined) return reject(failure.reason);
      resolve({ exitCode, complaints: said.split('\n').filter((line) => line !== '') });
    });
  });
}

function spawnFailure(error: NodeJS.ErrnoException): Error {
  if (error.code !== 'E2BIG') return error;
  return new BuildError('RUN_FAILED', 'the command and its environment are too long for the kernel (E2BIG)', {
    hint: 'Put the script into a file and COPY it; one argument may have at most 128 KiB.',
    cause: error,
  });
}
