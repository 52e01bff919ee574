import type { Finding } from '../finding.ts';
import { collectFindings } from '../finding.ts';
import { checkEarlyArguments } from './early-arguments.ts';
import { checkIndependentStages } from './independent-stages.ts';
import type { MeasuredBuild } from './measured-build.ts';
import { stepVertices } from './step-vertices.ts';

/** What a build for several platforms did for each of them, and could have done once; in the order of the file. */
export async function platformFindings(build: MeasuredBuild): Promise<readonly Finding[]> {
  const { findings, report } = collectFindings();
  const vertices = stepVertices(build.plan.roots);
  checkIndependentStages(build, vertices, report);
  await checkEarlyArguments(build, vertices, report);
  return findings.toSorted((a, b) => a.range.start.line - b.range.start.line);
}
