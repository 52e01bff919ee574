import type { Transfer } from '../progress/event.ts';
import type { ProgressReporter } from '../progress/reporter.ts';

/** Milliseconds between two events of one transfer. */
const REPORT_EVERY = 100;

/** Tells of transfers in events, not more often than anybody can look: a chunk arrives every millisecond. */
export class TransferReports {
  readonly #reporter: ProgressReporter;
  readonly #reported = new Map<string, number>();

  constructor(reporter: ProgressReporter) {
    this.#reporter = reporter;
  }

  /** `key` names what is transferred, among all that is. The last event, with `done`, always passes. */
  report(key: string, transfer: Omit<Transfer, 'type'>): void {
    const now = performance.now();
    if (!transfer.done && now - (this.#reported.get(key) ?? 0) < REPORT_EVERY) return;
    this.#reported.set(key, now);
    this.#reporter.report({ type: 'transfer', ...transfer });
  }
}
