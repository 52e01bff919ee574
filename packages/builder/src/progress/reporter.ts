import type { ProgressEvent } from './event.ts';

/** A seam: takes progress events. `report` never throws and is never awaited. */
export interface ProgressReporter {
  report(event: ProgressEvent): void;
}

/** A reporter for those who do not look. */
export const silentReporter: ProgressReporter = { report: () => {} };
