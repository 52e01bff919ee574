import { suggestNear } from '../dockerfile/suggest.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { ArgInstruction, Dockerfile, FromInstruction, Instruction } from '../dockerfile/instruction.ts';

/** A FROM and what follows it, as written. */
export interface StageDeclaration {
  readonly index: number;
  /** Lower-cased, when the FROM has `AS name`. */
  readonly name: string | undefined;
  readonly from: FromInstruction;
  readonly instructions: readonly Instruction[];
}

/** A Dockerfile cut at its FROMs. */
export interface DeclaredStages {
  /** ARGs before the first FROM: visible to FROM, and as defaults to ARGs of the same name. */
  readonly globalArgs: readonly ArgInstruction[];
  readonly stages: readonly StageDeclaration[];
}

/** Cuts a parsed Dockerfile into stages. The parser guarantees that only ARG precedes the first FROM. */
export function declareStages(dockerfile: Dockerfile): DeclaredStages {
  const globalArgs: ArgInstruction[] = [];
  const stages: { from: FromInstruction; instructions: Instruction[] }[] = [];
  for (const instruction of dockerfile.instructions) {
    const current = stages.at(-1);
    if (instruction.kind === 'from') stages.push({ from: instruction, instructions: [] });
    else if (current !== undefined) current.instructions.push(instruction);
    else if (instruction.kind === 'arg') globalArgs.push(instruction);
  }
  return {
    globalArgs,
    stages: stages.map((stage, index) => ({ index, name: stage.from.alias, ...stage })),
  };
}

/** The names that stages were given. */
export function stageNames(stages: readonly StageDeclaration[]): readonly string[] {
  return stages.flatMap(({ name }) => name ?? []);
}

/** The name that people see: the stage's own, or `stage-N`. */
export function stageLabel(stage: StageDeclaration): string {
  return stage.name ?? `stage-${stage.index}`;
}

/** The latest stage before `before` with this name (names are case-insensitive; a later one shadows an earlier one). */
export function findStageByName(
  stages: readonly StageDeclaration[],
  name: string,
  before: number,
): StageDeclaration | undefined {
  const named = byName(stages).get(name.toLowerCase());
  return named?.findLast(({ index }) => index < before);
}

const indexes = new WeakMap<readonly StageDeclaration[], ReadonlyMap<string, readonly StageDeclaration[]>>();

/** The stages by name, made once for a file: it is asked for each FROM and each `--from`. */
function byName(stages: readonly StageDeclaration[]): ReadonlyMap<string, readonly StageDeclaration[]> {
  const known = indexes.get(stages);
  if (known !== undefined) return known;
  const index = new Map<string, StageDeclaration[]>();
  for (const stage of stages) {
    if (stage.name === undefined) continue;
    const named = index.get(stage.name);
    if (named === undefined) index.set(stage.name, [stage]);
    else named.push(stage);
  }
  indexes.set(stages, index);
  return index;
}

/**
 * The stage to build: the last one, or the one that `--target` names. A number names none, as with BuildKit.
 * @throws BuildError `STAGE_NOT_FOUND` naming the stages there are
 */
export function targetStage(stages: readonly StageDeclaration[], target: string | undefined): StageDeclaration {
  const found = target === undefined ? stages.at(-1) : findStageByName(stages, target, stages.length);
  if (found !== undefined) return found;
  const names = stages.map(stageLabel).join(', ');
  const suggestion = suggestNear(target ?? '', stageNames(stages));
  throw new BuildError(
    'STAGE_NOT_FOUND',
    `target stage ${JSON.stringify(target ?? '')} could not be found${suggestion}`,
    { hint: `the Dockerfile has these stages: ${names}` },
  );
}
