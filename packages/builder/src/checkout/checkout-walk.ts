import { OciError } from '@tsbuild/oci';
import { cacheKey, type KeyInput, type KeyPreimage } from '../cache/cache-key.ts';
import type { CacheRecord } from '../cache/cache-store.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { OutputLost } from '../diagnostics/output-lost.ts';
import { type ComparedStep, diffSteps } from '../explain/preimage-diff.ts';
import type { EarlierRecords } from '../explain/explainer.ts';
import type { EarlierBuild } from './recorded-build.ts';
import { EMPTY_ROOTFS, type LayerOutput, type Rootfs } from '../ops/rootfs.ts';
import type { BuildStep, BuildVertex } from '../plan/plan.ts';
import type { MissChange } from '../progress/miss-reason.ts';
import { type PreparedStep, type StepContext, StepOutdated, type StepResult } from '../solver/vertex.ts';

/** How a step of a plan stands to the same step of the earlier build. */
export type WalkedStep =
  | { readonly state: 'same' }
  | { readonly state: 'different'; readonly changes: readonly MissChange[] }
  /** A build of this checkout would end here: a file is not there any more, say. */
  | { readonly state: 'impossible'; readonly reason: string }
  /** The earlier build had no such step. */
  | { readonly state: 'new' }
  /** It stands on a step that is new, or its record or a layer below it was pruned. */
  | { readonly state: 'unknown'; readonly reason: string };

/** So often a step is prepared whose files change under it. */
const MOST_ATTEMPTS = 6;

/**
 * Walks the graph of a plan as the solver does, and executes nothing: each step's key is found and compared with that of the
 * earlier build, and the earlier build's result flows on, whatever the comparison says. So a step differs for what it reads
 * itself, never for what one below it reads.
 */
export class CheckoutWalk {
  readonly steps = new Map<string, WalkedStep>();
  readonly results = new Map<string, StepResult<LayerOutput>>();
  readonly #recorded: EarlierBuild<LayerOutput>;
  readonly #records: EarlierRecords;
  readonly #context: StepContext;
  readonly #values = new Map<BuildVertex, Promise<Rootfs | undefined>>();

  constructor(recorded: EarlierBuild<LayerOutput>, records: EarlierRecords, context: StepContext) {
    this.#recorded = recorded;
    this.#records = records;
    this.#context = context;
  }

  /** The filesystem of a vertex as the earlier build had it; undefined where that cannot be told. */
  value(vertex: BuildVertex): Promise<Rootfs | undefined> {
    const known = this.#values.get(vertex);
    if (known !== undefined) return known;
    const value = vertex.kind === 'constant' ? Promise.resolve(vertex.value) : this.#step(vertex);
    this.#values.set(vertex, value);
    return value;
  }

  async #step(vertex: BuildStep): Promise<Rootfs | undefined> {
    const inputs: Rootfs[] = [];
    for (const input of vertex.inputs) {
      const value = await this.value(input);
      if (value === undefined) {
        this.steps.set(vertex.id, { state: 'unknown', reason: 'a step below it cannot be compared' });
        return undefined;
      }
      inputs.push(value);
    }
    const pair = this.#recorded.of(vertex.id);
    if (pair === undefined) {
      this.steps.set(vertex.id, { state: 'new' });
      return undefined;
    }
    const { record, why } = pair;
    if (record === undefined) {
      this.steps.set(vertex.id, { state: 'unknown', reason: 'its record was pruned from the cache' });
      return undefined;
    }
    const walked: WalkedStep =
      why === undefined ? await this.#compare(vertex, inputs, record) : { state: 'unknown', reason: why };
    this.steps.set(vertex.id, walked);
    const { key, output, created, milliseconds: saved } = record;
    const result = { key, output, created, cached: true, saved };
    this.results.set(vertex.id, result);
    return vertex.complete(inputs, output);
  }

  async #compare(vertex: BuildStep, inputs: readonly Rootfs[], record: CacheRecord<LayerOutput>): Promise<WalkedStep> {
    this.#context.signal.throwIfAborted();
    try {
      const preimage = await this.#preimageOf(vertex, inputs, record);
      if (cacheKey(preimage) === record.key) return { state: 'same' };
      const changes = await this.#changes(vertex, inputs, preimage, record);
      return changes.length === 0 ? { state: 'same' } : { state: 'different', changes };
    } catch (error) {
      this.#context.signal.throwIfAborted();
      if (error instanceof OutputLost || (error instanceof OciError && error.code === 'BLOB_NOT_FOUND')) {
        return this.#withoutLayers(vertex, inputs, record);
      }
      if (!(error instanceof BuildError)) throw error;
      return { state: 'impossible', reason: error.message };
    }
  }

  /**
   * The layers that the step reads cannot be had. What an empty filesystem would give settles it where files of a context
   * come to the same paths; what a step takes from a stage is settled by the words alone.
   */
  async #withoutLayers(
    vertex: BuildStep,
    inputs: readonly Rootfs[],
    record: CacheRecord<LayerOutput>,
  ): Promise<WalkedStep> {
    const { readsAbsentLayers } = this.#recorded;
    if (readsAbsentLayers === undefined) {
      return { state: 'unknown', reason: 'a layer below it was pruned from the cache' };
    }
    const readsContext = (vertex.contexts?.size ?? 0) > 0;
    const readsStage = vertex.inputs.slice(1).some(({ kind }) => kind === 'step');
    if (!readsStage) {
      const preimage = await this.#preimageOf(vertex, [EMPTY_ROOTFS, ...inputs.slice(1)], record);
      if (cacheKey(preimage) === record.key) return { state: 'same' };
    }
    if (readsContext) {
      return {
        state: 'unknown',
        reason: 'it reads other files, or writes through a link of a layer that is not here',
      };
    }
    if (readsAbsentLayers === 'same') return { state: 'same' };
    return {
      state: 'unknown',
      reason: 'it reads a layer that is not here, and the Dockerfile or an argument is another one',
    };
  }

  async #preimageOf(
    vertex: BuildStep,
    inputs: readonly Rootfs[],
    { key }: CacheRecord<LayerOutput>,
  ): Promise<KeyPreimage> {
    for (let attempt = 1; ; attempt++) {
      try {
        let prepared: PreparedStep<LayerOutput> = await vertex.prepare(inputs, this.#context);
        // One that knows its key from earlier has no listing, and only one that differs needs it.
        while (cacheKey(prepared.preimage) !== key && prepared.afresh !== undefined) prepared = await prepared.afresh();
        await prepared.discard();
        return prepared.preimage;
      } catch (error) {
        if (!(error instanceof StepOutdated)) throw error;
        if (attempt === MOST_ATTEMPTS) throw error.cause;
        this.#context.signal.throwIfAborted();
      }
    }
  }

  /** What differs of what the step itself says and reads: results of other steps are the earlier build's. */
  async #changes(
    vertex: BuildStep,
    inputs: readonly Rootfs[],
    preimage: KeyPreimage,
    record: CacheRecord<LayerOutput>,
  ): Promise<readonly MissChange[]> {
    const kept = new Map<string, string | undefined>();
    for (const { id } of record.preimage.inputs) kept.set(id, await this.#records.listing(id));
    const before: ComparedStep = {
      preimage: record.preimage,
      origin: record.origin,
      listing: ({ id }: KeyInput) => kept.get(id),
    };
    const after: ComparedStep = {
      preimage,
      origin: vertex.origin?.(inputs),
      listing: ({ listing }: KeyInput) => listing,
    };
    const readsStage = vertex.inputs.slice(1).some(({ kind }) => kind === 'step');
    return diffSteps(before, after).filter(({ kind }) => kind !== 'step' && !(kind === 'file' && readsStage));
  }
}
