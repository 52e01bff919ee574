import { BUILDER_TARGETS } from './builder-targets.ts';
import { OCI_TARGETS } from './oci-targets.ts';
import type { Target } from './target.ts';

/** Every parser that is fuzzed. */
export const TARGETS: readonly Target[] = [...OCI_TARGETS, ...BUILDER_TARGETS];

/** The target of this name. @throws RangeError */
export function findTarget(name: string): Target {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined)
    throw new RangeError(`there is no target ${name}: ${TARGETS.map((one) => one.name).join(', ')}`);
  return target;
}
