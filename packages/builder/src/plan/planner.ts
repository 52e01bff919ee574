import { familiarName, parseReference, type Platform } from '@tsbuild/oci';
import type { Dockerfile, Instruction } from '../dockerfile/instruction.ts';
import { EMPTY_ROOTFS } from '../ops/rootfs.ts';
import type { FilesFrom } from './from-resolver.ts';
import { contextStep } from './lower-named.ts';
import { lowerInstruction } from './lower.ts';
import { findNeededStages, imageKey, type ImageResolver, type ResolvedImages } from './needed-stages.ts';
import type { BuildVertex, Plan } from './plan.ts';
import { copyReference, type Reference } from './references.ts';
import { isNamedFiles, type NamedFiles, type ResolvedBase } from './resolved-base.ts';
import { type LoweringContext, type StageStart, StageState } from './stage-state.ts';
import { type DeclaredStages, declareStages, type StageDeclaration, stageLabel, targetStage } from './stages.ts';

/** What planning needs besides the parsed Dockerfile. */
export interface PlanOptions {
  readonly target: string | undefined;
  /** Stages (names, in any case) whose steps are executed whatever the cache holds. */
  readonly noCacheFilter?: readonly string[];
  readonly lowering: LoweringContext;
  readonly resolveImage: ImageResolver;
}

/**
 * Turns a Dockerfile into the graph of its target: finds the stages that are needed, resolves their bases (all at once),
 * and folds the instructions of each stage.
 */
export async function planBuild(dockerfile: Dockerfile, options: PlanOptions): Promise<Plan> {
  const declared = declareStages(dockerfile);
  const target = targetStage(declared.stages, options.target);
  const { stages: needed, images } = await findNeededStages(declared, target, options.lowering, options.resolveImage);
  const lowered = new Map<StageDeclaration, StageState>();
  for (const { stage, base, platform, instructions } of needed) {
    const start = stageStart(stage, base, platform, images, lowered);
    lowered.set(stage, lowerStage(stage, start, base, instructions, { declared, images, lowered, options }));
  }
  const stages = [...lowered.values()].map((state) => state.planned());
  const last = lowered.get(target);
  if (last === undefined) throw new TypeError('the target stage is always needed');
  return { target: last.planned(), stages };
}

function stageStart(
  stage: StageDeclaration,
  base: Reference,
  platform: Platform,
  images: ResolvedImages,
  lowered: ReadonlyMap<StageDeclaration, StageState>,
): StageStart {
  const label = stageLabel(stage);
  if (base.kind === 'stage') {
    const parent = lowered.get(base.stage);
    if (parent === undefined) throw new TypeError('stages are lowered in order');
    return { label, platform, base: parent.planned().base, from: parent.from, rootfs: parent.rootfs, parent };
  }
  const image = base.kind === 'image' ? images.get(imageKey(base)) : undefined;
  const config = image === undefined || isNamedFiles(image) ? undefined : image.config;
  return { label, platform, base: config, from: originOf(image), rootfs: constant(image), parent: undefined };
}

function originOf(image: ResolvedBase | undefined): StageStart['from'] {
  if (image === undefined || isNamedFiles(image)) return { name: 'scratch' };
  return { name: shownName(image.name), digest: image.digest };
}

/** As people write it in a FROM: `node:18`, not `docker.io/library/node:18`. */
function shownName(name: string): string {
  try {
    return /^(?:sha256:)?[0-9a-f]{12,64}$/.test(name) ? name : familiarName(parseReference(name));
  } catch {
    return name;
  }
}

function constant(image: ResolvedBase | undefined): BuildVertex {
  const isEmpty = image === undefined || isNamedFiles(image);
  return { kind: 'constant', value: isEmpty ? EMPTY_ROOTFS : { layers: image.layers } };
}

/** A stage on a named context that is files begins with a layer of them. */
function startFromFiles(state: StageState, stage: StageDeclaration, base: NamedFiles): void {
  if (base.tree === undefined) return;
  const step = contextStep(state.nextStepId(), base.tree, stage.from.range, state.context);
  state.recordStep(step, stage.from, {
    createdBy: `FROM ${base.name} # the files of a named context`,
    name: `FROM ${base.name}`,
  });
}

function lowerStage(
  stage: StageDeclaration,
  start: StageStart,
  base: Reference,
  instructions: readonly Instruction[],
  known: {
    readonly declared: DeclaredStages;
    readonly images: ResolvedImages;
    readonly lowered: ReadonlyMap<StageDeclaration, StageState>;
    readonly options: PlanOptions;
  },
): StageState {
  const { lowering, noCacheFilter = [] } = known.options;
  const names = [start.label, String(stage.index)];
  const filtered = noCacheFilter.some((name) => names.includes(name.toLowerCase()));
  const state = new StageState(
    start,
    filtered && !lowering.ignoreCache
      ? { ...lowering, ignoreCache: true, ignoredBy: `--no-cache-filter ${start.label}` }
      : lowering,
  );
  const files = base.kind === 'image' ? known.images.get(imageKey(base)) : undefined;
  if (files !== undefined && isNamedFiles(files)) startFromFiles(state, stage, files);
  const resolveFrom = (from: string, instruction: Instruction): FilesFrom => {
    const reference = copyReference(known.declared, stage, from, instruction, lowering);
    const image = reference.kind === 'image' ? known.images.get(imageKey(reference)) : undefined;
    if (image !== undefined && isNamedFiles(image) && image.tree !== undefined) {
      return { kind: 'context', tree: image.tree };
    }
    const earlier = reference.kind === 'stage' ? known.lowered.get(reference.stage) : undefined;
    return { kind: 'stage', rootfs: earlier?.rootfs ?? constant(image) };
  };
  // The triggers of the base are spent: they are among the instructions.
  const { OnBuild: _spent, ...config } = state.config;
  state.config = config;
  for (const instruction of instructions) lowerInstruction(state, instruction, resolveFrom);
  return state;
}
