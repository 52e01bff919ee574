import type { BuildStep, BuildVertex } from '../../plan/plan.ts';

/** The steps of a graph by their ids. */
export type StepVertices = ReadonlyMap<string, BuildStep>;

/** All that these are made by. */
export function stepVertices(roots: readonly BuildVertex[]): StepVertices {
  const found = new Map<string, BuildStep>();
  const left = [...roots];
  for (let vertex = left.pop(); vertex !== undefined; vertex = left.pop()) {
    if (vertex.kind !== 'step' || found.has(vertex.id)) continue;
    found.set(vertex.id, vertex);
    left.push(...vertex.inputs);
  }
  return found;
}
