import type { Platform } from '@tsbuild/oci';
import type { RecordedStep } from '../../explain/build-record.ts';
import type { PlannedStage } from '../../plan/plan.ts';
import type { BuildPlan, PlatformPlan } from '../../plan/platforms/build-plan.ts';
import type { StageDeclaration } from '../../plan/stages.ts';

/** Less is not worth a word. Milliseconds. */
export const LEAST_TIME = 1000;

/** A build for several platforms that is done: what its checks look at. */
export interface MeasuredBuild {
  readonly plan: BuildPlan;
  /** The stages of the Dockerfile. */
  readonly declared: readonly StageDeclaration[];
  /** What became of a step. */
  step(id: string): RecordedStep | undefined;
  /** Whether commands of a platform are emulated here. */
  isEmulated(platform: Platform): boolean;
  /** Whether these steps have made the same files, whenever they did. */
  haveSameFiles(ids: readonly string[]): Promise<boolean>;
}

/** A stage as one of the platforms has it. */
export function stageAt({ stages }: PlatformPlan, index: number): PlannedStage | undefined {
  return stages.find((stage) => stage.index === index);
}

/** The same stage as each platform has it; undefined where one does without it. */
export function stageOfEach({ platforms }: BuildPlan, index: number): readonly PlannedStage[] | undefined {
  const stages = platforms.flatMap((of) => stageAt(of, index) ?? []);
  return stages.length === platforms.length ? stages : undefined;
}

/** How long this build executed a step; 0 for one of the cache. */
export function timeOf(build: MeasuredBuild, id: string): number {
  const step = build.step(id);
  return step?.state === 'run' ? (step.milliseconds ?? 0) : 0;
}

/** Whether a COPY has copied the same for each platform: its key is the listing of what it writes, without times. */
export function isSameCopy(build: MeasuredBuild, stages: readonly PlannedStage[], at: number): boolean {
  const [first, ...others] = stages.map(({ steps }) => steps[at]);
  if (first?.operation !== 'copy') return false;
  const key = build.step(first.id)?.key;
  return key !== undefined && others.every((other) => other !== undefined && build.step(other.id)?.key === key);
}
