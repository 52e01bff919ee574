import { type Digest, sha256Digest } from '@tsbuild/oci';
import type { BuildStep } from '../plan.ts';
import { Identities } from './identity.ts';

/** Makes the steps of one platform of a build for several. */
export interface StepMaker {
  /**
   * The step of this identity that an earlier platform has, or a new one.
   * @param place its id in a build for this platform alone
   */
  step(place: string, identity: unknown, make: (id: string) => BuildStep): BuildStep;
}

/**
 * The steps of a build for several platforms. Equal ones are one vertex, however many platforms need it: it is looked up,
 * executed and shown once. Equal means the same operation, definition, inputs and place in the Dockerfile: steps that
 * happen to do the same at two places stay two, so that explanations and checks keep their places (the solver finds out by
 * their keys, and executes one of them).
 */
export class SharedSteps {
  readonly #steps = new Map<Digest, BuildStep>();
  readonly #identities = new Identities();

  /** @param suffix what tells the ids of this platform from those of platforms before it; undefined for the first */
  maker(suffix: string | undefined): StepMaker {
    return {
      step: (place, identity, make) => {
        const key = sha256Digest(this.#identities.of([place, identity]));
        const known = this.#steps.get(key);
        if (known !== undefined) return known;
        const step = make(suffix === undefined ? place : `${place}@${suffix}`);
        this.#steps.set(key, step);
        return step;
      },
    };
  }
}
