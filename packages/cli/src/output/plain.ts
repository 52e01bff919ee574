import type { PlannedStep, ProgressEvent, ProgressReporter } from '@tsbuild/builder';
import { stepTime } from './human.ts';
import { cachedText, missText } from './cache-text.ts';
import { OutputLines } from './output-lines.ts';
import { sanitizeName, sanitizeText } from './sanitize.ts';
import { TransferLines } from './transfer-lines.ts';

interface StepState {
  readonly number: number;
  readonly title: string;
  started: number;
  readonly lines: { readonly stdout: OutputLines; readonly stderr: OutputLines };
}

/**
 * Progress as lines that only grow, for logs and CI, in BuildKit's notation: `#5 [build 2/7] RUN make`, `#5 0.312 …`,
 * `#5 DONE 1.2s`. When the steps of two stages take turns, the title is said again.
 */
export class PlainProgress implements ProgressReporter {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #steps = new Map<string, StepState>();
  readonly #transfers = new TransferLines();
  /** The step whose lines were printed last. */
  #shown: StepState | undefined;

  constructor(write: (text: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  report(event: ProgressEvent): void {
    switch (event.type) {
      case 'build-started':
      case 'image-built':
      case 'shared-cache':
      case 'step-waited':
      // Shown by the command, all at once and last.
      case 'check-warning':
      case 'build-verified':
        return;
      case 'plan-ready':
        event.steps.forEach((step, index) => this.#steps.set(step.id, newStep(step, index + 1)));
        this.#shown = undefined;
        return;
      case 'step-started':
        return this.#started(event.id, event.time);
      case 'step-cached':
        return this.#print(event.id, [`CACHED  ${cachedText(event, this.#now())}`]);
      case 'step-missed': {
        const text = missText(event.reason);
        return text === undefined ? undefined : this.#print(event.id, [text]);
      }
      case 'step-output':
        return this.#output(event.id, event.stream, event.chunk);
      case 'step-finished':
        this.#flush(event.id);
        return this.#print(event.id, [`DONE ${stepTime(event.milliseconds)}`]);
      case 'step-failed':
        this.#flush(event.id);
        return this.#print(event.id, [event.canceled === true ? 'CANCELED' : `ERROR: ${sanitizeText(event.message)}`]);
      case 'transfer':
        for (const line of this.#transfers.apply(event, this.#now())) this.#write(`${line}\n`);
        return;
      case 'notice':
        return this.#notice(event.level, event.message);
    }
  }

  #started(id: string, time: number): void {
    const step = this.#steps.get(id);
    if (step === undefined) return;
    step.started = time;
    this.#print(id, []);
  }

  #output(id: string, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const step = this.#steps.get(id);
    if (step !== undefined) this.#printOutput(step, id, step.lines[stream].push(chunk));
  }

  #flush(id: string): void {
    const step = this.#steps.get(id);
    if (step === undefined) return;
    this.#printOutput(step, id, [...step.lines.stdout.flush(), ...step.lines.stderr.flush()]);
  }

  #printOutput(step: StepState, id: string, lines: readonly string[]): void {
    if (lines.length === 0) return;
    const elapsed = ((this.#now() - step.started) / 1000).toFixed(3);
    this.#print(
      id,
      lines.map((line) => `${elapsed} ${line}`.trimEnd()),
    );
  }

  #print(id: string, lines: readonly string[]): void {
    const step = this.#steps.get(id);
    if (step === undefined) return;
    const prefix = `#${step.number} `;
    const title = step === this.#shown ? [] : [`${this.#shown === undefined ? '' : '\n'}${prefix}${step.title}`];
    this.#shown = step;
    const text = [...title, ...lines.map((line) => prefix + line)];
    if (text.length > 0) this.#write(`${text.join('\n')}\n`);
  }

  #notice(level: 'info' | 'warning', message: string): void {
    this.#write(`${level === 'warning' ? 'WARNING: ' : ''}${sanitizeText(message)}\n`);
  }
}

function newStep(step: PlannedStep, number: number): StepState {
  return {
    number,
    title: stepTitle(step),
    started: 0,
    lines: { stdout: new OutputLines(), stderr: new OutputLines() },
  };
}

/**
 * `[build 2/7] RUN make`, on one line. With several platforms the one that the step is for comes first, and where it runs on
 * another one, both: `[linux/arm64 app 1/3]`, `[amd64→arm64 build 2/7]`.
 */
export function stepTitle(step: PlannedStep): string {
  const { platform, on } = step;
  const way = on === undefined ? platform : [on, platform].map((each) => each?.replace(/^linux\//, '')).join('→');
  const place = `${way === undefined ? '' : `${way} `}${step.stage}`;
  return `[${sanitizeName(place)} ${step.index}/${step.total}] ${sanitizeName(step.name)}`;
}
