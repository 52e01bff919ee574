import type { ProgressEvent } from '@tsbuild/builder';
import { stepTime } from './human.ts';
import { sanitizeName } from './sanitize.ts';
import { type RunningTransfer, Transfers, endedText, runningText } from './transfers.ts';

/** Milliseconds between two lines about what is still under way. */
const INTERVAL = 5000;
/** Milliseconds that are not worth a word. */
const SHORT = 100;

/**
 * Transfers as lines that only grow: one for each blob when it is there, and, while large ones run, one line every few
 * seconds about all of them.
 */
export class TransferLines {
  readonly #transfers = new Transfers();
  /** When a line about running transfers was printed last, or the first of them began. */
  #since: number | undefined;

  /** The lines that the event gives, without line ends. `now`: milliseconds since 1970. */
  apply(event: Extract<ProgressEvent, { type: 'transfer' }>, now: number): readonly string[] {
    const transfer = this.#transfers.apply(event, now);
    const running = this.#transfers.running(event.kind);
    if (transfer.ended !== undefined) {
      if (running.length === 0) this.#since = undefined;
      const took = transfer.ended - transfer.started;
      const time = took < SHORT ? '' : ` in ${stepTime(took)}`;
      return [`${sanitizeName(transfer.id)}: ${endedText(transfer)}${time}`];
    }
    this.#since ??= now;
    if (now - this.#since < INTERVAL) return [];
    this.#since = now;
    return [`${subject(running)}: ${runningText(running, now)}`];
  }
}

function subject(running: readonly RunningTransfer[]): string {
  const [first] = running;
  return running.length === 1 && first !== undefined ? sanitizeName(first.id) : `${running.length} blobs`;
}
