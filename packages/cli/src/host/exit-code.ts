/** Done. */
export const EXIT_OK = 0;
/** The build or the operation failed. */
export const EXIT_FAILED = 1;
/** The command line is wrong. */
export const EXIT_USAGE = 2;
/** Whoever read our standard output went away; what a process killed by SIGPIPE gives. */
export const EXIT_PIPE = 141;

/** What a shell reports for a process ended by a signal: 128 + the signal's number. */
export const EXIT_BY_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** The signals that end a command. */
export type EndSignal = keyof typeof EXIT_BY_SIGNAL;
