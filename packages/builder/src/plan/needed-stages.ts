import { formatPlatform, type Platform } from '@tsbuild/oci';
import type { Instruction } from '../dockerfile/instruction.ts';
import { parseTrigger } from '../dockerfile/parser.ts';
import { didYouMean } from '../dockerfile/suggest.ts';
import { BuildError } from '../errors.ts';
import { atRange, withRange } from './at-range.ts';
import { baseReference, copyReference, fromPlatform, fromsOf, type Reference } from './references.ts';
import { isNamedFiles, type ResolvedBase } from './resolved-base.ts';
import type { LoweringContext } from './stage-state.ts';
import { type DeclaredStages, type StageDeclaration, stageNames } from './stages.ts';

/** A stage that the target needs. */
interface NeededStage {
  readonly stage: StageDeclaration;
  readonly base: Reference;
  readonly platform: Platform;
  /** What ONBUILD of the base says, then what the Dockerfile says. */
  readonly instructions: readonly Instruction[];
}

/** The stages that a target needs, in Dockerfile order, and the images and named contexts that they refer to. */
interface NeededStages {
  readonly stages: readonly NeededStage[];
  readonly images: ResolvedImages;
}

/** Images and named contexts by {@link imageKey}. */
export type ResolvedImages = ReadonlyMap<string, ResolvedBase>;

/** One name may stand for several images: one for each platform. */
export function imageKey({ name, platform }: { readonly name: string; readonly platform: Platform }): string {
  return `${formatPlatform(platform)} ${name}`;
}

/** How images and named contexts are found; throws `BASE_NOT_FOUND` when nobody has it. */
export type ImageResolver = (name: string, platform: Platform) => Promise<ResolvedBase>;

/**
 * The target and what it refers to, directly or not; later stages cannot be referred to. Images are resolved as soon as
 * they are met, side by side: what ONBUILD of a base image refers to is known only then.
 * @throws BuildError; of several the first in the order in which they were met
 */
export async function findNeededStages(
  declared: DeclaredStages,
  target: StageDeclaration,
  lowering: LoweringContext,
  resolveImage: ImageResolver,
): Promise<NeededStages> {
  const search = new Search(declared, lowering, resolveImage);
  search.visit(target);
  return search.result();
}

class Search {
  readonly #declared: DeclaredStages;
  readonly #lowering: LoweringContext;
  readonly #resolveImage: ImageResolver;
  readonly #stages = new Map<StageDeclaration, NeededStage>();
  readonly #images = new Map<string, Promise<ResolvedBase>>();
  /** Work under way; it may add more. */
  readonly #pending: Promise<void>[] = [];

  constructor(declared: DeclaredStages, lowering: LoweringContext, resolveImage: ImageResolver) {
    this.#declared = declared;
    this.#lowering = lowering;
    this.#resolveImage = resolveImage;
  }

  visit(stage: StageDeclaration): void {
    if (this.#stages.has(stage)) return;
    const isReplaced = stage.name !== undefined && this.#lowering.isContext?.(stage.name) === true;
    // A named context takes the place of a whole stage: what it is made from, and of, does not matter any more.
    const base: Reference = isReplaced
      ? { kind: 'image', name: stage.name, platform: fromPlatform(stage.from, this.#lowering), range: stage.from.range }
      : baseReference(this.#declared, stage, this.#lowering);
    const instructions = isReplaced ? [] : stage.instructions;
    if (base.kind === 'stage') this.visit(base.stage);
    this.#stages.set(stage, { stage, base, platform: this.#platformOf(stage, base), instructions });
    this.#follow(stage, instructions);
    if (base.kind === 'stage') {
      const own = (this.#stages.get(base.stage)?.instructions ?? []).flatMap((instruction) =>
        instruction.kind === 'onbuild' ? [instruction.trigger] : [],
      );
      this.#trigger(stage, base, instructions, own);
    } else if (base.kind === 'image') {
      const image = this.#image(base);
      const triggersOf = (found: ResolvedBase): readonly string[] =>
        isNamedFiles(found) ? [] : (found.config.config?.OnBuild ?? []);
      this.#await(image.then((found) => this.#trigger(stage, base, instructions, triggersOf(found))));
    }
  }

  async result(): Promise<NeededStages> {
    // A task may add tasks while others are awaited, so this is no loop over a list that is known.
    for (let at = 0; at < this.#pending.length; at++) await this.#pending[at];
    const stages = [...this.#stages.values()].toSorted((a, b) => a.stage.index - b.stage.index);
    const images = new Map<string, ResolvedBase>();
    for (const [key, image] of this.#images) images.set(key, await image);
    return { stages, images };
  }

  /** Instructions that the base asks for come before the stage's own. */
  #trigger(stage: StageDeclaration, base: Reference, own: readonly Instruction[], triggers: readonly string[]): void {
    if (triggers.length === 0) return;
    const { range } = stage.from;
    const instructions = triggers.map((text) => atRange(range, () => parseTrigger(text, range)));
    const platform = this.#platformOf(stage, base);
    this.#stages.set(stage, { stage, base, platform, instructions: [...instructions, ...own] });
    this.#follow(stage, instructions);
  }

  #follow(stage: StageDeclaration, instructions: readonly Instruction[]): void {
    for (const instruction of instructions) {
      for (const from of fromsOf(instruction)) {
        const reference = copyReference(this.#declared, stage, from, instruction, this.#lowering);
        if (reference.kind === 'stage') this.visit(reference.stage);
        else if (reference.kind === 'image') {
          this.#await(this.#image(reference).then(() => undefined));
        }
      }
    }
  }

  #platformOf(stage: StageDeclaration, base: Reference): Platform {
    const parent = base.kind === 'stage' ? this.#stages.get(base.stage) : undefined;
    return parent?.platform ?? fromPlatform(stage.from, this.#lowering);
  }

  #image(reference: Reference & { readonly kind: 'image' }): Promise<ResolvedBase> {
    const { name, platform, range } = reference;
    const key = imageKey(reference);
    let image = this.#images.get(key);
    if (image === undefined) {
      image = this.#resolveImage(name, platform).catch((error: unknown) => {
        throw withRange(this.#suggested(name, error), range);
      });
      this.#images.set(key, image);
    }
    return image;
  }

  /** An image that nobody has may have been meant to be a stage. */
  #suggested(name: string, error: unknown): unknown {
    if (!(error instanceof BuildError) || error.code !== 'BASE_NOT_FOUND') return error;
    const suggestion = didYouMean(name, stageNames(this.#declared.stages));
    if (suggestion === '') return error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    return new BuildError(error.code, `${error.message}${suggestion}`, { ...hint, cause: error });
  }

  #await(work: Promise<void>): void {
    // Its failure is told when its turn comes, or another one came first.
    work.catch(() => undefined);
    this.#pending.push(work);
  }
}
