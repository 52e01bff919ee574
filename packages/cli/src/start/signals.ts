import { Interrupted } from '../host/usage-error.ts';
import { EXIT_BY_SIGNAL, type EndSignal } from '../host/exit-code.ts';

/** A second signal within this time is the same key press, seen once from the terminal and once from our parent process. */
const SAME_PRESS_MS = 250;

/** A signal that aborts at the first SIGINT, SIGTERM or SIGHUP, for an orderly end; a second one exits at once. */
export function abortOnSignals(process: Pick<NodeJS.Process, 'on' | 'exit'>): AbortSignal {
  return takeableSignals(process).signal;
}

/** Signals of this process: what they do by themselves, and how a command takes them over. */
export interface ProcessSignals {
  readonly signal: AbortSignal;
  /** From now on `handler` gets them all, those too that a terminal does not send. */
  take(handler: (name: NodeJS.Signals) => void): void;
}

/** Signals that a command that took them gets beside those that end programs. */
const OTHERS = ['SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGALRM'] as const;

/** As {@link abortOnSignals}, and a command may take the signals over. */
export function takeableSignals(process: Pick<NodeJS.Process, 'on' | 'exit'>): ProcessSignals {
  const controller = new AbortController();
  let first = 0;
  let taken: ((name: NodeJS.Signals) => void) | undefined;
  for (const name of Object.keys(EXIT_BY_SIGNAL) as EndSignal[]) {
    process.on(name, () => {
      if (taken !== undefined) taken(name);
      else if (!controller.signal.aborted) {
        first = performance.now();
        controller.abort(new Interrupted(name));
      } else if (performance.now() - first > SAME_PRESS_MS) {
        process.exit(EXIT_BY_SIGNAL[name]);
      }
    });
  }
  return {
    signal: controller.signal,
    take: (handler) => {
      if (taken === undefined) for (const name of OTHERS) process.on(name, () => taken?.(name));
      taken = handler;
    },
  };
}
