import type { Dockerfile, Instruction } from '../dockerfile/instruction.ts';
import type { DeclaredStages } from '../plan/stages.ts';
import type { Report } from './finding.ts';

/** Checks of how the file is written, instruction by instruction. */
export function checkSpelling({ instructions }: Dockerfile, report: Report): void {
  for (const instruction of instructions) {
    if (instruction.notes.emptyContinuation) {
      const { line, column } = instruction.range.end;
      const range = { start: { line, column: 0 }, end: { line, column } };
      report('NoEmptyContinuation', instruction, 'Empty continuation line', { range });
    }
    if (instruction.kind === 'maintainer') {
      const message = 'Maintainer instruction is deprecated in favor of using label';
      report('MaintainerDeprecated', instruction, message);
    }
  }
}

/** All keywords in one case, the one that most have. ARGs before the first FROM are left out, as in BuildKit. */
export function checkKeywordCasing({ stages }: DeclaredStages, report: Report): void {
  const instructions = stages.flatMap((stage): Instruction[] => [stage.from, ...stage.instructions]);
  const lower = instructions.filter(({ keyword }) => keyword === keyword.toLowerCase()).length;
  const upper = instructions.filter(({ keyword }) => keyword === keyword.toUpperCase()).length;
  const [casing, convert] =
    lower > upper
      ? (['lowercase', (keyword: string) => keyword.toLowerCase()] as const)
      : (['uppercase', (keyword: string) => keyword.toUpperCase()] as const);
  for (const instruction of instructions) {
    const { keyword } = instruction;
    if (keyword === convert(keyword)) continue;
    const message = `Command '${keyword}' should match the case of the command majority (${casing})`;
    report('ConsistentInstructionCasing', instruction, message);
  }
}
