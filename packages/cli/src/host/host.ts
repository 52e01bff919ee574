import type { Readable, Writable } from 'node:stream';

/** A stream of the process; the sizes are known on a terminal only. */
export type OutputStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Standard input; a terminal can be told not to echo. */
export type InputStream = Readable & { readonly isTTY?: boolean; readonly setRawMode?: (mode: boolean) => unknown };

/**
 * Everything a command sees of its process: commands never touch `process` themselves, so that tests run them as
 * functions.
 */
export interface Host {
  readonly stdin: InputStream;
  /** Data. */
  readonly stdout: OutputStream;
  /** Progress and diagnostics. */
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The program and its words, to start it again inside a user namespace. */
  readonly commandLine: readonly string[];
  /** Absolute; relative paths of the command line start here. */
  readonly cwd: string;
  /** Aborted with an {@link Interrupted} when a signal asks us to stop. */
  readonly signal: AbortSignal;
  /** From now on `handler` gets this process's signals, and they end nothing by themselves. */
  readonly takeSignals?: (handler: (name: NodeJS.Signals) => void) => void;
  /** The clock, milliseconds since 1970: for ages and elapsed times, never for content. */
  readonly now: () => number;
}
