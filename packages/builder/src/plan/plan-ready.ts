import type { PlanReady } from '../progress/event.ts';
import type { Plan } from './plan.ts';

/** What progress is told of a plan: every step that will be looked at, with its place in its stage. */
export function planReady(plan: Plan): PlanReady {
  return {
    type: 'plan-ready',
    steps: plan.stages.flatMap((stage) =>
      stage.steps.map(({ id, name }, index) => ({
        id,
        stage: stage.label,
        index: index + 1,
        total: stage.steps.length,
        name,
      })),
    ),
  };
}
