import type { Digest } from '@tsbuild/oci';
import type { KeyInput } from '../cache/cache-key.ts';
import type { MissChange } from '../progress/miss-reason.ts';
import type { BuildRecord, RecordedStep } from './build-record.ts';
import type { EarlierRecords } from './explainer.ts';
import { type ComparedStep, diffSteps } from './preimage-diff.ts';
import { summarize } from './sentence.ts';
import { earlierStep, type IndexedStep } from './step-index.ts';

/** A step of two builds, or of one of them. */
export interface StepComparison {
  readonly before?: RecordedStep;
  readonly after?: RecordedStep;
  /**
   * `same`: both had one key. `changed`: they had two. `added`, `removed`: one build had no such step. `unreached`: one of
   * them ended before it knew the step's key.
   */
  readonly difference: 'same' | 'changed' | 'added' | 'removed' | 'unreached';
  /** Of `changed`: what, the most telling first; empty where the records are gone that say it. */
  readonly changes: readonly MissChange[];
  /** The same on one line. Foreign text in it. */
  readonly summary?: string;
}

/** Two builds side by side. */
export interface BuildComparison {
  readonly before: BuildRecord;
  readonly after: BuildRecord;
  /** In the order of the later build; what that has no more at its earlier place. */
  readonly steps: readonly StepComparison[];
  /** The first of them that is another step, or has another key. */
  readonly first?: StepComparison;
}

/** Compares two builds step by step: what each step was made of, as far as the records of the cache still tell. */
export async function compareBuilds(
  before: BuildRecord,
  after: BuildRecord,
  records: EarlierRecords,
): Promise<BuildComparison> {
  const pairs = pairSteps(before.steps, after.steps);
  const numbers = new Map(after.steps.map(({ id, number }) => [id, number]));
  const steps: StepComparison[] = [];
  for (const step of after.steps) steps.push(await compareStep(pairs.get(step), step, records, numbers));
  const paired = new Set(pairs.values());
  for (const step of before.steps.filter((one) => !paired.has(one))) {
    steps.push({ before: step, difference: 'removed', changes: [] });
  }
  const ordered = steps.toSorted((a, b) => placeOf(a) - placeOf(b));
  const first = ordered.find(({ difference }) => difference !== 'same' && difference !== 'unreached');
  return { before, after, steps: ordered, ...(first === undefined ? {} : { first }) };
}

function placeOf({ before, after }: StepComparison): number {
  return after?.number ?? (before?.number ?? 0) - 0.5;
}

async function compareStep(
  before: RecordedStep | undefined,
  after: RecordedStep,
  records: EarlierRecords,
  numbers: ReadonlyMap<string, number>,
): Promise<StepComparison> {
  if (before === undefined) return { after, difference: 'added', changes: [] };
  const both = { before, after };
  if (before.key === undefined || after.key === undefined) return { ...both, difference: 'unreached', changes: [] };
  if (before.key === after.key) return { ...both, difference: 'same', changes: [] };
  const [old, now] = [await recordedStep(before.key, records), await recordedStep(after.key, records)];
  // A step that failed left no record; what it said of itself then was compared with the nearest one. If that was this very
  // one, it knew more: where files lie in their context.
  const { changes = [], summary, comparedWith } = after.reason ?? {};
  if (old === undefined || now === undefined || comparedWith === old.created)
    return { ...both, difference: 'changed', changes, ...(summary === undefined ? {} : { summary }) };
  const found = diffSteps(old, now);
  return {
    ...both,
    difference: 'changed',
    changes: found,
    summary: summarize(found, found.length, (id) => numbers.get(id)),
  };
}

async function recordedStep(
  key: Digest,
  records: EarlierRecords,
): Promise<(ComparedStep & { readonly created: number }) | undefined> {
  const record = await records.peek(key);
  if (record === undefined) return undefined;
  const listings = new Map<Digest, string>();
  for (const { id } of record.preimage.inputs) {
    const listing = await records.listing(id);
    if (listing !== undefined) listings.set(id, listing);
  }
  const { created } = record;
  return { created, preimage: record.preimage, origin: record.origin, listing: ({ id }: KeyInput) => listings.get(id) };
}

/** The step of the earlier build that each of the later one is, stage by stage. */
function pairSteps(
  before: readonly RecordedStep[],
  after: readonly RecordedStep[],
): ReadonlyMap<RecordedStep, RecordedStep> {
  const pairs = new Map<RecordedStep, RecordedStep>();
  for (const group of new Set(after.map(groupOf))) {
    const steps = after.filter((step) => groupOf(step) === group);
    const earlier = before.filter((step) => groupOf(step) === group);
    const indexed = earlier.map(indexedOf);
    const wanted = steps.map(indexedOf);
    const taken = new Set<IndexedStep>();
    for (const [at, step] of steps.entries()) {
      const found = earlierStep(indexed, wanted, at);
      const match = found === undefined ? undefined : earlier[indexed.indexOf(found)];
      if (found === undefined || match === undefined || taken.has(found)) continue;
      taken.add(found);
      pairs.set(step, match);
    }
  }
  return pairs;
}

function indexedOf({ operation = '', source, name }: RecordedStep): IndexedStep {
  return { operation, source: source ?? name, keys: [] };
}

function groupOf({ stage, platform = '' }: RecordedStep): string {
  return `${stage} ${platform}`;
}
