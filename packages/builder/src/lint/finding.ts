import type { Instruction } from '../dockerfile/instruction.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';
import type { RuleName } from './rules.ts';

/** A check that fired. */
export interface Finding {
  readonly rule: RuleName;
  /** What is wrong here, one sentence. */
  readonly message: string;
  readonly range: SourceRange;
  /** The file of the image that it is about, where that is a single one. */
  readonly path?: string;
  /** The instructions whose comments may silence it. */
  readonly instructions: readonly Instruction[];
}

/** Takes findings; the range is the instruction's unless another one is given. */
export type Report = (rule: RuleName, instruction: Instruction, message: string, other?: Partial<Finding>) => void;

/** A list that a {@link Report} fills. */
export function collectFindings(): { readonly findings: readonly Finding[]; readonly report: Report } {
  const findings: Finding[] = [];
  const report: Report = (rule, instruction, message, other) => {
    findings.push({ rule, message, range: instruction.range, instructions: [instruction], ...other });
  };
  return { findings, report };
}
