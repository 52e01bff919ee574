import type { LayerIndex } from '@tsbuild/oci/node';
import type { Digest } from '@tsbuild/oci';
import type { LayerOutput } from '../ops/rootfs.ts';
import type { BuildVertex, Plan } from '../plan/plan.ts';
import type { StepResult } from '../solver/vertex.ts';
import { differentFiles } from './different-files.ts';
import type { DifferentStep } from '../progress/verification.ts';

/** How the steps of a plan ended, by id. */
type Results = ReadonlyMap<string, StepResult<LayerOutput>>;

/**
 * The steps whose layers differ, with the files, in Dockerfile order. `indexOf` reads the index of a layer.
 * @param numbers those of the steps, by id; by default in their order
 */
export async function differentSteps(
  plan: Plan,
  [first, second]: readonly [Results, Results],
  indexOf: (layer: Digest) => Promise<LayerIndex>,
  numbers?: ReadonlyMap<string, number>,
): Promise<readonly DifferentStep[]> {
  const inputs = inputsOf(plan);
  const own = new Set(plan.target.history.map(({ step }) => step?.id));
  const found: DifferentStep[] = [];
  let count = 0;
  for (const stage of plan.stages) {
    for (const { id, name, range } of stage.steps) {
      count++;
      const layers = [first, second].map((results) => results.get(id)?.output.layer.digest);
      const [before, after] = layers;
      if (before === undefined || after === undefined || before === after) continue;
      const seen = inputs.get(id) ?? new Set();
      const follows = found.filter((earlier) => seen.has(earlier.id)).map((earlier) => earlier.id);
      const files = differentFiles(await indexOf(before), await indexOf(after));
      const number = numbers?.get(id) ?? count;
      found.push({ id, number, name, stage: stage.label, range, inImage: own.has(id), follows, ...files });
    }
  }
  return found;
}

/** For each step all steps below it, whose results it may have seen. */
function inputsOf(plan: Plan): ReadonlyMap<string, ReadonlySet<string>> {
  const known = new Map<BuildVertex, ReadonlySet<string>>();
  const below = (vertex: BuildVertex): ReadonlySet<string> => {
    const found = known.get(vertex);
    if (found !== undefined) return found;
    const ids = new Set<string>();
    if (vertex.kind === 'step') {
      for (const input of vertex.inputs) {
        for (const id of below(input)) ids.add(id);
        if (input.kind === 'step') ids.add(input.id);
      }
    }
    known.set(vertex, ids);
    return ids;
  };
  const byStep = new Map<string, ReadonlySet<string>>();
  const waiting: BuildVertex[] = [plan.target.rootfs];
  for (let vertex = waiting.pop(); vertex !== undefined; vertex = waiting.pop()) {
    if (vertex.kind !== 'step' || byStep.has(vertex.id)) continue;
    byStep.set(vertex.id, below(vertex));
    waiting.push(...vertex.inputs);
  }
  return byStep;
}
