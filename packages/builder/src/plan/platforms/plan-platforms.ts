import { formatPlatform } from '@tsbuild/oci';
import { forPlatform } from '../../diagnostics/build-error.ts';
import type { Dockerfile } from '../../dockerfile/instruction.ts';
import { findStages, type FoundStages, planBuild, type PlanOptions } from '../planner.ts';
import { BuildPlan, type PlatformPlan } from './build-plan.ts';
import { SharedSteps } from './shared-steps.ts';

/**
 * Plans a Dockerfile for each platform of `options` (their `lowering.platform`). What they need is found out at once for all
 * of them; then they are lowered one after the other, so that which of them a shared step belongs to does not depend on time.
 * @throws BuildError of the first platform that has one, which it names where there are several
 */
export async function planPlatforms(dockerfile: Dockerfile, options: readonly PlanOptions[]): Promise<BuildPlan> {
  const [only] = options;
  if (only !== undefined && options.length === 1) {
    return new BuildPlan([{ ...(await planBuild(dockerfile, only)), platform: only.lowering.platform }]);
  }
  const shared = new SharedSteps();
  const searches = await Promise.allSettled(options.map((each, i) => findStages(dockerfile, sharing(each, i, shared))));
  const plans: PlatformPlan[] = [];
  for (const [i, { lowering }] of options.entries()) {
    try {
      plans.push({ ...(await found(searches[i]).lower()), platform: lowering.platform });
    } catch (error) {
      throw forPlatform(error, formatPlatform(lowering.platform));
    }
  }
  return new BuildPlan(plans);
}

function sharing(options: PlanOptions, at: number, shared: SharedSteps): PlanOptions {
  const { lowering } = options;
  const suffix = at === 0 ? undefined : formatPlatform(lowering.platform);
  return { ...options, lowering: { ...lowering, shared: shared.maker(suffix) } };
}

function found(search: PromiseSettledResult<FoundStages> | undefined): FoundStages {
  if (search?.status === 'fulfilled') return search.value;
  throw search?.reason;
}
