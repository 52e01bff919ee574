import { randomBytes } from 'node:crypto';
import type { ImageBuilt, PlannedStep, ProgressEvent, Transfer } from '../progress/event.ts';
import type { BuildOrigins } from './build-origins.ts';
import type { BuildRecord, RecordedPhase, RecordedStep } from './build-record.ts';
import { maskedText } from './mask.ts';

/** What is known of a build before it begins. */
export type BuildFacts = Pick<BuildRecord, 'project' | 'names' | 'platforms' | 'arguments' | 'builder'>;

/** What a plan knows of a step, and its event does not tell. */
export type PlannedFacts = Pick<RecordedStep, 'operation' | 'source' | 'line' | 'endLine' | 'inputs'>;

/** So many downloads are recorded one by one. */
const MOST_TRANSFERS = 100;
const LONGEST_MESSAGE = 500;

/** The record of a build as it grows with its events. */
export class BuildRecorder {
  readonly #now: () => number;
  readonly #started: number;
  readonly #id: string;
  readonly #facts: BuildFacts;
  readonly #steps = new Map<string, RecordedStep>();
  readonly #phases: RecordedPhase[] = [];
  readonly #transfers = new Map<string, number>();
  #phase: { readonly kind: RecordedPhase['kind']; readonly started: number } | undefined;
  #rest: Partial<Pick<BuildRecord, 'dockerfile' | 'target' | 'image' | 'origins' | 'error' | 'ended' | 'outcome'>> = {};

  constructor(started: number, facts: BuildFacts, now: () => number = Date.now) {
    this.#started = started;
    this.#facts = facts;
    this.#now = now;
    this.#id = newBuildId(started);
  }

  get record(): BuildRecord {
    const { dockerfile = '', outcome = 'failed', ...rest } = this.#rest;
    return {
      version: 2,
      id: this.#id,
      started: this.#started,
      outcome,
      dockerfile,
      ...this.#facts,
      ...rest,
      steps: [...this.#steps.values()],
      phases: this.#phases,
    };
  }

  /** What became of a step so far. */
  step(id: string): RecordedStep | undefined {
    return this.#steps.get(id);
  }

  apply(event: ProgressEvent): void {
    switch (event.type) {
      case 'build-started': {
        const { dockerfile, target } = event;
        this.#rest = { ...this.#rest, dockerfile, ...(target === undefined ? {} : { target }) };
        return;
      }
      case 'plan-ready':
        return this.#planned(event.steps);
      case 'transfer':
        return this.#transfer(event);
      case 'image-built':
        return this.#built(event);
      default:
        if ('id' in event) this.#applyToStep(event);
    }
  }

  #applyToStep(event: Extract<ProgressEvent, { type: `step-${string}` }>): void {
    switch (event.type) {
      case 'step-started':
        return this.#set(event.id, { started: event.time });
      case 'step-waited':
        return this.#set(event.id, { [event.for === 'slot' ? 'queued' : 'locked']: event.milliseconds });
      case 'step-missed':
        return this.#set(event.id, { key: event.key, reason: event.reason });
      case 'step-cached': {
        const { key, since, saved, layerSize, from } = event;
        const shared = from === undefined ? {} : { from };
        return this.#set(event.id, { state: 'cached', ended: this.#now(), key, since, saved, layerSize, ...shared });
      }
      case 'step-finished': {
        const { key, time, milliseconds, layerSize } = event;
        return this.#set(event.id, { state: 'run', ended: time, key, milliseconds, layerSize });
      }
      case 'step-failed':
        return this.#set(event.id, { state: event.canceled === true ? 'canceled' : 'failed', ended: event.time });
      case 'step-output':
    }
  }

  /** Adds what the plan knows of the steps. */
  planned(facts: ReadonlyMap<string, PlannedFacts>): void {
    for (const [id, of] of facts) this.#set(id, of);
  }

  /** Ends the phase that is under way, and begins another one, or none. */
  enter(kind: RecordedPhase['kind'] | undefined): void {
    const now = this.#now();
    if (this.#phase !== undefined) this.#phases.push({ ...this.#phase, ended: now });
    this.#phase = kind === undefined ? undefined : { kind, started: now };
  }

  /** All steps are done. */
  made(origins: BuildOrigins): void {
    this.#rest = { ...this.#rest, origins };
  }

  failed({ code, message }: { readonly code: string; readonly message: string }, canceled: boolean): void {
    const error = { code, message: maskedText(message).slice(0, LONGEST_MESSAGE) };
    this.#rest = { ...this.#rest, outcome: canceled ? 'canceled' : 'failed', error };
  }

  ended(): void {
    this.enter(undefined);
    this.#rest = { ...this.#rest, ended: this.#now() };
  }

  #planned(steps: readonly PlannedStep[]): void {
    this.#steps.clear();
    for (const [i, step] of steps.entries()) this.#steps.set(step.id, { ...step, number: i + 1, state: 'waiting' });
  }

  #built({ type: _image, ...image }: ImageBuilt): void {
    this.#rest = { ...this.#rest, outcome: 'done', image };
  }

  #transfer({ kind, id, transferred, total, done, note }: Transfer): void {
    if (kind !== 'download') return;
    const now = this.#now();
    const started = this.#transfers.get(id) ?? now;
    if (!done) return void this.#transfers.set(id, started);
    this.#transfers.delete(id);
    if (note !== undefined || this.#phases.length >= MOST_TRANSFERS) return;
    this.#phases.push({ kind: 'pull', name: id, started, ended: now, bytes: Math.max(transferred, total) });
  }

  #set(id: string, facts: Partial<RecordedStep>): void {
    const step = this.#steps.get(id);
    if (step !== undefined) this.#steps.set(id, { ...step, ...facts });
  }
}

/** Eight digits of the time and four by chance, so that ids are in the order of time: `mih2k8q07f3a`. */
function newBuildId(time: number): string {
  const chance = randomBytes(4).readUInt32BE() % 36 ** 4;
  return `${time.toString(36).padStart(8, '0')}${chance.toString(36).padStart(4, '0')}`;
}
