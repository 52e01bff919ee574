import type { Digest } from '@tsbuild/oci';
import { cacheKey } from '../cache/cache-key.ts';
import type { CacheRecord, CacheStore } from '../cache/cache-store.ts';
import { OutputLost } from '../diagnostics/output-lost.ts';
import type { StepOrigin } from '../cache/step-origin.ts';
import type { ProgressEvent } from '../progress/event.ts';
import type { MissReason } from '../progress/miss-reason.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import { Limiter } from './limiter.ts';
import type { Miss, MissExplainer } from './miss.ts';
import {
  type PreparedStep,
  type StepContext,
  StepOutdated,
  type StepResult,
  type StepVertex,
  type Vertex,
} from './vertex.ts';

/** What the solver needs besides the graph. */
export interface SolveOptions<O> {
  readonly cache: CacheStore<O>;
  readonly reporter: ProgressReporter;
  readonly signal: AbortSignal;
  /** How many steps may be at work at once. */
  readonly jobs: number;
  /** The clock, milliseconds since 1970. */
  readonly now: () => number;
  /** The bytes an output adds to the image, for the step's event. */
  readonly sizeOf: (output: O) => number;
  /** Says why a step must be executed; without it nobody is told. */
  readonly explainer?: MissExplainer;
  /**
   * Waits while somebody else who uses the same cache executes the same step. Held while the step is executed.
   */
  readonly claim?: (step: Miss, signal: AbortSignal) => Promise<AsyncDisposable>;
  /** Called before a step is executed, with the reason: what it throws fails the build. */
  readonly onMiss?: (id: string, reason: MissReason) => void;
}

/** The values of the wanted vertices and how every step on the way got its output, by step id. */
export interface Solution<V, O> {
  readonly values: readonly V[];
  readonly results: ReadonlyMap<string, StepResult<O>>;
}

/**
 * Computes the wanted vertices: inputs first, independent ones side by side, each step looked up by key before it is
 * executed. The first failure aborts the others; the promise settles only when nothing runs any more.
 * @throws whatever the first failing step threw, or the signal's reason
 */
export async function solve<V, O>(wanted: readonly Vertex<V, O>[], options: SolveOptions<O>): Promise<Solution<V, O>> {
  const run = new SolverRun<V, O>(options);
  const outcomes = await Promise.allSettled(wanted.map((vertex) => run.value(vertex)));
  await run.settled();
  if (run.failure !== undefined) throw run.failure.reason;
  const values = outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
  return { values, results: run.results };
}

/** So often a step is prepared whose files change under it. */
const MOST_ATTEMPTS = 6;

/** One step at work. */
interface StepRun<V> {
  readonly context: StepContext;
  readonly started: number;
  readonly inputs: readonly V[];
}

class SolverRun<V, O> {
  readonly results = new Map<string, StepResult<O>>();
  failure: { readonly reason: unknown } | undefined;
  readonly #options: SolveOptions<O>;
  readonly #limiter: Limiter;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #values = new Map<Vertex<V, O>, Promise<V>>();
  /** Steps with the same key at the same time are done once: the later ones wait and then find the record. */
  readonly #executing = new Map<Digest, Promise<unknown>>();

  constructor(options: SolveOptions<O>) {
    this.#options = options;
    this.#limiter = new Limiter(options.jobs);
    this.#signal = AbortSignal.any([options.signal, this.#abort.signal]);
  }

  value(vertex: Vertex<V, O>): Promise<V> {
    let value = this.#values.get(vertex);
    if (value === undefined) {
      value = vertex.kind === 'constant' ? Promise.resolve(vertex.value) : this.#step(vertex);
      this.#values.set(vertex, value);
    }
    return value;
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#values.values());
  }

  async #step(vertex: StepVertex<V, O>): Promise<V> {
    // allSettled, so that no input's rejection is left unhandled while another one is awaited.
    const outcomes = await Promise.allSettled(vertex.inputs.map((input) => this.value(input)));
    const inputs = outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
    try {
      const waits = this.#limiter.isFull ? this.#options.now() : undefined;
      const result = await this.#limiter.run(() => this.#solveStep(vertex, inputs, waits));
      this.results.set(vertex.id, result);
      return vertex.complete(inputs, result.output);
    } catch (error) {
      if (this.failure === undefined) {
        this.failure = { reason: error };
        this.#abort.abort(error);
      }
      throw error;
    }
  }

  /** @param waits since when the step waits for others to make room */
  async #solveStep(vertex: StepVertex<V, O>, inputs: readonly V[], waits: number | undefined): Promise<StepResult<O>> {
    const { now } = this.#options;
    this.#signal.throwIfAborted();
    const started = now();
    const context = this.#contextOf(vertex);
    const { id } = vertex;
    this.#report({ type: 'step-started', id, time: started });
    if (waits !== undefined) this.#report({ type: 'step-waited', id, for: 'slot', milliseconds: started - waits });
    try {
      return await this.#prepareAndSolve(vertex, { context, started, inputs });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // A step whose input is lost is solved again.
      const canceled = this.#signal.aborted || error instanceof OutputLost ? { canceled: true } : {};
      this.#report({ type: 'step-failed', id, time: now(), message, ...canceled });
      throw error;
    }
  }

  async #prepareAndSolve(vertex: StepVertex<V, O>, run: StepRun<V>): Promise<StepResult<O>> {
    for (let attempt = 1; ; attempt++) {
      try {
        const prepared = await vertex.prepare(run.inputs, run.context);
        return await this.#lookUpOrExecute(vertex, prepared, run);
      } catch (error) {
        if (!(error instanceof StepOutdated)) throw error;
        if (attempt === MOST_ATTEMPTS) throw error.cause;
        this.#signal.throwIfAborted();
      }
    }
  }

  async #lookUpOrExecute(vertex: StepVertex<V, O>, prepared: PreparedStep<O>, run: StepRun<V>): Promise<StepResult<O>> {
    const key = cacheKey(prepared.preimage);
    await this.#executing.get(key)?.catch(() => undefined);
    const origin = (): StepOrigin | undefined => vertex.origin?.(run.inputs);
    const { preimage } = prepared;
    const record = vertex.ignoreCache ? undefined : await this.#options.cache.get(key, { preimage, origin });
    if (record !== undefined) return await this.#useRecord(vertex.id, record, prepared);
    if (prepared.afresh !== undefined) return this.#lookUpOrExecute(vertex, await prepared.afresh(), run);
    const { id } = vertex;
    const miss = { id, key, preimage, origin: origin() };
    const execution = vertex.ignoreCache ? this.#execute(prepared, run, miss) : this.#executeOnce(prepared, run, miss);
    this.#executing.set(key, execution);
    return execution;
  }

  async #useRecord(id: string, record: CacheRecord<O>, prepared: PreparedStep<O>): Promise<StepResult<O>> {
    await prepared.discard();
    const { key, output, created, milliseconds, from } = record;
    const layerSize = this.#options.sizeOf(output);
    const shared = from === undefined ? {} : { from };
    this.#report({ type: 'step-cached', id, key, since: created, saved: milliseconds, layerSize, ...shared });
    return { key, output, created, cached: true, saved: milliseconds };
  }

  /** Of those who want the same at the same time one executes it, and the others find its record. */
  async #executeOnce(prepared: PreparedStep<O>, run: StepRun<V>, miss: Miss): Promise<StepResult<O>> {
    const claiming = this.#options.claim?.(miss, this.#signal);
    if (claiming === undefined) return await this.#execute(prepared, run, miss);
    await using _claim = await claiming.catch(async (error: unknown) => {
      await prepared.discard();
      throw error;
    });
    const { preimage, origin } = miss;
    const record = await this.#options.cache.get(miss.key, { preimage, origin: () => origin });
    if (record !== undefined) return await this.#useRecord(miss.id, record, prepared);
    return await this.#execute(prepared, run, miss);
  }

  async #execute(prepared: PreparedStep<O>, { context, started }: StepRun<V>, miss: Miss): Promise<StepResult<O>> {
    const { cache, now, sizeOf } = this.#options;
    const { id, key, preimage, origin } = miss;
    try {
      await this.#tellMiss(miss);
      this.#signal.throwIfAborted();
    } catch (error) {
      await prepared.discard();
      throw error;
    }
    const output = await prepared.execute(context);
    const created = now();
    const milliseconds = created - started;
    await cache.put({ key, preimage, output, created, milliseconds, ...(origin === undefined ? {} : { origin }) });
    this.#report({ type: 'step-finished', id, key, time: created, milliseconds, layerSize: sizeOf(output) });
    return { key, output, created, cached: false, saved: 0 };
  }

  async #tellMiss(miss: Miss): Promise<void> {
    const { explainer, onMiss } = this.#options;
    const reason = await explainer?.explain(miss);
    if (reason === undefined) return;
    this.#report({ type: 'step-missed', id: miss.id, key: miss.key, reason });
    onMiss?.(miss.id, reason);
  }

  #contextOf(vertex: StepVertex<V, O>): StepContext {
    return {
      signal: this.#signal,
      output: (stream, chunk) => this.#report({ type: 'step-output', id: vertex.id, stream, chunk }),
      notice: (message) => this.#report({ type: 'notice', level: 'warning', message }),
    };
  }

  #report(event: ProgressEvent): void {
    this.#options.reporter.report(event);
  }
}
