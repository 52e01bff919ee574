import type { FromInstruction } from '../dockerfile/instruction.ts';
import type { DeclaredStages } from '../plan/stages.ts';
import type { Report } from './finding.ts';

const RESERVED: ReadonlySet<string> = new Set(['context', 'scratch']);

/** Checks of `AS name`. */
export function checkStageNames({ stages }: DeclaredStages, report: Report): void {
  const seen = new Set<string>();
  for (const { from, name } of stages) {
    if (name === undefined) continue;
    checkCasing(from, report);
    if (RESERVED.has(name)) {
      const message = `Stage name should not use the same name as reserved stage ${JSON.stringify(name)}`;
      report('ReservedStageName', from, message);
    }
    if (seen.has(name)) {
      const message = `Duplicate stage name ${JSON.stringify(name)}, stage names should be unique`;
      report('DuplicateStageName', from, message);
    }
    seen.add(name);
  }
}

function checkCasing(from: FromInstruction, report: Report): void {
  // A FROM with a name ends in `image AS name`.
  const [as = '', name = ''] = from.text.split(/[\t\v\f\r ]+/).slice(-2);
  if (name !== name.toLowerCase()) {
    report('StageNameCasing', from, `Stage name '${name}' should be lowercase`);
  }
  const { keyword } = from;
  const isLower = keyword === keyword.toLowerCase();
  // A keyword of mixed case is a matter of its own.
  if (!isLower && keyword !== keyword.toUpperCase()) return;
  if (as !== (isLower ? as.toLowerCase() : as.toUpperCase())) {
    report('FromAsCasing', from, `'${as}' and '${keyword}' keywords' casing do not match`);
  }
}
