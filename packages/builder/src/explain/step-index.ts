import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Digest, isDigest } from '@tsbuild/oci';
import { readKept, writeKept } from './kept-file.ts';

/** So many keys are remembered of a step: builds with different arguments take turns. */
const KEYS = 4;

/** A step as the index knows it. */
export interface IndexedStep {
  readonly operation: string;
  /** The instruction as written. */
  readonly source: string;
  /** Keys that the step had, the latest first. */
  readonly keys: readonly Digest[];
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

  /** The steps of a stage when it was last built; undefined when it was not. */
  stage(name: string): readonly IndexedStep[] | undefined {
    return readKept<StageFile>(this.#stagePath(name), (file) => file.version === 1 && areSteps(file.steps))?.steps;
  }

  /** The keys that any step with this text had, the latest first. */
  text(operation: string, source: string): readonly Digest[] {
    const path = this.#textPath(operation, source);
    return readKept<IndexedStep>(path, (step) => areSteps([step]))?.keys ?? [];
  }

  /** Remembers the steps of a stage, if anything is new. `keys`: only the current one of each. */
  rememberStage(name: string, steps: readonly IndexedStep[]): void {
    const known = this.stage(name) ?? [];
    const merged = steps.map((step, i) => ({ ...step, keys: latest(step.keys, earlierStep(known, steps, i)?.keys) }));
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

function latest(keys: readonly Digest[], before: readonly Digest[] = []): readonly Digest[] {
  return [...new Set([...keys, ...before])].slice(0, KEYS);
}

function areSteps(steps: unknown): boolean {
  if (!Array.isArray(steps)) return false;
  return steps.every((step: Partial<IndexedStep> | null) => {
    const keys: unknown = step?.keys;
    return (
      typeof step?.operation === 'string' &&
      typeof step.source === 'string' &&
      Array.isArray(keys) &&
      keys.every(isDigest)
    );
  });
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
