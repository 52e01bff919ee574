import { formatPlatform, type Platform } from '@tsbuild/oci';
import type { PlanReady } from '../../progress/event.ts';
import type { NamedStep, Plan, PlannedStage, PlannedTarget } from '../plan.ts';

/** What is to be done for one platform. */
export interface PlatformPlan extends Plan {
  /** What was asked for, and what the image says of itself when the build has several. */
  readonly platform: Platform;
}

/** A step of a build as people count them. */
export interface ListedStep extends NamedStep {
  /** The stage's name, or `stage-N`. */
  readonly stage: string;
  /** 1 … total within the stage. */
  readonly index: number;
  readonly total: number;
  /** In a build for several platforms: the only one that needs the step. */
  readonly platform?: string;
  /** What the step's stage runs on, where that is another one: it cross-compiles. */
  readonly on?: string;
}

/** A stage as one platform has it. */
interface StageOfPlatform {
  readonly stage: PlannedStage;
  readonly of: Platform;
}

/**
 * What is to be done: a graph for each platform, one after the other as they were asked for. Where two need the same, their
 * graphs share the vertex.
 */
export class BuildPlan {
  readonly platforms: readonly PlatformPlan[];
  /** Every step once, in Dockerfile order, those of one stage by platform: their numbers in progress. */
  readonly steps: readonly ListedStep[];

  /** @param platforms at least one */
  constructor(platforms: readonly PlatformPlan[]) {
    this.platforms = platforms;
    this.steps = listedSteps(platforms);
  }

  get isForSeveral(): boolean {
    return this.platforms.length > 1;
  }

  /** What the solver is to compute, one for each platform. */
  get roots(): readonly PlannedTarget['rootfs'][] {
    return this.platforms.map(({ target }) => target.rootfs);
  }

  /** What progress is told: every step that will be looked at, with its place in its stage. */
  ready(): PlanReady {
    const steps = this.steps.map(({ id, stage, index, total, name, platform, on }) => ({
      id,
      stage,
      index,
      total,
      name,
      ...(platform === undefined ? {} : { platform }),
      ...(on === undefined ? {} : { on }),
    }));
    return { type: 'plan-ready', steps };
  }

  /** The stages as each platform has them, in Dockerfile order. */
  stages(): readonly StageOfPlatform[] {
    return stagesOf(this.platforms);
  }
}

function stagesOf(platforms: readonly PlatformPlan[]): readonly StageOfPlatform[] {
  const all = platforms.flatMap(({ platform, stages }) => stages.map((stage) => ({ stage, of: platform })));
  return all.toSorted((a, b) => a.stage.index - b.stage.index);
}

function listedSteps(platforms: readonly PlatformPlan[]): readonly ListedStep[] {
  const stages = stagesOf(platforms);
  const users = new Map<string, number>();
  for (const { stage } of stages) for (const { id } of stage.steps) users.set(id, (users.get(id) ?? 0) + 1);
  const seen = new Set<string>();
  const listed: ListedStep[] = [];
  for (const { stage, of } of stages) {
    const total = stage.steps.length;
    for (const [i, step] of stage.steps.entries()) {
      if (platforms.length > 1 && seen.has(step.id)) continue;
      seen.add(step.id);
      const isOnly = platforms.length > 1 && users.get(step.id) === 1;
      listed.push({
        ...step,
        stage: stage.label,
        index: i + 1,
        total,
        ...(isOnly ? wayOf(of, stage.platform) : {}),
      });
    }
  }
  return listed;
}

function wayOf(target: Platform, own: Platform): Pick<ListedStep, 'platform' | 'on'> {
  const [platform, on] = [formatPlatform(target), formatPlatform(own)];
  return { platform, ...(on === platform ? {} : { on }) };
}
