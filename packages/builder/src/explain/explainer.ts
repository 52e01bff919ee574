import type { Digest } from '@tsbuild/oci';
import type { KeyInput } from '../cache/cache-key.ts';
import type { CacheRecord } from '../cache/cache-store.ts';
import { MOST_CHANGES, type MissChange, type MissReason } from '../progress/miss-reason.ts';
import type { Miss, MissExplainer } from '../solver/miss.ts';
import { type ComparedStep, diffSteps } from './preimage-diff.ts';
import { type StepNumbers, summarize } from './sentence.ts';
import { earlierStep, type StepIndex } from './step-index.ts';

/** A step of the plan as explanations know it. */
export interface ExplainedStep {
  readonly id: string;
  /** As the index of earlier steps names it. */
  readonly stage: string;
  readonly operation: string;
  readonly source: string;
}

/** Records of earlier builds, whether or not they can still be used. */
export interface EarlierRecords {
  /** A record, even if its layer is gone. */
  peek(key: Digest): Promise<CacheRecord<unknown> | undefined>;
  /** The listing behind an input's id, when it was kept. */
  listing(id: Digest): Promise<string | undefined>;
}

/** How a step differs from one of its earlier records. */
interface Comparison {
  readonly changes: readonly MissChange[];
  readonly created: number;
}

/** Explains misses by comparing a step's preimage with the nearest earlier one. */
export class Explainer implements MissExplainer {
  readonly #steps: readonly ExplainedStep[];
  readonly #index: StepIndex;
  readonly #records: EarlierRecords;
  readonly #missed = new Set<string>();
  readonly #numbers: StepNumbers;

  /**
   * @param steps the steps of the build, stage by stage
   * @param numbers those of the steps, by id; by default in their order
   */
  constructor(
    steps: readonly ExplainedStep[],
    index: StepIndex,
    records: EarlierRecords,
    numbers: ReadonlyMap<string, number> = new Map(steps.map(({ id }, i) => [id, i + 1])),
  ) {
    this.#steps = steps;
    this.#index = index;
    this.#records = records;
    this.#numbers = (id) => numbers.get(id);
  }

  async explain(miss: Miss): Promise<MissReason> {
    this.#missed.add(miss.id);
    const step = this.#steps.find(({ id }) => id === miss.id);
    const known = step === undefined ? undefined : this.#index.stage(step.stage);
    const base = { stageKnown: known !== undefined, changes: [], total: 0 };
    const ignoredBy = miss.origin?.ignoredBy;
    if (ignoredBy !== undefined) return { ...base, kind: 'no-cache', summary: ignoredBy };
    const keys = step === undefined ? [] : this.#keysOf(step, known ?? []);
    if (keys.includes(miss.key)) return { ...base, kind: 'pruned', summary: 'its record was pruned' };
    const nearest = await this.#nearest(miss, keys);
    if (nearest !== undefined) return this.#changed(nearest, base.stageKnown);
    if (keys.length === 0) return { ...base, kind: 'never-built', summary: 'never built here' };
    return { ...base, kind: 'pruned', summary: 'it changed, and the record to compare it with was pruned' };
  }

  /** Of the same step of this Dockerfile first, then of any step with the same text. */
  #keysOf(step: ExplainedStep, known: Parameters<typeof earlierStep>[0]): readonly Digest[] {
    const siblings = this.#steps.filter(({ stage }) => stage === step.stage);
    const own = earlierStep(known, siblings, siblings.indexOf(step))?.keys ?? [];
    return own.length > 0 ? own : this.#index.text(step.operation, step.source);
  }

  /**
   * The latest record, unless an earlier one is nearer in what was asked for: builds with different arguments take turns.
   * Files do not count, since people know what they have changed since the last build.
   */
  async #nearest(miss: Miss, keys: readonly Digest[]): Promise<Comparison | undefined> {
    let nearest: (Comparison & { readonly distance: number }) | undefined;
    for (const key of keys) {
      const record = await this.#records.peek(key);
      const changes = record && (await this.#compare(record, miss).catch(() => undefined));
      // Gone, or written by another version, or damaged where no digest tells.
      if (record === undefined || changes === undefined) continue;
      const distance = changes.filter(({ kind }) => kind !== 'file' && kind !== 'step').length;
      if (nearest === undefined || distance < nearest.distance) {
        nearest = { changes, created: record.created, distance };
      }
      // It cannot be nearer, and listings may be long.
      if (distance === 0) break;
    }
    return nearest;
  }

  async #compare(record: CacheRecord<unknown>, miss: Miss): Promise<readonly MissChange[]> {
    const kept = new Map<Digest, string>();
    const ids = new Set(miss.preimage.inputs.filter(({ listing }) => listing !== undefined).map(({ name }) => name));
    for (const { id, name } of record.preimage.inputs) {
      const listing = ids.has(name) ? await this.#records.listing(id) : undefined;
      if (listing !== undefined) kept.set(id, listing);
    }
    const before: ComparedStep = {
      preimage: record.preimage,
      origin: record.origin,
      listing: ({ id }: KeyInput) => kept.get(id),
    };
    const after: ComparedStep = { ...miss, listing: ({ listing }: KeyInput) => listing };
    return diffSteps(before, after).map((change) =>
      change.step !== undefined && this.#missed.has(change.step) ? { ...change, ranAgain: true } : change,
    );
  }

  #changed({ changes, created }: Comparison, stageKnown: boolean): MissReason {
    const summary = summarize(changes, changes.length, this.#numbers);
    const shown = changes.slice(0, MOST_CHANGES);
    return { kind: 'changed', summary, stageKnown, changes: shown, total: changes.length, comparedWith: created };
  }
}
