import type { PlannedStep, ProgressEvent } from '@tsbuild/builder';
import { cachedText, missText } from './cache-text.ts';
import { paint } from './colour.ts';
import { type Block, fitBlocks } from './fit-blocks.ts';
import { stepTime } from './human.ts';
import { OutputLines } from './output-lines.ts';
import { stepTitle } from './plain.ts';
import { sanitizeText } from './sanitize.ts';
import { transferRow } from './transfer-row.ts';
import { type RunningTransfer, Transfers } from './transfers.ts';
import { displayWidth, fit } from './width.ts';

/** Lines of a running step's output that are shown. */
const TAIL = 6;
/** So much of a title is not given up for what stands behind it. */
const LEAST_TITLE = 40;

type StepStatus = 'waiting' | 'running' | 'cached' | 'done' | 'failed' | 'canceled';

interface BoardStep {
  readonly title: string;
  status: StepStatus;
  started: number;
  milliseconds: number;
  /** Since when it is cached, or why it runs. */
  note: string | undefined;
  tail: string[];
  readonly lines: { readonly stdout: OutputLines; readonly stderr: OutputLines };
}

/** The size of the view and how it looks. Rows and columns of the terminal; `now`: milliseconds since 1970. */
export interface BoardView {
  readonly columns: number;
  /** At most so many lines; undefined for the last drawing, which shows everything. */
  readonly rows?: number;
  readonly now: number;
  readonly colour: boolean;
}

/** What is going on, for the head of the view. */
export interface Activity {
  /** While it goes on: `Building`. */
  readonly running: string;
  /** Before the time when it is done: `Built in`. */
  readonly done: string;
}

/** The activity of `tsbuild build`. */
export const BUILDING: Activity = { running: 'Building', done: 'Built in' };
/** The activity of `tsbuild push`, and of a build that pushes what it has built. */
export const PUSHING: Activity = { running: 'Pushing', done: 'Pushed in' };

/** The state of a build or a transfer as a live view shows it: a fold over progress events, and its drawing. */
export class ProgressBoard {
  readonly #steps = new Map<string, BoardStep>();
  readonly #notices: string[] = [];
  readonly #transfers = new Transfers();
  readonly #started: number;
  readonly #activity: Activity;
  #state: 'running' | 'done' | 'failed' | 'canceled' = 'running';

  constructor(started: number, activity: Activity = BUILDING) {
    this.#started = started;
    this.#activity = activity;
  }

  /** `now`: milliseconds since 1970; what the event happened at where it does not tell itself. */
  apply(event: ProgressEvent, now: number): void {
    if (event.type === 'plan-ready') this.#plan(event.steps);
    else if (event.type === 'notice') this.#notices.push(noticeText(event.level, event.message));
    else if (event.type === 'transfer') this.#transfers.apply(event, now);
    else if (event.type === 'image-built') this.#state = 'done';
    else if (event.type === 'build-verified') this.#state = event.same ? 'done' : 'failed';
    else if ('id' in event) this.#applyToStep(event, now);
  }

  /** A second plan is that of `--verify`: all steps begin anew. */
  #plan(steps: readonly PlannedStep[]): void {
    this.#state = 'running';
    for (const step of steps) this.#steps.set(step.id, newStep(step));
  }

  #applyToStep(event: Extract<ProgressEvent, { type: `step-${string}` }>, now: number): void {
    const step = this.#steps.get(event.id);
    if (step === undefined) return;
    switch (event.type) {
      case 'step-started':
        step.status = 'running';
        step.started = event.time;
        return;
      case 'step-cached':
        step.status = 'cached';
        step.note = cachedText(event, now);
        return;
      case 'step-waited':
        return;
      case 'step-missed':
        step.note = missText(event.reason);
        return;
      case 'step-output':
        step.tail.push(...step.lines[event.stream].push(event.chunk));
        if (step.tail.length > TAIL) step.tail = step.tail.slice(-TAIL);
        return;
      case 'step-finished':
        step.status = 'done';
        step.milliseconds = event.milliseconds;
        return;
      case 'step-failed':
        step.status = event.canceled === true ? 'canceled' : 'failed';
        step.milliseconds = event.time - step.started;
        if (this.#state !== 'failed') this.#state = step.status;
        return;
    }
  }

  /** Tells how it ended, where no event does. */
  end(state: 'done' | 'failed'): void {
    this.#state = state;
  }

  /** The view as lines that fit the terminal, no line end in them. */
  draw(view: BoardView): string[] {
    const steps = [...this.#steps.values()];
    const notices = this.#notices.map((notice) => (view.rows === undefined ? notice : fit(notice, view.columns)));
    const blocks: readonly Block[] = [
      ...notices.map((line) => ({ lines: [line], keep: false })),
      ...this.#transfers.all().map((transfer) => ({
        lines: [drawTransfer(transfer, view)],
        keep: transfer.ended === undefined,
      })),
      ...steps.flatMap((step) => {
        if (step.status === 'waiting') return [];
        return { ...drawStep(step, view), keep: step.status === 'running' || step.status === 'failed' };
      }),
    ];
    // One line is the header's, one the cursor's.
    const room = view.rows === undefined ? Number.POSITIVE_INFINITY : view.rows - 2;
    return [this.#header(steps, view), ...fitBlocks(blocks, room)];
  }

  #header(steps: readonly BoardStep[], view: BoardView): string {
    const word = { ...this.#activity, failed: 'Failed after', canceled: 'Canceled after' }[this.#state];
    const text = `[+] ${word} ${stepTime(view.now - this.#started)} (${this.#count(steps)})`;
    return paint(fit(text, view.columns), this.#state === 'failed' ? 'red' : 'bold', view.colour);
  }

  /** Steps that have ended, of all; of a mere transfer its blobs. */
  #count(steps: readonly BoardStep[]): string {
    const transfers = this.#transfers.all();
    if (this.#activity !== BUILDING)
      return `${transfers.filter(({ ended }) => ended !== undefined).length}/${transfers.length}`;
    const ended = steps.filter((step) => step.status === 'cached' || step.status === 'done');
    return `${ended.length}/${steps.length}`;
  }
}

function newStep(step: PlannedStep): BoardStep {
  return {
    title: stepTitle(step),
    status: 'waiting',
    started: 0,
    milliseconds: 0,
    note: undefined,
    tail: [],
    lines: { stdout: new OutputLines(), stderr: new OutputLines() },
  };
}

function noticeText(level: 'info' | 'warning', message: string): string {
  return `${level === 'warning' ? 'WARNING: ' : ''}${sanitizeText(message).replace(/\s*\n\s*/g, ' ')}`;
}

const STATUS: Readonly<Record<StepStatus, { readonly sign: string; readonly style: Parameters<typeof paint>[1] }>> = {
  waiting: { sign: '  ', style: 'dim' },
  running: { sign: '=>', style: 'bold' },
  cached: { sign: '=>', style: 'blue' },
  done: { sign: '=>', style: 'blue' },
  failed: { sign: '=>', style: 'red' },
  canceled: { sign: '=>', style: 'yellow' },
};

/** What stands before the title. */
const MARKERS: Partial<Record<StepStatus, string>> = { cached: 'CACHED ', failed: 'ERROR ', canceled: 'CANCELED ' };

function drawStep(step: BoardStep, view: BoardView): Pick<Block, 'lines' | 'tail'> {
  const { sign, style } = STATUS[step.status];
  const elapsed = step.status === 'running' ? view.now - step.started : step.milliseconds;
  const left = ` ${sign} ${MARKERS[step.status] ?? ''}${step.title}`;
  const right =
    (step.status === 'cached' && roomyNote(step.note, displayWidth(left), view.columns)) || stepTime(elapsed);
  const line = spread(left, right, view.columns);
  const why = step.status === 'cached' || step.note === undefined ? [] : [`    ${step.note}`];
  const dim = (text: string): string => paint(fit(text, view.columns), 'dim', view.colour);
  return {
    lines: [paint(line, style, view.colour), ...why.map(dim)],
    tail: tailOf(step).map((text) => dim(` => => # ${text}`)),
  };
}

/** A cached step took no time now: what stands at the edge is its age, and what it saved, as far as there is room. */
function roomyNote(note: string | undefined, width: number, columns: number): string | undefined {
  const room = columns - 1 - Math.min(width, LEAST_TITLE);
  return [note, note?.replace(/,.*/, '')].find((text) => text !== undefined && text.length <= room);
}

function drawTransfer(transfer: RunningTransfer, view: BoardView): string {
  const { left, right } = transferRow(transfer, view);
  const { sign, style } = STATUS[transfer.ended === undefined ? 'running' : 'done'];
  return paint(spread(` ${sign} ${left}`, right, view.columns), style, view.colour);
}

/** `left`, cut where it must be, and `right` at the right edge. */
function spread(left: string, right: string, columns: number): string {
  const room = columns - right.length - 1;
  const cut = fit(left, room);
  return `${cut}${' '.repeat(Math.max(0, room - displayWidth(cut)))} ${right}`;
}

/** The last lines of a running step, the unfinished one too; tabs as blanks, since a tab's width is not known here. */
function tailOf(step: BoardStep): string[] {
  if (step.status !== 'running') return [];
  const unfinished = [step.lines.stdout.current, step.lines.stderr.current].filter((text) => text !== '');
  return [...step.tail, ...unfinished].slice(-TAIL).map((text) => text.replaceAll('\t', '    '));
}
