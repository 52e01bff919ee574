import type { EndSignal } from './exit-code.ts';

/** The command line is wrong: exit code 2. The message says what is wrong, the hint what to type instead. */
export class UsageError extends Error {
  readonly hint: string | undefined;
  /** The command whose `--help` explains more. */
  readonly command: string | undefined;

  constructor(message: string, options: { readonly hint?: string | undefined; readonly command?: string } = {}) {
    super(message);
    this.name = 'UsageError';
    this.hint = options.hint;
    this.command = options.command;
  }
}

/** An operation that failed for a reason to tell the user: exit code 1. */
export class CommandError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CommandError';
    this.hint = options.hint;
  }
}

/** The reason of the abort when a signal ends the command. */
export class Interrupted extends Error {
  readonly signal: EndSignal;

  constructor(signal: EndSignal) {
    super(`interrupted by ${signal}`);
    this.name = 'Interrupted';
    this.signal = signal;
  }
}

/** A feature of docker's command line that is not here yet; `hint` says what to use in its place. */
export function notSupportedYet(what: string, command?: string, hint?: string): UsageError {
  return new UsageError(`not supported yet: ${what}`, { hint, ...(command === undefined ? {} : { command }) });
}
