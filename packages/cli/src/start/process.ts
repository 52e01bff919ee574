import { runCommandLine } from './cli.ts';
import { CommandError } from '../host/usage-error.ts';
import { EXIT_FAILED, EXIT_PIPE } from '../host/exit-code.ts';
import type { Host, OutputStream } from '../host/host.ts';
import { withSafeText } from '../output/safe-stream.ts';
import { reportError } from '../output/report-error.ts';
import { takeableSignals } from './signals.ts';

/**
 * Runs a command line in this process and ends it: the only place that touches environment, streams, signals and exit
 * code.
 */
export async function runProcess(argv: readonly string[], process: NodeJS.Process): Promise<never> {
  const stdout = lazy(() => guarded(process.stdout, process));
  const stderr = lazy(() => guarded(process.stderr, process));
  const signals = takeableSignals(process);
  const host: Host = {
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return stdout();
    },
    get stderr() {
      return stderr();
    },
    // Behind the dashes Node takes no option for its own, as it would an --env-file of `run`.
    commandLine: [process.execPath, ...process.execArgv, '--', ...process.argv.slice(1)],
    // Without a prototype: flags look names up that others chose, and none is called `constructor` unless it was set.
    env: Object.assign(Object.create(null) as NodeJS.ProcessEnv, process.env),
    get cwd() {
      return workingDirectory(process);
    },
    signal: signals.signal,
    takeSignals: signals.take,
    now: Date.now,
  };
  process.on('uncaughtException', (error) => {
    void reportError(error, host, { debug: argv.includes('--debug') }).finally(() => process.exit(EXIT_FAILED));
  });
  const code = await runCommandLine(argv, host);
  // A failed write is told of in a later turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  await written(stdout.made);
  await written(stderr.made);
  // Nothing that is still open (a standard input, a timer) may keep a finished command alive.
  return process.exit(code);
}

/** It may have been removed (by a job that cleans up): then only commands fail that take a relative path. */
function workingDirectory(process: NodeJS.Process): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new CommandError('the working directory no longer exists: it was removed or moved', {
      hint: 'change to another directory: cd',
      cause,
    });
  }
}

/** Initialising a standard stream costs milliseconds: done at first use. */
function lazy<Value>(make: () => Value): { (): Value; made: Value | undefined } {
  const get = () => (get.made ??= make());
  get.made = undefined as Value | undefined;
  return get;
}

/** Text is made harmless. A reader that went away (`| head`) ends us quietly; a full disk or another failure ends us with its name. */
function guarded(stream: OutputStream, process: NodeJS.Process): OutputStream {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT_PIPE);
    process.stderr.write(`ERROR: cannot write the output: ${error.message}\n`);
    process.exit(EXIT_FAILED);
  });
  return withSafeText(stream);
}

/** Settles when the stream has passed on what it was given: at once for files and pipes, later for a slow terminal. */
async function written(stream: OutputStream | undefined): Promise<void> {
  if (stream === undefined || stream.writableLength === 0) return;
  await new Promise<void>((resolve) => {
    stream.write('', () => resolve());
  });
}
