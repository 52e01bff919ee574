import { familiarName, parseReference } from '@tsbuild/oci';
import type { Dockerfile, Instruction } from '../dockerfile/instruction.ts';
import { EMPTY_ROOTFS } from '../ops/rootfs.ts';
import type { ResolvedImage } from '../source/source.ts';
import { lowerInstruction } from './lower.ts';
import { findNeededStages, type ImageResolver } from './needed-stages.ts';
import type { BuildVertex, Plan } from './plan.ts';
import { copyReference, type Reference } from './references.ts';
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
  for (const { stage, base, instructions } of needed) {
    const start = stageStart(stage, base, images, lowered);
    lowered.set(stage, lowerStage(stage, start, instructions, { declared, images, lowered, options }));
  }
  const stages = [...lowered.values()].map((state) => state.planned());
  const last = lowered.get(target);
  if (last === undefined) throw new TypeError('the target stage is always needed');
  return { target: last.planned(), stages };
}

function stageStart(
  stage: StageDeclaration,
  base: Reference,
  images: ReadonlyMap<string, ResolvedImage>,
  lowered: ReadonlyMap<StageDeclaration, StageState>,
): StageStart {
  const label = stageLabel(stage);
  if (base.kind === 'stage') {
    const parent = lowered.get(base.stage);
    if (parent === undefined) throw new TypeError('stages are lowered in order');
    return { label, base: parent.planned().base, from: parent.from, rootfs: parent.rootfs, parent };
  }
  const image = base.kind === 'image' ? images.get(base.name) : undefined;
  const from = image === undefined ? { name: 'scratch' } : { name: shownName(image.name), digest: image.digest };
  return { label, base: image?.config, from, rootfs: constant(image), parent: undefined };
}

/** As people write it in a FROM: `node:18`, not `docker.io/library/node:18`. */
function shownName(name: string): string {
  return /^(?:sha256:)?[0-9a-f]{12,64}$/.test(name) ? name : familiarName(parseReference(name));
}

function constant(image: ResolvedImage | undefined): BuildVertex {
  return { kind: 'constant', value: image === undefined ? EMPTY_ROOTFS : { layers: image.layers } };
}

function lowerStage(
  stage: StageDeclaration,
  start: StageStart,
  instructions: readonly Instruction[],
  known: {
    readonly declared: DeclaredStages;
    readonly images: ReadonlyMap<string, ResolvedImage>;
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
  const resolveFrom = (from: string, instruction: Instruction): BuildVertex => {
    const reference = copyReference(known.declared, stage, from, instruction);
    if (reference.kind === 'image') return constant(known.images.get(reference.name));
    const earlier = reference.kind === 'stage' ? known.lowered.get(reference.stage) : undefined;
    return earlier?.rootfs ?? constant(undefined);
  };
  // The triggers of the base are spent: they are among the instructions.
  const { OnBuild: _spent, ...config } = state.config;
  state.config = config;
  for (const instruction of instructions) lowerInstruction(state, instruction, resolveFrom);
  return state;
}
