import { fieldsOf } from '../disk/json-members.ts';
import type { StepFacts } from './step-facts.ts';

/** What can be shown of how an image was made. */
export interface BuildClaims {
  /** Everything that the builder itself brought into the build is among its dependencies. */
  readonly isComplete: boolean;
  /** And no command could bring in anything more. */
  readonly isHermetic: boolean;
}

/**
 * Claims only what the preimages of the steps show: where a record is gone nothing is known of its step; what a cache mount
 * holds was put there by whatever used it before; a command with a network or an agent can fetch what nobody listed.
 */
export function claimsOf(steps: readonly StepFacts[]): BuildClaims {
  const isComplete = steps.every(({ preimage }) => preimage !== undefined && !hasMount(preimage, 'cache'));
  const isHermetic =
    isComplete &&
    steps.every(({ preimage }) => {
      if (preimage?.operation !== 'run') return true;
      return fieldsOf(preimage.definition)['network'] === 'none' && !hasMount(preimage, 'ssh');
    });
  return { isComplete, isHermetic };
}

function hasMount({ definition }: NonNullable<StepFacts['preimage']>, kind: string): boolean {
  const { mounts } = fieldsOf(definition);
  return Array.isArray(mounts) && mounts.some((mount) => fieldsOf(mount)['kind'] === kind);
}
