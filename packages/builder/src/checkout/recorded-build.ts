import type { Digest } from '@tsbuild/oci';
import type { CacheRecord } from '../cache/cache-store.ts';
import type { BuildRecord, RecordedStep } from '../explain/build-record.ts';
import { earlierStep, type IndexedStep } from '../explain/step-index.ts';

/** A step of a plan, as it is paired with one of an earlier build. */
export interface PairedStep {
  readonly id: string;
  readonly stage: string;
  readonly platform?: string;
  readonly operation: string;
  readonly source: string;
}

/** What is known of a step of an earlier build. */
export interface EarlierStep<O> {
  /** Undefined where nothing is known of it. */
  readonly record: CacheRecord<O> | undefined;
  /** Why its record says what came of it, but not of what. */
  readonly why?: string;
}

/** An earlier build, as far as a plan can be compared with it. */
export interface EarlierBuild<O> {
  /** The step of the earlier build that this one is; undefined for one that is new. */
  of(id: string): EarlierStep<O> | undefined;
  /** The steps that the plan has no more. */
  readonly removed: readonly Pick<RecordedStep, 'number' | 'stage' | 'name'>[];
  /** How a step counts that reads layers which cannot be had; `unknown` unless told. */
  readonly readsAbsentLayers?: 'same' | 'unknown';
}

/** A step of the earlier build, with its record. */
interface RememberedStep<O> extends EarlierStep<O> {
  readonly step: RecordedStep;
}

/** The steps of one build with their records, to be paired with those of a plan. */
export class RecordedBuild<O> implements EarlierBuild<O> {
  readonly #steps: readonly RememberedStep<O>[];
  /** By the plan's ids. */
  readonly #pairs = new Map<string, RememberedStep<O>>();

  private constructor(steps: readonly RememberedStep<O>[], planned: readonly PairedStep[]) {
    this.#steps = steps;
    for (const group of new Set(planned.map(groupOf))) this.#pair(group, planned);
  }

  /** Reads the records of a build's steps. Those that were pruned are told by {@link gone}. */
  static async read<O>(
    { steps }: BuildRecord,
    records: { peek(key: Digest): Promise<CacheRecord<O> | undefined> },
    planned: readonly PairedStep[],
  ): Promise<RecordedBuild<O>> {
    const remembered: RememberedStep<O>[] = [];
    for (const step of steps) {
      remembered.push({ step, record: step.key === undefined ? undefined : await records.peek(step.key) });
    }
    return new RecordedBuild(remembered, planned);
  }

  /** The step of the earlier build that this one is; undefined for one that is new. */
  of(id: string): RememberedStep<O> | undefined {
    return this.#pairs.get(id);
  }

  /** The steps whose records were pruned: nothing can be compared with them. */
  get gone(): readonly RecordedStep[] {
    return this.#steps.filter(({ record }) => record === undefined).map(({ step }) => step);
  }

  /** The steps that the plan has no more. */
  get removed(): readonly RecordedStep[] {
    const kept = new Set([...this.#pairs.values()].map(({ step }) => step));
    return this.#steps.filter(({ step }) => !kept.has(step)).map(({ step }) => step);
  }

  #pair(group: string, planned: readonly PairedStep[]): void {
    const steps = planned.filter((step) => groupOf(step) === group);
    const earlier = this.#steps.filter(({ step }) => groupOf(step) === group);
    // What a step says of itself is in its record; where that is gone, its words with variables expanded must do.
    const indexed = earlier.map(
      ({ step, record }): IndexedStep => ({
        operation: record?.preimage.operation ?? '',
        source: record?.origin?.source ?? step.name,
        keys: [],
      }),
    );
    const taken = new Set<number>();
    steps.forEach(({ id }, i) => {
      const found = earlierStep(indexed, steps, i);
      const at = found === undefined ? -1 : indexed.indexOf(found);
      const step = earlier[at];
      if (step === undefined || taken.has(at)) return;
      taken.add(at);
      this.#pairs.set(id, step);
    });
  }
}

function groupOf({ stage, platform = '' }: { readonly stage: string; readonly platform?: string }): string {
  return `${stage} ${platform}`;
}
