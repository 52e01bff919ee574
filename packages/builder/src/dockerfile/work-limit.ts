import { invalid } from './invalid.ts';

/** Characters that all substitutions of a Dockerfile may give, and what its commands are handed of them. */
const MOST_CHARACTERS = 16 * 1024 * 1024;
/** Entries of tables (variables, labels, ports, triggers) that stages and commands may take over from what is above them. */
const MOST_ENTRIES = 1_000_000;
/** Steps of all patterns in `${V#p}`, `${V%p}` and `${V/p/r}`: about a second. */
const MOST_STEPS = 20_000_000;
/** A trigger is parsed again for each stage that inherits it, which takes as long as copying so many entries. */
const ENTRIES_OF_TRIGGER = 50;
/** Patterns of the ignore file that the sources of COPY are held against. */
const MOST_MATCHES = 20_000_000;
/** Comparisons of names for a "did you mean". */
const MOST_COMPARISONS = 200_000;

/**
 * What one Dockerfile may cost in one pass over it. Its text is bounded by its size, what it says is not: three lines of
 * `ENV a=$a$a$a$a$a$a$a$a` are 512 times the first, and a thousand stages that each inherit a thousand variables are a
 * million. Counts and no clock, so that the same file is refused or taken everywhere.
 */
export class WorkLimit {
  #characters = 0;
  #entries = 0;
  #steps = 0;
  #comparisons = 0;
  #matches = 0;

  /** Text that was made out of variables. @throws BuildError `DOCKERFILE_INVALID`, without a range */
  characters(count: number): void {
    this.#characters += count;
    if (this.#characters <= MOST_CHARACTERS) return;
    throw invalid(
      `the values of variables in this Dockerfile total more than ${MOST_CHARACTERS} characters`,
      undefined,
      'an ENV or ARG whose value repeats another one several times doubles with each line',
    );
  }

  /** Entries that were copied from one table to another. @throws BuildError `DOCKERFILE_INVALID`, without a range */
  entries(count: number): void {
    this.#entries += count;
    if (this.#entries <= MOST_ENTRIES) return;
    throw invalid(
      `the stages and commands of this Dockerfile inherit more than ${MOST_ENTRIES} variables, labels, ports and triggers in total`,
      undefined,
      'set them in fewer stages, or later',
    );
  }

  /** Triggers of a base that a stage takes over. @throws BuildError `DOCKERFILE_INVALID`, without a range */
  triggers(texts: readonly string[]): void {
    this.entries(texts.length * ENTRIES_OF_TRIGGER);
    this.characters(texts.reduce((sum, { length }) => sum + length, 0));
  }

  /** Steps that matching a pattern takes. @throws BuildError `DOCKERFILE_INVALID`, without a range */
  steps(count: number): void {
    this.#steps += count;
    if (this.#steps > MOST_STEPS) throw invalid('the patterns in the substitutions of this Dockerfile take too long');
  }

  /** Whether a source may still be held against so many patterns, for a warning that the build does not need. */
  mayMatch(patterns: number): boolean {
    this.#matches += patterns;
    return this.#matches <= MOST_MATCHES;
  }

  /** Whether so many names may still be compared for a suggestion, which a message can do without. */
  mayCompare(count: number): boolean {
    this.#comparisons += count;
    return this.#comparisons <= MOST_COMPARISONS;
  }
}
