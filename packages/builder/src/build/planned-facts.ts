import { beginning } from '../explain/build-origins.ts';
import type { PlannedFacts } from '../explain/build-recorder.ts';
import { maskedText } from '../explain/mask.ts';
import type { BuildVertex } from '../plan/plan.ts';
import type { BuildPlan } from '../plan/platforms/build-plan.ts';

/** What a record tells of the steps beside what became of them, by their ids: where they stand, and what they need. */
export function plannedFacts(plan: BuildPlan): ReadonlyMap<string, PlannedFacts> {
  const numbers = new Map(plan.steps.map(({ id }, i) => [id, i + 1]));
  const inputs = inputsOf(plan);
  return new Map(
    plan.steps.map(({ id, operation, source, range }) => {
      const needed = [...(inputs.get(id) ?? [])].flatMap((input) => numbers.get(input) ?? []);
      const facts = {
        operation,
        source: beginning(maskedText(source)),
        line: range.start.line,
        endLine: range.end.line,
        inputs: needed.toSorted((a, b) => a - b),
      };
      return [id, facts] as const;
    }),
  );
}

/** The edges of the graph between steps, by their ids. */
function inputsOf(plan: BuildPlan): ReadonlyMap<string, ReadonlySet<string>> {
  const inputs = new Map<string, ReadonlySet<string>>();
  const waiting: BuildVertex[] = [...plan.roots, ...plan.stages().map(({ stage }) => stage.rootfs)];
  for (let vertex = waiting.pop(); vertex !== undefined; vertex = waiting.pop()) {
    if (vertex.kind === 'constant' || inputs.has(vertex.id)) continue;
    inputs.set(vertex.id, new Set(vertex.inputs.flatMap((input) => (input.kind === 'step' ? [input.id] : []))));
    waiting.push(...vertex.inputs);
  }
  return inputs;
}
