import { type Descriptor, type Digest, OciError } from '@tsbuild/oci';
import { Breaker } from './breaker.ts';
import type { CacheBackend, FoundHints } from './backend/cache-backend.ts';
import { judgeHint, judgeRecord, type TrustPolicy } from './record/judge-record.ts';
import { type IndexPack, unpackIndexes } from './record/sidecar.ts';
import type { SharedRecord } from './record/shared-record.ts';

/** Milliseconds that a lookup may take: what takes longer is a miss. */
const LOOKUP_BUDGET = 5_000;

/** Milliseconds for a blob of indexes: more megabytes than a lookup has. */
const TRANSFER_BUDGET = 15_000;

/** What a place answered for a key. */
export type PlaceAnswer =
  | { readonly kind: 'hit'; readonly record: SharedRecord; readonly by: 'hints' | 'key' }
  /** `reason` where there was something that does not count, or no answer. */
  | { readonly kind: 'miss'; readonly reason?: string };

/** What {@link CachePlace} tells. */
export interface PlaceReports {
  readonly notice: (message: string) => void;
  /** A question that was not answered. */
  readonly failed: () => void;
  readonly now: () => number;
}

/**
 * A place that records are shared through, as builds use it: it answers within a time or not at all, what it answers is
 * judged, and nothing that goes wrong with it is an error.
 */
export class CachePlace {
  readonly backend: CacheBackend;
  readonly breaker: Breaker;
  readonly #policy: TrustPolicy;
  readonly #reports: PlaceReports;
  readonly #signal: AbortSignal;
  #hints: Promise<ReadonlyMap<Digest, SharedRecord>> | undefined;
  #pack: Promise<IndexPack> | undefined;
  #packBlob: Descriptor | undefined;
  #toldFailure = false;

  constructor(backend: CacheBackend, policy: TrustPolicy, reports: PlaceReports, signal: AbortSignal) {
    this.backend = backend;
    this.#policy = policy;
    this.#reports = reports;
    this.#signal = signal;
    const { notice } = reports;
    this.breaker = new Breaker((reason) => notice(`${backend.name} is left out for the rest of the build: ${reason}`));
  }

  /** The records of the latest builds, by their keys; read once. */
  hints(): Promise<ReadonlyMap<Digest, SharedRecord>> {
    this.#hints ??= this.#readHints();
    return this.#hints;
  }

  /** The indexes of the layers that the hints tell of; read once, when something wants one. */
  pack(): Promise<IndexPack> {
    this.#pack ??= this.#readPack();
    return this.#pack;
  }

  /** As they are now: another builder may have written meanwhile. */
  freshHints(): Promise<ReadonlyMap<Digest, SharedRecord>> {
    this.#pack = undefined;
    this.#hints = this.#readHints();
    return this.#hints;
  }

  async lookup(key: Digest): Promise<PlaceAnswer> {
    const hint = (await this.hints()).get(key);
    if (hint !== undefined) return { kind: 'hit', record: hint, by: 'hints' };
    return this.lookupTruth(key);
  }

  /** Without the hints. */
  async lookupTruth(key: Digest): Promise<PlaceAnswer> {
    const answer = await this.#ask('look up a step', (signal) => this.backend.find(key, signal));
    if (typeof answer === 'object') return { kind: 'miss', reason: answer.reason };
    if (answer === undefined) return { kind: 'miss' };
    const record = judgeRecord(answer, key, this.#judgement());
    return typeof record === 'string'
      ? { kind: 'miss', reason: `${this.backend.name} has a record that does not count: ${record}` }
      : { kind: 'hit', record, by: 'key' };
  }

  async #readHints(): Promise<ReadonlyMap<Digest, SharedRecord>> {
    const found = await this.#ask<FoundHints>('read the hints', (signal) => this.backend.hints(signal));
    const records = new Map<Digest, SharedRecord>();
    if (found === undefined || 'reason' in found) return records;
    const foreign = found.kind === 'foreign' ? found.what : found.kind === 'hints' ? found.foreign : undefined;
    if (foreign !== undefined) {
      this.#reports.notice(`${this.backend.name} holds ${foreign}, which is not read and not overwritten`);
    }
    this.#packBlob = found.kind === 'hints' ? found.pack : undefined;
    for (const text of found.kind === 'hints' ? found.texts : []) {
      const record = judgeHint(text, this.#judgement());
      if (typeof record !== 'string' && !records.has(record.key)) records.set(record.key, record);
    }
    return records;
  }

  async #readPack(): Promise<IndexPack> {
    await this.hints();
    const blob = this.#packBlob;
    if (blob === undefined) return new Map();
    const read = (signal: AbortSignal): Promise<IndexPack> => unpackIndexes(this.backend.open(blob, signal));
    const answer = await this.#ask('read the indexes of layers', read, TRANSFER_BUDGET);
    return 'reason' in answer ? new Map() : answer;
  }

  #judgement(): Parameters<typeof judgeHint>[1] {
    return { ...this.#policy, scope: this.backend.scope, now: this.#reports.now() };
  }

  async #ask<T>(
    what: string,
    question: (signal: AbortSignal) => Promise<T>,
    milliseconds = LOOKUP_BUDGET,
  ): Promise<T | { readonly reason: string }> {
    if (this.breaker.isOpen) return { reason: `${this.backend.name} is left out` };
    const started = performance.now();
    const budget = AbortSignal.timeout(milliseconds);
    try {
      const answer = await question(AbortSignal.any([this.#signal, budget]));
      this.breaker.succeeded();
      return answer;
    } catch (error) {
      this.#signal.throwIfAborted();
      const why = budget.aborted ? `no answer within ${milliseconds / 1000} s` : messageOf(error);
      this.#reports.failed();
      if (isRefused(error)) this.breaker.open(why);
      if (!this.#toldFailure && !this.breaker.isOpen)
        this.#reports.notice(`cannot ${what} in ${this.backend.name}: ${why}`);
      this.#toldFailure = true;
      this.breaker.failed(why, performance.now() - started);
      return { reason: `${this.backend.name}: ${why}` };
    }
  }
}

/** It would say so each time. */
function isRefused(error: unknown): boolean {
  if (!(error instanceof OciError)) return false;
  const { code, fields } = error;
  return code === 'REGISTRY_DENIED' || code === 'REGISTRY_CREDENTIALS' || fields['status'] === 429;
}

/** The first line of an error, for people. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
