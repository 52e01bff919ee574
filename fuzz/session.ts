import { Random } from './random.ts';
import { isRefusal } from './target.ts';
import type { Running, Target } from './target.ts';

/** What became of one input. `kind` `broken` is a finding. */
export interface Verdict {
  readonly kind: 'accepted' | 'refused' | 'broken';
  readonly error?: unknown;
}

/** Larger inputs find the same and take longer. */
const INPUT_LIMIT = 300_000;
const CORPUS_LIMIT = 300;

/**
 * A target being fuzzed: gives one input after the other and runs it. The seeds come first as they are; then mutations of
 * seeds and of inputs that led to something new. The same seed gives the same inputs.
 */
export class Session {
  readonly #target: Target;
  readonly #running: Running;
  readonly #random: Random;
  /** The seeds, then accepted inputs. */
  readonly #corpus: Uint8Array[];
  /** Inputs refused in different ways: less is to be learnt from them. */
  readonly #refused: Uint8Array[] = [];
  readonly #outcomes = new Set<string>();
  readonly #seedCount: number;
  executions = 0;

  private constructor(target: Target, running: Running, seeds: readonly Uint8Array[], seed: string) {
    this.#target = target;
    this.#running = running;
    this.#random = new Random(`${target.name}/${seed}`);
    this.#corpus = [...seeds];
    this.#seedCount = seeds.length;
  }

  static async open(target: Target, seed: string): Promise<Session> {
    return new Session(target, await target.open(), await target.seeds(), seed);
  }

  get corpusSize(): number {
    return this.#corpus.length + this.#refused.length;
  }

  next(): Uint8Array {
    const untouched = this.executions < this.#seedCount ? this.#corpus[this.executions] : undefined;
    this.executions++;
    if (untouched !== undefined) return untouched;
    const from = this.#refused.length > 0 && this.#random.oneIn(4) ? this.#refused : this.#corpus;
    const input = this.#target.mutate(this.#random.pick(from), this.#random, this.#corpus);
    return input.length > INPUT_LIMIT ? input.subarray(0, INPUT_LIMIT) : input;
  }

  async run(input: Uint8Array): Promise<Verdict> {
    try {
      const outcome = await this.#running.run(input);
      this.#learn(this.#corpus, this.#seedCount, input, `accepted ${outcome ?? ''}`);
      return { kind: 'accepted' };
    } catch (error) {
      if (!isRefusal(error)) return { kind: 'broken', error };
      this.#learn(this.#refused, 0, input, `${error.code} ${shapeOf(error.message)}`);
      return { kind: 'refused', error };
    }
  }

  async close(): Promise<void> {
    await this.#running.close?.();
  }

  /** Keeps an input whose outcome is new; when there are many, in place of an older one that is no seed. */
  #learn(list: Uint8Array[], seeds: number, input: Uint8Array, outcome: string): void {
    if (this.#outcomes.has(outcome) || this.#outcomes.size > 20_000) return;
    // A copy: a piece of a string keeps the whole of it.
    this.#outcomes.add(Buffer.from(outcome).toString());
    if (this.executions <= this.#seedCount) return;
    if (list.length < seeds + CORPUS_LIMIT) list.push(input);
    else list[seeds + this.#random.below(CORPUS_LIMIT)] = input;
  }
}

/** A message without what differs from input to input: quoted names and numbers. */
export function shapeOf(message: string): string {
  return message
    .slice(0, 400)
    .replace(/'[^']*'|"[^"]*"/g, '…')
    .replace(/[0-9a-f]{8,}|\d+/g, '0')
    .slice(0, 120);
}
