import { fork } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Findings } from './findings.ts';
import { StateFile } from './state-file.ts';
import type { WorkerState } from './state-file.ts';
import type { WorkerOrder, WorkerReport } from './worker.ts';

/** One input may take so long, in milliseconds; then it is tried once more alone, and what counts is the processor's time. */
const INPUT_LIMIT = 2000;
/** Of a replay, on a machine that may be busy. */
const REPLAY_LIMIT = 10_000;
/** What opening and closing a target may take besides, in milliseconds. */
const GRACE = 60_000;
/** JavaScript's heap, in MiB; and what the whole process may hold, which includes buffers and Node itself. */
const HEAP_LIMIT = 256;
const MEMORY_LIMIT = 700;
const POLL_MILLISECONDS = 100;
/** A target that fails all the time is stopped. */
const DEATHS_LIMIT = 8;

/** How a target is fuzzed. */
export interface CampaignOptions {
  readonly workerPath: string;
  readonly folder: string;
  readonly seed: string;
  readonly milliseconds: number;
  readonly executions: number;
}

/** What came of it. */
export interface CampaignResult
  extends Pick<WorkerState, 'executions' | 'accepted' | 'refused' | 'corpus' | 'slowest'> {
  readonly target: string;
  readonly seconds: number;
}

type End = { readonly kind: 'finished' | 'hang' | 'memory' } | { readonly kind: 'died'; readonly how: string };

/** Fuzzes one target in processes of its own: one that hangs, dies or swells is ended, its input kept, and another goes on. */
export async function campaign(target: string, options: CampaignOptions, findings: Findings): Promise<CampaignResult> {
  const started = Date.now();
  const total = { executions: 0, accepted: 0, refused: 0, corpus: 0, slowest: 0 };
  for (let deaths = 0; deaths < DEATHS_LIMIT; deaths++) {
    const milliseconds = started + options.milliseconds - Date.now();
    if (milliseconds <= 0 || total.executions >= options.executions) break;
    const seed = deaths === 0 ? options.seed : `${options.seed}+${deaths}`;
    const order = { target, seed, milliseconds, executions: options.executions - total.executions };
    const { end, state } = await runWorker(order, options, (report) =>
      findings.add(target, Buffer.from(report.input, 'base64'), report.error, report.stack),
    );
    for (const key of ['executions', 'accepted', 'refused'] as const)
      total[key] += state.executions === 0 ? 0 : state[key];
    total.corpus = Math.max(total.corpus, state.corpus);
    total.slowest = Math.max(total.slowest, state.slowest);
    if (end.kind === 'finished') break;
    await judgeDeath(target, end, state.input, options, findings);
  }
  return { target, seconds: (Date.now() - started) / 1000, ...total };
}

/** Runs one input in a process of its own. */
export async function replay(
  target: string,
  path: string,
  options: Pick<CampaignOptions, 'workerPath' | 'folder'>,
  onReport: (report: WorkerReport) => void,
): Promise<{ readonly end: End; readonly state: WorkerState }> {
  const order = { target, seed: 'replay', milliseconds: REPLAY_LIMIT * 2, executions: 1, replay: path };
  return runWorker(order, { ...options, inputLimit: REPLAY_LIMIT }, onReport);
}

async function judgeDeath(
  target: string,
  end: End,
  input: Uint8Array,
  options: CampaignOptions,
  findings: Findings,
): Promise<void> {
  // Someone stopped the process from outside.
  if (end.kind === 'died' && end.how.includes('SIGTERM')) return;
  const path = findings.keep(options.folder, target, input);
  const alone = await replay(target, path, options, () => {});
  const slow = alone.state.slowest > INPUT_LIMIT;
  const repeated = alone.end.kind !== 'finished' || slow;
  rmSync(path, { force: true });
  // A busy machine can stop any process for two seconds, and garbage may wait to be collected: no findings.
  if (end.kind !== 'died' && !repeated) return;
  const what =
    end.kind === 'died' ? end.how : end.kind === 'hang' ? 'takes more than 2 s' : `holds more than ${MEMORY_LIMIT} MiB`;
  findings.add(target, input, repeated ? what : `${what}, but not alone: what earlier inputs left may be why`, '');
}

/** Starts a worker and watches over it. */
async function runWorker(
  order: Omit<WorkerOrder, 'stateFile'>,
  options: Pick<CampaignOptions, 'workerPath' | 'folder'> & { readonly inputLimit?: number },
  onReport: (report: WorkerReport) => void,
): Promise<{ readonly end: End; readonly state: ReturnType<StateFile['read']> }> {
  const stateFile = join(options.folder, `${order.target}.state`);
  rmSync(stateFile, { force: true });
  const state = new StateFile(stateFile);
  const child = fork(options.workerPath, [JSON.stringify({ ...order, stateFile })], {
    execArgv: [`--max-old-space-size=${HEAP_LIMIT}`],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-20_000)));
  child.on('message', (message) => onReport(message as WorkerReport));
  const exit = new Promise<string>((resolve) => {
    child.on('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
  });
  const latest = Date.now() + order.milliseconds + GRACE;
  let end: End | undefined;
  for (;;) {
    const ended = await Promise.race([exit, sleep(POLL_MILLISECONDS, undefined)]);
    if (ended !== undefined) break;
    end = troubleOf(state.read(), child.pid ?? 0, options.inputLimit ?? INPUT_LIMIT);
    if (Date.now() > latest) end ??= { kind: 'died', how: 'the process does not end' };
    if (end === undefined) continue;
    child.kill('SIGKILL');
    break;
  }
  const how = await exit;
  const last = state.read();
  state.close();
  if (end === undefined)
    end = last.finished ? { kind: 'finished' } : { kind: 'died', how: describeDeath(how, complaint) };
  return { end, state: last };
}

function troubleOf({ startedAt }: WorkerState, pid: number, limit: number): End | undefined {
  if (startedAt > 0 && Date.now() - startedAt > limit) return { kind: 'hang' };
  return residentMebibytes(pid) > MEMORY_LIMIT ? { kind: 'memory' } : undefined;
}

function residentMebibytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // gone, or not on Linux
  }
}

/** How a process died: out of memory, by a signal, or with promises that nobody can keep any more (Node's code 13). */
function describeDeath(how: string, complaint: string): string {
  const [reason] = /FATAL ERROR: [^\n]*|^\S*Error: [^\n]*/m.exec(complaint) ?? [];
  if (reason !== undefined) return `the process died: ${reason}`;
  return how === 'exit code 13' ? 'waits for ever' : `the process died: ${how}`;
}
