import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Digest, isDigest } from '@tsbuild/oci';
import { type Fault, keptFaults, readKept, writeKept } from '../disk/kept-file.ts';

/** So many keys are remembered of a step: builds with different arguments take turns. */
const KEYS = 4;

/** How often a step was executed, and how long that took in all. */
export interface StepRuns {
  readonly times: number;
  readonly milliseconds: number;
}

/** A step as the index knows it. */
export interface IndexedStep {
  readonly operation: string;
  /** The instruction as written. */
  readonly source: string;
  /** Keys that the step had, the latest first. */
  readonly keys: readonly Digest[];
  /** Of this step of this Dockerfile alone; undefined when it was never executed, or by a version that did not count. */
  readonly ran?: StepRuns;
}

interface StageFile {
  readonly version: 1;
  readonly steps: readonly IndexedStep[];
}

/**
 * Which records a step had: for each stage of each Dockerfile a small file with its steps in order, and for each text of a
 * step another one, for Dockerfiles that lie elsewhere each time (`explain/` of the store). Shared between processes:
 * files are replaced whole, and of two writers at once the later one wins. All of it can be lost; only explanations go.
 */
export class StepIndex {
  readonly #directory: string;
  readonly #dockerfile: string;

  /** @param dockerfile what stands for the Dockerfile from build to build, mostly its absolute path */
  constructor(directory: string, dockerfile: string) {
    this.#directory = directory;
    this.#dockerfile = dockerfile;
  }

  /** The files in `directory` that are damaged, of whatever Dockerfile. */
  static verify(directory: string): readonly Fault[] {
    return [...keptFaults(join(directory, 'stages'), isStageFile), ...keptFaults(join(directory, 'texts'), isTextFile)];
  }

  /** The steps of a stage when it was last built; undefined when it was not. */
  stage(name: string): readonly IndexedStep[] | undefined {
    return readKept(this.#stagePath(name), isStageFile)?.steps;
  }

  /** The keys that any step with this text had, the latest first. */
  text(operation: string, source: string): readonly Digest[] {
    const path = this.#textPath(operation, source);
    return readKept(path, isTextFile)?.keys ?? [];
  }

  /** How often the step with this text has run in a stage; of several the first. */
  runs(stage: string, source: string): StepRuns | undefined {
    return this.stage(stage)?.find((step) => step.operation === 'run' && step.source === source)?.ran;
  }

  /** Remembers the steps of a stage, if anything is new. `keys` and `ran`: only what this build adds to each. */
  rememberStage(name: string, steps: readonly IndexedStep[]): void {
    const known = this.stage(name) ?? [];
    const merged = steps.map((step, i): IndexedStep => {
      const earlier = earlierStep(known, steps, i);
      // Another text is another step: how long that one took is no news of this one.
      const ran = sumOf(step.ran, earlier?.source === step.source ? earlier.ran : undefined);
      return { ...step, keys: latest(step.keys, earlier?.keys), ...(ran === undefined ? {} : { ran }) };
    });
    const file: StageFile = { version: 1, steps: merged };
    if (JSON.stringify(known) !== JSON.stringify(merged)) writeKept(this.#stagePath(name), file);
  }

  rememberText(step: IndexedStep): void {
    const keys = latest(step.keys, this.text(step.operation, step.source));
    writeKept(this.#textPath(step.operation, step.source), { ...step, keys });
  }

  #stagePath(name: string): string {
    return join(this.#directory, 'stages', `${hashOf([this.#dockerfile, name])}.json`);
  }

  #textPath(operation: string, source: string): string {
    return join(this.#directory, 'texts', `${hashOf([operation, source])}.json`);
  }
}

/**
 * Which of the earlier steps of a stage step `at` of `steps` is: the one with the same text (of several the one at the same
 * turn); else the one at its place, unless that still is a step of the stage: then this one was put in between.
 */
export function earlierStep(
  earlier: readonly IndexedStep[],
  steps: readonly Omit<IndexedStep, 'keys'>[],
  at: number,
): IndexedStep | undefined {
  const step = steps[at];
  if (step === undefined) return undefined;
  const same = (other: Omit<IndexedStep, 'keys'>): boolean =>
    other.operation === step.operation && other.source === step.source;
  const turn = steps.slice(0, at).filter(same).length;
  const alike = earlier.filter(same);
  if (alike.length > 0) return alike[turn] ?? alike.at(-1);
  const replaced = earlier[at];
  if (replaced === undefined || replaced.operation !== step.operation) return undefined;
  return steps.some(({ source }) => source === replaced.source) ? undefined : replaced;
}

/** The sum of two counts, either of which may be missing. */
export function sumOf(a: StepRuns | undefined, b: StepRuns | undefined): StepRuns | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return { times: a.times + b.times, milliseconds: a.milliseconds + b.milliseconds };
}

function latest(keys: readonly Digest[], before: readonly Digest[] = []): readonly Digest[] {
  return [...new Set([...keys, ...before])].slice(0, KEYS);
}

function isStageFile({ version, steps }: Partial<StageFile>): boolean {
  return version === 1 && areSteps(steps);
}

function isTextFile(step: Partial<IndexedStep>): boolean {
  return areSteps([step]);
}

function areSteps(steps: unknown): boolean {
  if (!Array.isArray(steps)) return false;
  return steps.every((step: Partial<IndexedStep> | null) => {
    const keys: unknown = step?.keys;
    return (
      typeof step?.operation === 'string' &&
      typeof step.source === 'string' &&
      Array.isArray(keys) &&
      keys.every(isDigest) &&
      (step.ran === undefined || isRuns(step.ran))
    );
  });
}

function isRuns({ times, milliseconds }: Partial<StepRuns>): boolean {
  return Number.isSafeInteger(times) && Number.isFinite(milliseconds);
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
