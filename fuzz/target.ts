import { OciError } from '../packages/oci/src/spec/oci-error.ts';
import { BuildError } from '../packages/builder/src/diagnostics/build-error.ts';
import type { Random } from './random.ts';

/** Makes an input of another one. `corpus` holds others of the same kind to take pieces from. */
export type Mutator = (input: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array;

/** What the code under test made of an accepted input, in a word or two: inputs that lead to something new are kept. */
type Outcome = string | void;

/** One parser under fuzzing. It passes an input when it returns, or throws the error it says that it throws. */
export interface Target {
  readonly name: string;
  /** Inputs to begin with: good ones and known hostile ones. The same on every machine. */
  seeds(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  readonly mutate: Mutator;
  /** Makes ready to run; a target may keep folders and processes until it is closed. */
  open(): Running | Promise<Running>;
  /** True for a program of the machine that is missing: the target is passed over, with this reason. */
  missing?(): string | undefined;
}

export interface Running {
  run(input: Uint8Array): Outcome | Promise<Outcome>;
  close?(): void | Promise<void>;
}

/** A target without a state. */
export function pureTarget(name: string, parts: Pick<Target, 'seeds' | 'mutate'> & Pick<Running, 'run'>): Target {
  const { run, ...rest } = parts;
  return { name, ...rest, open: () => ({ run }) };
}

/** A property that does not hold: the code returned, but what it returned is wrong. */
export class BrokenPromise extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BrokenPromise';
  }
}

/** Fails the input unless `holds`. */
export function mustHold(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new BrokenPromise(otherwise);
}

/** The errors of these packages: a refusal, not a finding. */
export function isRefusal(error: unknown): error is OciError | BuildError {
  return error instanceof OciError || error instanceof BuildError;
}
