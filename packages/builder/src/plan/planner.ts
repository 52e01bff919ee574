import { familiarName, parseReference, type Platform } from '@tsbuild/oci';
import type { Dockerfile, Instruction } from '../dockerfile/instruction.ts';
import { EMPTY_ROOTFS } from '../ops/rootfs.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { atRange } from './at-range.ts';
import { Breather } from './breather.ts';
import type { FilesFrom } from './from-resolver.ts';
import { contextStep } from './lower-named.ts';
import { lowerInstruction } from './lower.ts';
import { imageKey, type ImageResolver, type NeededStages, type ResolvedImages, StageSearch } from './needed-stages.ts';
import type { BuildVertex, Plan } from './plan.ts';
import { copyReference, type ResolvedName } from './references.ts';
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
  readonly signal: AbortSignal;
}

/**
 * Turns a Dockerfile into the graph of its target: finds the stages that are needed, resolves their bases (all at once),
 * and folds the instructions of each stage.
 */
export async function planBuild(dockerfile: Dockerfile, options: PlanOptions): Promise<Plan> {
  return (await findStages(dockerfile, options)).lower();
}

/** The stages that a target needs, with everything that was to be found out: what is left is to fold their instructions. */
export interface FoundStages {
  lower(): Promise<Plan>;
}

/** The first half of {@link planBuild}, which waits for registries. */
export async function findStages(dockerfile: Dockerfile, options: PlanOptions): Promise<FoundStages> {
  const declared = declareStages(dockerfile);
  const target = targetStage(declared.stages, options.target);
  const search = new StageSearch(declared, options);
  search.visit(target);
  const needed = await search.result();
  return {
    lower: async () => {
      const lowered = await lowerStages(declared, needed, options);
      const stages = [...lowered.values()].map((state) => state.planned());
      const last = lowered.get(target);
      if (last === undefined) throw new TypeError('the target stage is always needed');
      refuseForeign(target, last.platform, options.lowering.platform);
      return { target: last.plannedTarget(), stages };
    },
  };
}

/**
 * Plans every stage (with a target: what it needs) in one pass, for the errors alone: what fails here fails a build. Stages
 * on images that cannot be found, by an error that `tolerates` takes, are left out: nothing is known of them.
 * @throws BuildError the first in the order of the file
 */
export async function checkPlan(
  dockerfile: Dockerfile,
  options: PlanOptions & { readonly tolerates: (error: unknown) => boolean },
): Promise<void> {
  const declared = declareStages(dockerfile);
  const search = new StageSearch(declared, options);
  const failure = search.visitAll(
    options.target === undefined ? declared.stages : [targetStage(declared.stages, options.target)],
  );
  const needed = await search.result();
  const lowered = await lowerStages(declared, needed, options);
  if (failure !== undefined) throw failure.error;
  const target = targetStage(declared.stages, options.target);
  const last = lowered.get(target);
  if (last !== undefined) refuseForeign(target, last.platform, options.lowering.platform);
}

async function lowerStages(
  declared: DeclaredStages,
  { stages, images }: NeededStages,
  options: PlanOptions,
): Promise<ReadonlyMap<StageDeclaration, StageState>> {
  const lowered = new Map<StageDeclaration, StageState>();
  const breather = new Breather(options.signal);
  for (const { stage, base, platform, instructions } of stages) {
    const isKnown =
      base.kind === 'image' ? images.has(imageKey(base)) : base.kind !== 'stage' || lowered.has(base.stage);
    if (!isKnown) continue;
    const start = stageStart(stage, base, platform, images, lowered);
    const known = { declared, images, lowered, options };
    lowered.set(stage, await lowerStage(stage, start, base, instructions, known, breather));
  }
  return lowered;
}

/** Files can be taken out of images for any system, but an image is made for this one's. */
function refuseForeign({ from }: StageDeclaration, { os }: Platform, own: Platform): void {
  if (os === own.os) return;
  throw new BuildError(
    'NOT_SUPPORTED',
    `FROM --platform=${from.platform ?? os}: only images for ${own.os} can be built`,
    {
      range: from.range,
      hint: 'a later stage can copy files from this one',
    },
  );
}

function stageStart(
  stage: StageDeclaration,
  base: ResolvedName,
  platform: Platform,
  images: ResolvedImages,
  lowered: ReadonlyMap<StageDeclaration, StageState>,
): StageStart {
  const label = stageLabel(stage);
  const { index } = stage;
  if (base.kind === 'stage') {
    const parent = lowered.get(base.stage);
    if (parent === undefined) throw new TypeError('stages are lowered in order');
    return { label, index, platform, base: parent.base, from: parent.from, rootfs: parent.rootfs, parent };
  }
  const image = base.kind === 'image' ? images.get(imageKey(base)) : undefined;
  const config = image === undefined || isNamedFiles(image) ? undefined : image.config;
  return { label, index, platform, base: config, from: originOf(image), rootfs: constant(image), parent: undefined };
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
  if (image === undefined || isNamedFiles(image)) return { kind: 'constant', value: EMPTY_ROOTFS };
  return { kind: 'constant', value: { layers: image.layers }, image: originOf(image) };
}

/** A stage on a named context that is files begins with a layer of them. */
function startFromFiles(state: StageState, stage: StageDeclaration, base: NamedFiles): void {
  if (base.tree === undefined) return;
  const step = contextStep({ tree: base.tree, name: base.name }, stage.from.range, state.context);
  state.recordStep(step, stage.from, {
    createdBy: `FROM ${base.name} # the files of a named context`,
    name: `FROM ${base.name}`,
  });
}

async function lowerStage(
  stage: StageDeclaration,
  start: StageStart,
  base: ResolvedName,
  instructions: readonly Instruction[],
  known: {
    readonly declared: DeclaredStages;
    readonly images: ResolvedImages;
    readonly lowered: ReadonlyMap<StageDeclaration, StageState>;
    readonly options: PlanOptions;
  },
  breather: Breather,
): Promise<StageState> {
  const { lowering, noCacheFilter = [] } = known.options;
  const names = [start.label, String(stage.index)];
  const filtered = noCacheFilter.some((name) => names.includes(name.toLowerCase()));
  const context =
    filtered && !lowering.ignoreCache
      ? { ...lowering, ignoreCache: true, ignoredBy: `--no-cache-filter ${start.label}` }
      : lowering;
  const state = atRange(stage.from.range, () => new StageState(start, context));
  const files = base.kind === 'image' ? known.images.get(imageKey(base)) : undefined;
  if (files !== undefined && isNamedFiles(files)) startFromFiles(state, stage, files);
  const resolveFrom = (from: string, instruction: Instruction): FilesFrom => {
    const reference = copyReference(known.declared, stage, from, instruction, lowering);
    const image = reference.kind === 'image' ? known.images.get(imageKey(reference)) : undefined;
    if (image !== undefined && isNamedFiles(image) && image.tree !== undefined) {
      return { kind: 'context', tree: image.tree, name: image.name };
    }
    const earlier = reference.kind === 'stage' ? known.lowered.get(reference.stage) : undefined;
    return { kind: 'stage', rootfs: earlier?.rootfs ?? constant(image) };
  };
  // The triggers of the base are spent: they are among the instructions.
  state.tables.dropTriggers();
  for (const instruction of instructions) {
    lowerInstruction(state, instruction, resolveFrom);
    await breather.breathe();
  }
  return state;
}
