import { humanSize, stepTime } from './human.ts';
import { sanitizeName } from './sanitize.ts';
import { type RunningTransfer, endedText, rateText } from './transfers.ts';

const WIDEST_BAR = 30;
const NARROWEST_BAR = 8;

/** A transfer on one row: what it is, and what stands at the right edge. */
export interface TransferRow {
  readonly left: string;
  readonly right: string;
}

/** Draws a transfer for a view of so many columns: `3f2a91c0d4e5 [=====>    ] 40.1MB/120MB 8.2MB/s`. */
export function transferRow(
  transfer: RunningTransfer,
  view: { readonly columns: number; readonly now: number },
): TransferRow {
  const id = sanitizeName(transfer.id);
  const { started, ended } = transfer;
  const right = stepTime((ended ?? view.now) - started);
  if (ended !== undefined) return { left: `${id} ${endedText(transfer)}`, right };
  const known = transfer.total > 0;
  const bytes = `${humanSize(transfer.transferred)}${known ? `/${humanSize(transfer.total)}` : ''}`;
  const word = transfer.kind === 'upload' ? 'Pushing' : 'Downloading';
  const text = [bytes, rateText([transfer], view.now)].filter((part) => part !== '').join(' ');
  // The columns of the id, the word, the numbers at their widest, the time and the blanks between them stay free.
  const room = Math.min(WIDEST_BAR, view.columns - id.length - word.length - 38);
  const bar = !known || room < NARROWEST_BAR ? '' : `${progressBar(transfer, room)} `;
  return { left: `${id} ${word} ${bar}${text}`, right };
}

/** `[====>     ]`, `width` columns of it between the brackets. */
function progressBar({ transferred, total }: RunningTransfer, width: number): string {
  const filled = Math.floor(Math.min(1, transferred / total) * width);
  const head = filled < width ? '>' : '';
  return `[${'='.repeat(filled)}${head}${' '.repeat(Math.max(0, width - filled - 1))}]`;
}
