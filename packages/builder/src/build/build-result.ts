import type { StoredImage } from '@tsbuild/oci/node';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { Plan } from '../plan/plan.ts';
import type { Solution } from '../solver/solver.ts';
import type { Store } from '../store/store.ts';
import type { BuildResult } from './build-options.ts';

/** How many steps there were, and what the cache saved. */
export function countSteps(solution: Solution<Rootfs, LayerOutput>): BuildResult['steps'] {
  const results = [...solution.results.values()];
  return {
    total: results.length,
    cached: results.filter((result) => result.cached).length,
    saved: results.reduce((sum, { saved }) => sum + saved, 0),
  };
}

/** What each layer adds: those of the base first, which no step of this Dockerfile made. */
export async function layersOf(image: StoredImage, plan: Plan, store: Store): Promise<BuildResult['layers']> {
  const names = new Map(plan.stages.flatMap(({ steps }) => steps.map(({ id, name }) => [id, name] as const)));
  const made = plan.target.history.flatMap(({ step }) => (step === undefined ? [] : [names.get(step.id)]));
  const ofBase = image.layers.length - made.length;
  const sizes = await Promise.all(image.layers.map(({ digest }) => store.indexes.contentSize(digest)));
  return sizes.map((contentSize, i) => {
    const step = made[i - ofBase];
    return { size: contentSize, ...(step === undefined ? {} : { step }) };
  });
}
