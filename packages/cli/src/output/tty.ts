import { stripVTControlCharacters } from 'node:util';
import type { ProgressEvent, ProgressReporter } from '@tsbuild/builder';
import type { OutputStream } from '../host/host.ts';
import { type Activity, BUILDING, ProgressBoard } from './board.ts';
import { styled } from './safe-stream.ts';
import { displayWidth } from './width.ts';

const FRAME_MS = 100;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const ERASE_LINE_END = '\x1b[K';
const ERASE_BELOW = '\x1b[J';

/**
 * A live view on a terminal. Every frame is one write that goes up over the last one and writes over it, so nothing
 * flickers; when the build ends the whole list stays and the cursor is back.
 */
export class TtyProgress implements ProgressReporter {
  readonly #terminal: OutputStream;
  readonly #now: () => number;
  readonly #colour: boolean;
  readonly #board: ProgressBoard;
  #timer: NodeJS.Timeout | undefined;
  /** The widths of the last frame's lines. */
  #drawn: readonly number[] = [];

  constructor(
    terminal: OutputStream,
    options: { readonly now: () => number; readonly colour: boolean; readonly activity?: Activity },
  ) {
    this.#terminal = terminal;
    this.#now = options.now;
    this.#colour = options.colour;
    this.#board = new ProgressBoard(options.now(), options.activity ?? BUILDING);
  }

  report(event: ProgressEvent): void {
    this.#board.apply(event, this.#now());
    this.start();
  }

  /** Begins to draw, if the first event has not come yet. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#terminal.write(styled(HIDE_CURSOR));
    this.#frame(true);
    this.#timer = setInterval(() => this.#frame(true), FRAME_MS);
    // The view alone must not keep a build alive.
    this.#timer.unref();
  }

  /** Draws the last frame, whole, and gives the terminal back. Safe to call twice. `ended` where no event tells it. */
  close(ended?: 'done' | 'failed'): void {
    if (this.#timer === undefined) return;
    if (ended !== undefined) this.#board.end(ended);
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#frame(false);
    this.#drawn = [];
    this.#terminal.write(styled(SHOW_CURSOR));
  }

  #frame(live: boolean): void {
    const columns = Math.max(20, this.#terminal.columns ?? 80);
    const rows = Math.max(4, this.#terminal.rows ?? 24);
    const lines = this.#board.draw({
      columns: columns - 1,
      now: this.#now(),
      colour: this.#colour,
      ...(live ? { rows } : {}),
    });
    const above = rowsOf(this.#drawn, columns);
    const up = above > 0 ? `\x1b[${Math.min(above, rows)}A` : '';
    const drawn = lines.map((line) => `${line}${ERASE_LINE_END}\n`).join('');
    this.#terminal.write(styled(`\r${up}${drawn}${ERASE_BELOW}`));
    this.#drawn = lines.map((line) => displayWidth(stripVTControlCharacters(line)));
  }
}

/** The rows that lines of these widths take now: a narrower terminal has wrapped what was drawn for a wider one. */
function rowsOf(widths: readonly number[], columns: number): number {
  return widths.reduce((rows, width) => rows + Math.max(1, Math.ceil(width / columns)), 0);
}
