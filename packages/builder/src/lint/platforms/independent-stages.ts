import { formatPlatform } from '@tsbuild/oci';
import type { BuildVertex, PlannedStage } from '../../plan/plan.ts';
import type { PlatformPlan } from '../../plan/platforms/build-plan.ts';
import { type StageDeclaration, stageLabel } from '../../plan/stages.ts';
import { durationText } from '../duration-text.ts';
import type { Report } from '../finding.ts';
import { isSameCopy, LEAST_TIME, type MeasuredBuild, stageAt, stageOfEach, timeOf } from './measured-build.ts';
import type { StepVertices } from './step-vertices.ts';

/**
 * Stages that ran emulated for nothing: all that the image takes of them are copies, and those were the same for every
 * platform. This build has shown it, on processors of two kinds at least; nothing is guessed from what a command is called.
 */
export function checkIndependentStages(build: MeasuredBuild, vertices: StepVertices, report: Report): void {
  const told = new Set<number>();
  for (const { index } of build.declared) {
    if (told.has(index)) continue;
    const group = new StageGroup(build, vertices, index);
    if (!group.isIndependent()) continue;
    const time = group.emulatedTime();
    if (time < LEAST_TIME) continue;
    for (const stage of group.stages) told.add(stage);
    tell(build, group, time, report);
  }
}

/** A stage, with those based on it and those that it needs for the same platform as itself. */
class StageGroup {
  readonly #build: MeasuredBuild;
  readonly #vertices: StepVertices;
  readonly stages: Set<number>;

  constructor(build: MeasuredBuild, vertices: StepVertices, root: number) {
    this.#build = build;
    this.#vertices = vertices;
    this.stages = new Set(this.#family(root));
  }

  /** Whether it can be for any platform; may make it larger. */
  isIndependent(): boolean {
    const { plan } = this.#build;
    if (!this.#runsOnSeveral() || !this.#takesWhatItNeeds()) return false;
    return plan.platforms.every(({ target }) => !this.stages.has(target.index)) && this.#givesTheSame();
  }

  /** What its emulated commands took in this build. */
  emulatedTime(): number {
    const build = this.#build;
    const ids = build.plan.platforms.flatMap(({ stages }) =>
      stages
        .filter(({ index, platform }) => this.stages.has(index) && build.isEmulated(platform))
        .flatMap(({ steps }) => steps.filter(({ operation }) => operation === 'run').map(({ id }) => id)),
    );
    return [...new Set(ids)].reduce((sum, id) => sum + timeOf(build, id), 0);
  }

  /** Two variants of one processor may well have the same programs. */
  #runsOnSeveral(): boolean {
    return [...this.stages].every((index) => {
      const stages = stageOfEach(this.#build.plan, index) ?? [];
      return new Set(stages.map(({ platform }) => platform.architecture)).size > 1;
    });
  }

  /** Adds the stages whose files it takes, where these are not the same for all. False where that is no stage. */
  #takesWhatItNeeds(): boolean {
    for (const index of this.stages) {
      const stages = stageOfEach(this.#build.plan, index) ?? [];
      for (const [i, plan] of this.#build.plan.platforms.entries()) {
        for (const [at, { id }] of (stages[i]?.steps ?? []).entries()) {
          if (isSameCopy(this.#build, stages, at)) continue;
          for (const [k, input] of this.#inputsOf(id).entries()) {
            const isOne = stages.every(({ steps }) => this.#inputsOf(steps[at]?.id)[k] === input);
            if (k === 0 || isOne) continue;
            const from = plan.stages.find(({ rootfs }) => rootfs === input);
            if (from === undefined) return false;
            // A set is walked with what is added on the way.
            for (const member of this.#family(from.index)) this.stages.add(member);
          }
        }
      }
    }
    return this.#runsOnSeveral();
  }

  /** Whether others take something of it, by COPY alone, and always the same. */
  #givesTheSame(): boolean {
    const { plan, declared } = this.#build;
    const own = new Set(plan.platforms.flatMap((of) => this.#filesOf(of)));
    let isTaken = false;
    for (const { index } of declared) {
      if (this.stages.has(index)) continue;
      const all = plan.platforms.flatMap((of) => stageAt(of, index) ?? []);
      const most = Math.max(0, ...all.map(({ steps }) => steps.length));
      for (let at = 0; at < most; at++) {
        const takes = all.some(({ steps }) => this.#inputsOf(steps[at]?.id).some((input) => own.has(input)));
        if (!takes) continue;
        if (all.length < plan.platforms.length || !isSameCopy(this.#build, all, at)) return false;
        isTaken = true;
      }
    }
    return isTaken;
  }

  #inputsOf(id: string | undefined): readonly BuildVertex[] {
    return this.#vertices.get(id ?? '')?.inputs ?? [];
  }

  #filesOf({ stages }: PlatformPlan): readonly BuildVertex[] {
    return stages.filter(({ index }) => this.stages.has(index)).map(({ rootfs }) => rootfs);
  }

  /** A stage and all that start from it, on any platform. */
  #family(root: number): ReadonlySet<number> {
    const family = new Set([root]);
    for (const { stages } of this.#build.plan.platforms) {
      for (const { index, parent } of stages) if (parent !== undefined && family.has(parent)) family.add(index);
    }
    return family;
  }
}

function tell({ plan, declared }: MeasuredBuild, { stages }: StageGroup, time: number, report: Report): void {
  const members = declared.filter(({ index }) => stages.has(index));
  const parentOf = ({ index }: StageDeclaration): number | undefined => firstOf(plan.platforms, index)?.parent;
  const roots = members.filter((stage) => !stages.has(parentOf(stage) ?? -1));
  const [first] = roots;
  // Who names another image for each platform wants that one.
  if (first === undefined || roots.some(({ from }) => /\bTARGET/.test(from.image))) return;
  const names = members.map(stageLabel);
  const which = names.length === 1 ? `the stage ${names.join()}` : `the stages ${listed(names)}`;
  const platforms = listed(plan.platforms.map(({ platform }) => formatPlatform(platform)));
  const froms = listed(roots.map((root) => shownFrom(root, declared[parentOf(root) ?? -1])));
  const it = names.length === 1 ? 'it' : 'them';
  const message = `what is copied from ${which} is the same for ${platforms}, and emulated commands in ${it} took ${durationText(time)}: ${froms} would run ${it} once, without emulation`;
  report('IndependentStageEmulated', first.from, message, { instructions: roots.map(({ from }) => from) });
}

function shownFrom({ from, name }: StageDeclaration, parent: StageDeclaration | undefined): string {
  const as = name === undefined ? '' : ` AS ${name}`;
  // A stage on a stage has that one's platform, whatever its FROM says.
  const image = parent === undefined ? from.image : `(what ${stageLabel(parent)} starts from)`;
  return `FROM --platform=$BUILDPLATFORM ${image}${as}`;
}

function firstOf(platforms: readonly PlatformPlan[], index: number): PlannedStage | undefined {
  return platforms.flatMap((of) => stageAt(of, index) ?? [])[0];
}

function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
