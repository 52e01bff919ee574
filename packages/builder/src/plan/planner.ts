import { formatPlatform, type ImageConfig, normalizePlatform, parsePlatform, type Platform } from '@tsbuild/oci';
import type { Dockerfile, FromInstruction, Instruction } from '../dockerfile/instruction.ts';
import { parseTrigger } from '../dockerfile/parser.ts';
import type { SourceRange } from '../dockerfile/source-file.ts';
import { expandWord } from '../dockerfile/words.ts';
import { BuildError } from '../errors.ts';
import { EMPTY_ROOTFS } from '../ops/rootfs.ts';
import type { ResolvedImage } from '../source/source.ts';
import { atRange, withRange } from './at-range.ts';
import { mountFrom } from './run-mount-flag.ts';
import { lowerInstruction } from './lower.ts';
import type { BuildVertex, Plan } from './plan.ts';
import { type LoweringContext, type StageStart, StageState } from './stage-state.ts';
import {
  type DeclaredStages,
  declareStages,
  findStageByName,
  type StageDeclaration,
  stageLabel,
  targetStage,
} from './stages.ts';

/** What planning needs besides the parsed Dockerfile. */
export interface PlanOptions {
  readonly target: string | undefined;
  /** Stages (names, in any case) whose steps are executed whatever the cache holds. */
  readonly noCacheFilter?: readonly string[];
  readonly lowering: LoweringContext;
  /** Finds a base image; throws `BASE_NOT_FOUND` when nobody has it. */
  readonly resolveImage: (name: string) => Promise<ResolvedImage>;
}

/** What a name in FROM or `COPY --from` turned out to be. */
type Reference =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly stage: StageDeclaration }
  | { readonly kind: 'image'; readonly name: string; readonly range: SourceRange };

/**
 * Turns a Dockerfile into the graph of its target: finds the stages that are needed, resolves their bases (all at once),
 * and folds the instructions of each stage.
 */
export async function planBuild(dockerfile: Dockerfile, options: PlanOptions): Promise<Plan> {
  const declared = declareStages(dockerfile);
  const target = targetStage(declared.stages, options.target);
  const needed = neededStages(declared, target, options);
  const images = await resolveImages(needed, options);
  const lowered = new Map<StageDeclaration, StageState>();
  for (const { stage, base } of needed) {
    const start = stageStart(stage, base, images, lowered);
    lowered.set(stage, lowerStage(stage, start, { declared, images, lowered, options }));
  }
  const stages = [...lowered.values()].map((state) => state.planned());
  const last = lowered.get(target);
  if (last === undefined) throw new TypeError('the target stage is always needed');
  return { target: last.planned(), stages };
}

interface NeededStage {
  readonly stage: StageDeclaration;
  readonly base: Reference;
  readonly copies: readonly Reference[];
}

/** The target and what it refers to, directly or not, in Dockerfile order. Later stages cannot be referred to. */
function neededStages(declared: DeclaredStages, target: StageDeclaration, options: PlanOptions): NeededStage[] {
  const needed = new Map<StageDeclaration, NeededStage>();
  const visit = (stage: StageDeclaration): void => {
    if (needed.has(stage)) return;
    const base = baseReference(declared, stage, options);
    const copies = stage.instructions.flatMap((instruction) =>
      fromsOf(instruction).map((from) => copyReference(declared, stage, from, instruction)),
    );
    needed.set(stage, { stage, base, copies });
    for (const reference of [base, ...copies]) if (reference.kind === 'stage') visit(reference.stage);
  };
  visit(target);
  return [...needed.values()].toSorted((a, b) => a.stage.index - b.stage.index);
}

/** The names that an instruction takes files from. */
function fromsOf(instruction: Instruction): readonly string[] {
  if (instruction.kind === 'copy') return instruction.from === undefined ? [] : [instruction.from];
  if (instruction.kind !== 'run') return [];
  return atRange(instruction.range, () => instruction.mounts.flatMap((mount) => mountFrom(mount) ?? []));
}

function baseReference(declared: DeclaredStages, stage: StageDeclaration, options: PlanOptions): Reference {
  const { from } = stage;
  const { escape, globals } = options.lowering;
  checkPlatform(from, options.lowering);
  const name = atRange(from.range, () => expandWord(from.image, (key) => globals.get(key), { escape }));
  if (name === '') {
    throw new BuildError('DOCKERFILE_INVALID', `base name (${from.image}) should not be blank`, {
      range: from.range,
      hint: 'FROM sees only ARGs from before the first FROM, and --build-arg values for them',
    });
  }
  if (name === 'scratch') return { kind: 'scratch' };
  const earlier = findStageByName(declared.stages, name, stage.index);
  return earlier === undefined ? { kind: 'image', name, range: from.range } : { kind: 'stage', stage: earlier };
}

/** FROM --platform: so far the build's own platform, by whatever words. */
function checkPlatform({ platform, range }: FromInstruction, lowering: LoweringContext): void {
  if (platform === undefined) return;
  const { escape, globals, platform: own } = lowering;
  const text = atRange(range, () => expandWord(platform, (key) => globals.get(key), { escape }));
  if (text === '') {
    throw new BuildError('DOCKERFILE_INVALID', `empty platform value from expression ${platform}`, {
      range,
      hint: 'FROM sees only ARGs from before the first FROM, and --build-arg values for them',
    });
  }
  let wanted: Platform;
  try {
    wanted = normalizePlatform(parsePlatform(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BuildError('DOCKERFILE_INVALID', `failed to parse platform ${text}: ${reason}`, { range, cause: error });
  }
  if (wanted.os === own.os && wanted.architecture === own.architecture) return;
  throw new BuildError('NOT_SUPPORTED', `FROM --platform=${text}: only ${formatPlatform(own)} is supported yet`, {
    range,
  });
}

function copyReference(
  declared: DeclaredStages,
  stage: StageDeclaration,
  from: string,
  instruction: Instruction,
): Reference {
  const { range } = instruction;
  const named = findStageByName(declared.stages, from, stage.index);
  if (named !== undefined) return { kind: 'stage', stage: named };
  if (/^\d+$/.test(from)) {
    const numbered = Number(from) < stage.index ? declared.stages[Number(from)] : undefined;
    if (numbered !== undefined) return { kind: 'stage', stage: numbered };
    throw new BuildError(
      'DOCKERFILE_INVALID',
      `invalid from flag value ${from}: there is no earlier stage with this number`,
      {
        range,
        hint: `stages count from 0; this one is number ${stage.index}`,
      },
    );
  }
  if (from.includes('$')) {
    throw new BuildError(
      'DOCKERFILE_INVALID',
      'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
      { range },
    );
  }
  if (findStageByName(declared.stages, from, declared.stages.length) !== undefined) {
    throw new BuildError(
      'DOCKERFILE_INVALID',
      `${instruction.kind === 'copy' ? 'COPY --from' : 'RUN --mount from'}=${from} names this stage or a later one`,
      {
        range,
        hint: 'move that stage up: files can only come from stages that are already there',
      },
    );
  }
  if (from === 'scratch') return { kind: 'scratch' };
  return { kind: 'image', name: from, range };
}

async function resolveImages(
  needed: readonly NeededStage[],
  options: PlanOptions,
): Promise<ReadonlyMap<string, ResolvedImage>> {
  const wanted = new Map<string, SourceRange>();
  for (const { base, copies } of needed) {
    for (const reference of [base, ...copies]) {
      if (reference.kind === 'image' && !wanted.has(reference.name)) wanted.set(reference.name, reference.range);
    }
  }
  const resolved = await Promise.all(
    [...wanted].map(async ([name, range]) => {
      try {
        return [name, await options.resolveImage(name)] as const;
      } catch (error) {
        throw withRange(error, range);
      }
    }),
  );
  return new Map(resolved);
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
    return { label, base: parent.planned().base, rootfs: parent.rootfs, parent };
  }
  const image = base.kind === 'image' ? images.get(base.name) : undefined;
  return { label, base: image?.config, rootfs: constant(image), parent: undefined };
}

function constant(image: ResolvedImage | undefined): BuildVertex {
  return { kind: 'constant', value: image === undefined ? EMPTY_ROOTFS : { layers: image.layers } };
}

function lowerStage(
  stage: StageDeclaration,
  start: StageStart,
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
  const state = new StageState(start, filtered ? { ...lowering, ignoreCache: true } : lowering);
  const resolveFrom = (from: string, instruction: Instruction): BuildVertex => {
    const reference = copyReference(known.declared, stage, from, instruction);
    if (reference.kind === 'image') return constant(known.images.get(reference.name));
    const earlier = reference.kind === 'stage' ? known.lowered.get(reference.stage) : undefined;
    return earlier?.rootfs ?? constant(undefined);
  };
  for (const instruction of [...triggersOf(state, stage, start.base), ...stage.instructions]) {
    lowerInstruction(state, instruction, resolveFrom);
  }
  return state;
}

/** ONBUILD triggers of the base run at the start of the stage, and are gone from the new image. */
function triggersOf(state: StageState, stage: StageDeclaration, base: ImageConfig | undefined): Instruction[] {
  const triggers = state.config.OnBuild ?? base?.config?.OnBuild ?? [];
  const { OnBuild: _spent, ...rest } = state.config;
  state.config = rest;
  return triggers.map((text) => atRange(stage.from.range, () => parseTrigger(text, stage.from.range)));
}
