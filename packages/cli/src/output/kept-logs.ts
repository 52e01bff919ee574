import type { ProgressEvent, ProgressReporter } from '@tsbuild/builder';
import { stepTitle } from './plain.ts';
import { StepLog } from './step-log.ts';

/** The log of a step that failed. */
export interface FailedLog {
  /** `[build 2/7] RUN make`. */
  readonly title: string;
  readonly lines: Iterable<string>;
}

/**
 * Passes progress on, and keeps what running steps write: where the output shows only the end of it, or nothing at all, the
 * whole log of a step is shown when it fails.
 */
export class KeptLogs implements ProgressReporter, Disposable {
  readonly #reporter: ProgressReporter;
  readonly #titles = new Map<string, string>();
  readonly #logs = new Map<string, StepLog>();
  #failed: FailedLog | undefined;

  constructor(reporter: ProgressReporter) {
    this.#reporter = reporter;
  }

  /** Of the step that made the build fail; undefined when it was none, or it wrote nothing. */
  get failed(): FailedLog | undefined {
    return this.#failed;
  }

  report(event: ProgressEvent): void {
    switch (event.type) {
      case 'plan-ready':
        for (const step of event.steps) this.#titles.set(step.id, stepTitle(step));
        break;
      case 'step-output': {
        const log = this.#logs.get(event.id) ?? new StepLog();
        this.#logs.set(event.id, log);
        log.push(event.chunk);
        break;
      }
      case 'step-finished':
        this.#forget(event.id);
        break;
      case 'step-failed':
        this.#end(event.id, event.canceled === true);
        break;
      default:
    }
    this.#reporter.report(event);
  }

  [Symbol.dispose](): void {
    for (const id of this.#logs.keys()) this.#forget(id);
    this.#failed = undefined;
  }

  #end(id: string, canceled: boolean): void {
    const log = this.#logs.get(id);
    if (canceled || this.#failed !== undefined || log === undefined || log.isEmpty) return this.#forget(id);
    this.#failed = { title: this.#titles.get(id) ?? id, lines: log.lines() };
  }

  #forget(id: string): void {
    this.#logs.get(id)?.[Symbol.dispose]();
    this.#logs.delete(id);
  }
}
