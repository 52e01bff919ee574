import { Interrupted } from './errors.ts';
import { EXIT_BY_SIGNAL, type EndSignal } from './exit-code.ts';

/** A second signal within this time is the same key press, seen once from the terminal and once from our parent process. */
const SAME_PRESS_MS = 250;

/** A signal that aborts at the first SIGINT, SIGTERM or SIGHUP, for an orderly end; a second one exits at once. */
export function abortOnSignals(process: Pick<NodeJS.Process, 'on' | 'exit'>): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  for (const name of Object.keys(EXIT_BY_SIGNAL) as EndSignal[]) {
    process.on(name, () => {
      if (!controller.signal.aborted) {
        first = performance.now();
        controller.abort(new Interrupted(name));
      } else if (performance.now() - first > SAME_PRESS_MS) {
        process.exit(EXIT_BY_SIGNAL[name]);
      }
    });
  }
  return controller.signal;
}
