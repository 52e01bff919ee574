import type { StageDeclaration } from '../plan/stages.ts';
import { findStageByName } from '../plan/stages.ts';
import { fromsOf } from '../plan/references.ts';
import type { Instruction } from '../dockerfile/instruction.ts';

/** The stages that a target refers to, itself included, in the order of the file. `nameOf` expands what FROM says. */
export function reachableStages(
  stages: readonly StageDeclaration[],
  target: StageDeclaration,
  nameOf: (stage: StageDeclaration) => string,
): readonly StageDeclaration[] {
  const found = new Set<StageDeclaration>();
  const visit = (stage: StageDeclaration): void => {
    if (found.has(stage)) return;
    found.add(stage);
    const base = findStageByName(stages, nameOf(stage), stage.index);
    if (base !== undefined) visit(base);
    for (const from of stage.instructions.flatMap(tryFroms)) {
      const named = findStageByName(stages, from, stage.index);
      const numbered = /^\d+$/.test(from) && Number(from) < stage.index ? stages[Number(from)] : undefined;
      const source = named ?? numbered;
      if (source !== undefined) visit(source);
    }
  };
  visit(target);
  return stages.filter((stage) => found.has(stage));
}

/** None for a mount that cannot be read; the build will tell. */
function tryFroms(instruction: Instruction): readonly string[] {
  try {
    return fromsOf(instruction);
  } catch {
    return [];
  }
}
