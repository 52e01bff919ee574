import type { ProgressEvent } from '@tsbuild/builder';
import { humanSize } from './human.ts';
import { sanitizeName } from './sanitize.ts';

type TransferProgress = Extract<ProgressEvent, { type: 'transfer' }>;

/** One blob on its way. Sizes in bytes, times in milliseconds since 1970. */
export interface RunningTransfer {
  readonly kind: 'download' | 'upload';
  /** The short digest. */
  readonly id: string;
  transferred: number;
  total: number;
  /** In place of the transfer: `exists`, `mounted from x`. */
  note: string | undefined;
  readonly started: number;
  /** What was there when it began: a transfer may go on where an earlier one was interrupted. */
  readonly found: number;
  /** Undefined while it runs. */
  ended: number | undefined;
}

/** The blobs that are or were on their way: a fold over the `transfer` events. */
export class Transfers {
  readonly #known = new Map<string, RunningTransfer>();

  /** The state of the event's blob after it. A blob that is sent again, to another repository, begins anew. */
  apply(event: TransferProgress, now: number): RunningTransfer {
    const key = `${event.kind} ${event.id}`;
    let transfer = this.#known.get(key);
    if (transfer === undefined || transfer.ended !== undefined) {
      transfer = newTransfer(event, now);
      // The newest stand last.
      this.#known.delete(key);
      this.#known.set(key, transfer);
    }
    transfer.transferred = event.transferred;
    transfer.total = event.total;
    if (event.note !== undefined) transfer.note = event.note;
    if (event.done) transfer.ended = now;
    return transfer;
  }

  /** In the order in which they began. */
  all(): readonly RunningTransfer[] {
    return [...this.#known.values()];
  }

  running(kind: RunningTransfer['kind']): readonly RunningTransfer[] {
    return this.all().filter((transfer) => transfer.kind === kind && transfer.ended === undefined);
  }
}

function newTransfer({ kind, id, transferred, total, done }: TransferProgress, now: number): RunningTransfer {
  // What arrives at once, in its only event, was not found but transferred.
  return {
    kind,
    id,
    transferred,
    total,
    note: undefined,
    started: now,
    found: done ? 0 : transferred,
    ended: undefined,
  };
}

/** Docker's words for a blob under way: `Downloading 40.1MB/120MB (8.2MB/s)`. */
export function runningText(transfers: readonly RunningTransfer[], now: number): string {
  const [first] = transfers;
  const word = first?.kind === 'upload' ? 'Pushing' : 'Downloading';
  const sum = (field: 'transferred' | 'total') => transfers.reduce((total, transfer) => total + transfer[field], 0);
  return `${word} ${humanSize(sum('transferred'))}/${humanSize(sum('total'))}${parenthesis(rateText(transfers, now))}`;
}

/** Docker's words for a blob that arrived: `Pushed 12.3MB`, `Layer already exists`, `Mounted from library/x`. */
export function endedText({ kind, note, total }: RunningTransfer): string {
  if (note === 'exists') return kind === 'upload' ? 'Layer already exists' : 'Already exists';
  if (note !== undefined) return sanitizeName(note.charAt(0).toUpperCase() + note.slice(1));
  return `${kind === 'upload' ? 'Pushed' : 'Download complete'} ${humanSize(total)}`;
}

/** `8.2MB/s`, the mean since each began; empty before a rate means anything. */
export function rateText(transfers: readonly RunningTransfer[], now: number): string {
  const rate = transfers.reduce((sum, { transferred, found, started }) => {
    const milliseconds = now - started;
    return milliseconds < 200 ? sum : sum + (Math.max(0, transferred - found) * 1000) / milliseconds;
  }, 0);
  return rate === 0 ? '' : `${humanSize(rate)}/s`;
}

function parenthesis(text: string): string {
  return text === '' ? '' : ` (${text})`;
}
