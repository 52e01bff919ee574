import { formatPlatform, type Platform } from '@tsbuild/oci';
import type { Instruction } from '../dockerfile/instruction.ts';
import { parseTrigger } from '../dockerfile/parser.ts';
import { suggestNear } from '../dockerfile/suggest.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { atRange, withRange } from './at-range.ts';
import { baseReference, copyReference, fromPlatform, fromsOf, type ResolvedName } from './references.ts';
import { isNamedFiles, type ResolvedBase } from './resolved-base.ts';
import type { LoweringContext } from './stage-state.ts';
import { type DeclaredStages, type StageDeclaration, stageNames } from './stages.ts';

/** A stage that the target needs. */
interface NeededStage {
  readonly stage: StageDeclaration;
  readonly base: ResolvedName;
  readonly platform: Platform;
  /** What ONBUILD of the base says, then what the Dockerfile says. */
  readonly instructions: readonly Instruction[];
}

/** The stages that a target needs, in Dockerfile order, and the images and named contexts that they refer to. */
export interface NeededStages {
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

/** What the search works with. */
interface SearchOptions {
  readonly lowering: LoweringContext;
  readonly resolveImage: ImageResolver;
  /** Errors of images that only mean that nothing is known of them; none without it. */
  readonly tolerates?: (error: unknown) => boolean;
}

/** A visit of a stage: each stage that it needs comes first, before it goes on. */
type Visit = Generator<StageDeclaration, void, undefined>;

/**
 * Finds what targets refer to, directly or not; later stages cannot be referred to. Images are resolved as soon as they are
 * met, side by side: what ONBUILD of a base image refers to is known only then.
 */
export class StageSearch {
  readonly #declared: DeclaredStages;
  readonly #lowering: LoweringContext;
  readonly #options: SearchOptions;
  readonly #stages = new Map<StageDeclaration, NeededStage>();
  /** Undefined where the image is missing and that is tolerated. */
  readonly #images = new Map<string, Promise<ResolvedBase | undefined>>();
  /** Work under way; it may add more. */
  readonly #pending: Promise<void>[] = [];

  constructor(declared: DeclaredStages, options: SearchOptions) {
    this.#declared = declared;
    this.#lowering = options.lowering;
    this.#options = options;
  }

  /** @throws BuildError */
  visit(target: StageDeclaration): void {
    this.#run(this.#visit(target));
  }

  /** The same for many, up to the first that fails; what is found of that one is not taken. */
  visitAll(targets: readonly StageDeclaration[]): { readonly error: unknown } | undefined {
    for (const target of targets) {
      try {
        this.visit(target);
      } catch (error) {
        for (const stage of this.#stages.keys()) if (stage.index >= target.index) this.#stages.delete(stage);
        return { error };
      }
    }
    return undefined;
  }

  /** @throws BuildError of several the first in the order in which they were met */
  async result(): Promise<NeededStages> {
    // A task may add tasks while others are awaited, so this is no loop over a list that is known.
    for (let at = 0; at < this.#pending.length; at++) await this.#pending[at];
    const stages = [...this.#stages.values()].toSorted((a, b) => a.stage.index - b.stage.index);
    const images = new Map<string, ResolvedBase>();
    for (const [key, image] of this.#images) {
      const found = await image;
      if (found !== undefined) images.set(key, found);
    }
    return { stages, images };
  }

  /** A stack of our own: a file may chain more stages than the machine's stack has room for. */
  #run(first: Visit): void {
    const stack = [first];
    for (let visit = stack.at(-1); visit !== undefined; visit = stack.at(-1)) {
      const { done, value } = visit.next();
      if (done === true) stack.pop();
      else stack.push(this.#visit(value));
    }
  }

  *#visit(stage: StageDeclaration): Visit {
    if (this.#stages.has(stage)) return;
    const isReplaced = stage.name !== undefined && this.#lowering.isContext?.(stage.name) === true;
    // A named context takes the place of a whole stage: what it is made from, and of, does not matter any more.
    const base: ResolvedName = isReplaced
      ? { kind: 'image', name: stage.name, platform: fromPlatform(stage.from, this.#lowering), range: stage.from.range }
      : baseReference(this.#declared, stage, this.#lowering);
    const instructions = isReplaced ? [] : stage.instructions;
    if (base.kind === 'stage') yield base.stage;
    this.#stages.set(stage, { stage, base, platform: this.#platformOf(stage, base), instructions });
    yield* this.#follow(stage, instructions);
    if (base.kind === 'stage') {
      const own = (this.#stages.get(base.stage)?.instructions ?? []).flatMap((instruction) =>
        instruction.kind === 'onbuild' ? [instruction.trigger] : [],
      );
      yield* this.#trigger(stage, base, instructions, own);
    } else if (base.kind === 'image') {
      const image = this.#image(base);
      const triggersOf = (found: ResolvedBase | undefined): readonly string[] =>
        found === undefined || isNamedFiles(found) ? [] : (found.config.config?.OnBuild ?? []);
      this.#await(image.then((found) => this.#run(this.#trigger(stage, base, instructions, triggersOf(found)))));
    }
  }

  /** Instructions that the base asks for come before the stage's own. */
  *#trigger(
    stage: StageDeclaration,
    base: ResolvedName,
    own: readonly Instruction[],
    triggers: readonly string[],
  ): Visit {
    if (triggers.length === 0) return;
    const { range } = stage.from;
    atRange(range, () => this.#lowering.limit.triggers(triggers));
    const instructions = triggers.map((text) => atRange(range, () => parseTrigger(text, range)));
    const platform = this.#platformOf(stage, base);
    this.#stages.set(stage, { stage, base, platform, instructions: [...instructions, ...own] });
    yield* this.#follow(stage, instructions);
  }

  *#follow(stage: StageDeclaration, instructions: readonly Instruction[]): Visit {
    for (const instruction of instructions) {
      for (const from of fromsOf(instruction)) {
        const reference = copyReference(this.#declared, stage, from, instruction, this.#lowering);
        if (reference.kind === 'stage') yield reference.stage;
        else if (reference.kind === 'image') {
          this.#await(this.#image(reference).then(() => undefined));
        }
      }
    }
  }

  #platformOf(stage: StageDeclaration, base: ResolvedName): Platform {
    const parent = base.kind === 'stage' ? this.#stages.get(base.stage) : undefined;
    return parent?.platform ?? fromPlatform(stage.from, this.#lowering);
  }

  #image(reference: ResolvedName & { readonly kind: 'image' }): Promise<ResolvedBase | undefined> {
    const { name, platform, range } = reference;
    const key = imageKey(reference);
    let image = this.#images.get(key);
    if (image === undefined) {
      image = this.#options.resolveImage(name, platform).catch((error: unknown) => {
        if (this.#options.tolerates?.(error) === true) return undefined;
        throw withRange(this.#suggested(name, error), range);
      });
      this.#images.set(key, image);
    }
    return image;
  }

  /** An image that nobody has may have been meant to be a stage. */
  #suggested(name: string, error: unknown): unknown {
    if (!(error instanceof BuildError) || error.code !== 'BASE_NOT_FOUND') return error;
    const suggestion = suggestNear(name, stageNames(this.#declared.stages));
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
