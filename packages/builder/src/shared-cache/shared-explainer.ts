import type { Digest } from '@tsbuild/oci';
import type { KeyInput } from '../cache/cache-key.ts';
import { diffSteps } from '../explain/preimage-diff.ts';
import { summarize } from '../explain/sentence.ts';
import { MOST_CHANGES, type MissChange, type MissReason } from '../progress/miss-reason.ts';
import type { Miss, MissExplainer } from '../solver/miss.ts';
import type { CachePlace } from './cache-place.ts';
import type { SharedRecord, SharedStep } from './record/shared-record.ts';
import { maskedOrigin, originOf, placeOf, redactedPreimage, TAG_MARK } from './record/shared-step.ts';
import { unpackSidecar } from './record/sidecar.ts';

/** So many records of others are compared with, the latest first. */
const MOST_COMPARED = 16;

/** Milliseconds that the listings of one record may take. */
const LISTING_BUDGET = 5_000;

/** What a {@link SharedExplainer} works with. */
export interface SharedExplainerParts {
  /** Explains by what this machine remembers. */
  readonly own: MissExplainer;
  readonly places: readonly CachePlace[];
  /** Why what a place has does not count, by key. */
  readonly refusals: ReadonlyMap<Digest, string>;
  readonly signal: AbortSignal;
}

interface Candidate {
  readonly record: SharedRecord;
  readonly step: SharedStep;
  readonly place: CachePlace;
}

/**
 * Explains a miss that this machine has nothing to compare with by the nearest record of others. They do not tell values, but
 * names, and which values are others; of files they tell the list.
 */
export class SharedExplainer implements MissExplainer {
  readonly #parts: SharedExplainerParts;

  constructor(parts: SharedExplainerParts) {
    this.#parts = parts;
  }

  async explain(miss: Miss): Promise<MissReason> {
    const { own, refusals } = this.#parts;
    const reason = await own.explain(miss);
    if (reason.kind === 'changed' || reason.kind === 'no-cache') return reason;
    const refusal = refusals.get(miss.key);
    if (refusal !== undefined) return { ...reason, summary: refusal };
    return (await this.#byOthers(miss, reason).catch(() => undefined)) ?? reason;
  }

  async #byOthers(miss: Miss, reason: MissReason): Promise<MissReason | undefined> {
    let nearest: { readonly changes: readonly MissChange[]; readonly candidate: Candidate } | undefined;
    for (const candidate of await this.#candidates(miss)) {
      const changes = compare(candidate.step, miss, new Map());
      if (nearest === undefined || distance(changes) < distance(nearest.changes)) nearest = { changes, candidate };
    }
    if (nearest === undefined) return undefined;
    const { record, step, place } = nearest.candidate;
    const files = nearest.changes.some(({ kind }) => kind === 'file');
    const changes = files ? compare(step, miss, await this.#listings(nearest.candidate)) : nearest.changes;
    const summary = `${summarize(changes, changes.length, () => undefined)} (compared with ${place.backend.name})`;
    const shown = changes.slice(0, MOST_CHANGES);
    return { ...reason, kind: 'changed', summary, changes: shown, total: changes.length, comparedWith: record.created };
  }

  /** Steps of the same text, or else at the same place. */
  async #candidates({ origin, preimage }: Miss): Promise<readonly Candidate[]> {
    if (origin === undefined) return [];
    const { source } = maskedOrigin(origin);
    const place = placeOf(origin);
    const alike: Candidate[] = [];
    for (const from of this.#parts.places) {
      for (const record of (await from.hints()).values()) {
        const { step } = record;
        if (step !== undefined && record.operation === preimage.operation) alike.push({ record, step, place: from });
      }
    }
    const same = alike.filter(({ step }) => step.source === source);
    const chosen = same.length > 0 ? same : alike.filter(({ step }) => step.place === place);
    return chosen.toSorted((a, b) => b.record.created - a.record.created).slice(0, MOST_COMPARED);
  }

  async #listings({ record, place }: Candidate): Promise<ReadonlyMap<Digest, string>> {
    if (record.sidecar === undefined) return new Map();
    const signal = AbortSignal.any([this.#parts.signal, AbortSignal.timeout(LISTING_BUDGET)]);
    try {
      return (await unpackSidecar(place.backend.open(record.sidecar.blob, signal))).listings;
    } catch {
      return new Map();
    }
  }
}

function compare(
  step: SharedStep,
  { preimage, origin }: Miss,
  listings: ReadonlyMap<Digest, string>,
): readonly MissChange[] {
  const { operation, inputs } = preimage;
  const before = {
    preimage: { operation, definition: step.definition, inputs: step.inputs },
    origin: originOf(step),
    listing: ({ id }: KeyInput) => listings.get(id),
  };
  const after = {
    preimage: { ...redactedPreimage(preimage), inputs },
    origin: origin === undefined ? undefined : maskedOrigin(origin),
    listing: ({ listing }: KeyInput) => listing,
  };
  return diffSteps(before, after).map(withoutTags);
}

/** Tags say that values differ, and nothing to people. */
function withoutTags(change: MissChange): MissChange {
  if (change.kind === 'file' || change.kind === 'base') return change;
  const { before = '', after = '', ...rest } = change;
  return [before, after].some((text) => text.includes(TAG_MARK)) ? rest : change;
}

/** As in explanations by own records: people know which files they have changed. */
function distance(changes: readonly MissChange[]): number {
  return changes.filter(({ kind }) => kind !== 'file' && kind !== 'step').length;
}
