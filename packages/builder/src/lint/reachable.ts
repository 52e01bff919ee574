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
  found.add(target);
  // The set grows while it is walked.
  for (const stage of found) {
    const base = findStageByName(stages, nameOf(stage), stage.index);
    if (base !== undefined) found.add(base);
    for (const from of stage.instructions.flatMap(tryFroms)) {
      const named = findStageByName(stages, from, stage.index);
      const numbered = /^\d+$/.test(from) && Number(from) < stage.index ? stages[Number(from)] : undefined;
      const source = named ?? numbered;
      if (source !== undefined) found.add(source);
    }
  }
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
