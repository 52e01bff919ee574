import { setImmediate } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { findTarget } from './targets.ts';
import { Session } from './session.ts';
import type { Verdict } from './session.ts';
import { StateFile } from './state-file.ts';

/** What a worker is started with. */
export interface WorkerOrder {
  readonly target: string;
  readonly seed: string;
  readonly stateFile: string;
  readonly milliseconds: number;
  readonly executions: number;
  /** A file with the one input to run, instead of many. */
  readonly replay?: string;
}

/** What a worker tells of an input that broke a promise. */
export interface WorkerReport {
  readonly error: string;
  readonly stack: string;
  readonly input: string;
}

const YIELD_MILLISECONDS = 50;

interface Clock {
  readonly wall: number;
  readonly cpu: NodeJS.CpuUsage;
}

function clock(): Clock {
  return { wall: performance.now(), cpu: process.cpuUsage() };
}

/** Milliseconds of work: on a busy machine more time passes, and with threads or waiting less. */
function sinceClock({ wall, cpu }: Clock): number {
  const { user, system } = process.cpuUsage(cpu);
  return Math.min(performance.now() - wall, (user + system) / 1000);
}

function report(error: unknown, input: Uint8Array): void {
  const { message, stack } =
    error instanceof Error
      ? { ...error, message: `${error.name}: ${error.message}`, stack: error.stack }
      : { message: String(error), stack: '' };
  const sent: WorkerReport = { error: message, stack: stack ?? '', input: Buffer.from(input).toString('base64') };
  process.send?.(sent);
}

async function work(order: WorkerOrder): Promise<void> {
  const session = await Session.open(findTarget(order.target), order.seed);
  const state = new StateFile(order.stateFile);
  const counts = { accepted: 0, refused: 0, slowest: 0 };
  let input = new Uint8Array();
  // An error that nobody waited for belongs to the input that is being run.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => report(error, input));
  }
  const note = (startedAt: number, finished = false, current?: Uint8Array): void =>
    state.write(
      { executions: session.executions, ...counts, corpus: session.corpusSize, startedAt, finished },
      current,
    );
  // The driver is gone.
  process.on('disconnect', () => process.exit());
  const deadline = Date.now() + order.milliseconds;
  let yieldedAt = performance.now();
  for (let i = 0; i < order.executions && Date.now() < deadline; i++) {
    input = Uint8Array.from(order.replay === undefined ? session.next() : readFileSync(order.replay));
    note(Date.now(), false, input);
    const start = clock();
    const verdict: Verdict = await session.run(input);
    counts.slowest = Math.max(counts.slowest, sinceClock(start));
    if (verdict.kind === 'broken') report(verdict.error, input);
    else counts[verdict.kind]++;
    if (performance.now() - yieldedAt < YIELD_MILLISECONDS) continue;
    note(0);
    await setImmediate();
    yieldedAt = performance.now();
  }
  note(0);
  await session.close();
  note(0, true);
  state.close();
  process.disconnect?.();
}

await work(JSON.parse(process.argv[2] ?? '{}') as WorkerOrder);
