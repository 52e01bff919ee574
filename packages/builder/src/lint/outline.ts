import type { ArgInstruction, Dockerfile, Instruction } from '../dockerfile/instruction.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';
import { type ExpandOptions, expandWord } from '../dockerfile/words.ts';
import { WorkLimit } from '../dockerfile/work-limit.ts';
import { type BuildArguments, GlobalArguments } from '../plan/build-arguments.ts';
import { parseRunMount, type RunMountFlag } from '../plan/run-mount-flag.ts';
import { type DeclaredStages, declareStages, type StageDeclaration, targetStage } from '../plan/stages.ts';
import { descriptionOf } from './descriptions.ts';
import { tryExpand } from './expansion.ts';
import { reachableStages } from './reachable.ts';

/** A stage as `--call=targets` lists it. */
export interface OutlinedTarget {
  readonly name: string | undefined;
  /** True for the last one. */
  readonly isDefault: boolean;
  readonly description: string;
  /** As FROM says, variables not expanded. */
  readonly base: string;
  readonly platform: string | undefined;
  readonly range: SourceRange;
}

/** The stages of a Dockerfile in order. */
export type TargetList = readonly OutlinedTarget[];

export interface OutlinedArg {
  readonly name: string;
  readonly value: string;
  readonly description: string;
  readonly range: SourceRange;
}

/** A secret or an SSH agent. */
export interface OutlinedMount {
  readonly name: string;
  readonly required: boolean;
  readonly range: SourceRange;
}

/** What a build of one target takes. Each list in the order of the file. */
export interface Outline {
  readonly name: string | undefined;
  readonly description: string;
  readonly args: readonly OutlinedArg[];
  readonly secrets: readonly OutlinedMount[];
  readonly ssh: readonly OutlinedMount[];
  readonly caches: readonly { readonly id: string; readonly range: SourceRange }[];
}

export interface OutlineInput {
  readonly target: string | undefined;
  readonly arguments: BuildArguments;
  readonly predefined: ReadonlyMap<string, string>;
}

/** The stages with the descriptions in the comments above them. */
export function targetsOf(dockerfile: Dockerfile): TargetList {
  const { stages } = declareStages(dockerfile);
  return stages.map(({ from, name, index }) => ({
    name,
    isDefault: index === stages.length - 1,
    description: descriptionOf(from, name),
    base: from.image,
    platform: from.platform,
    range: from.range,
  }));
}

/** What the target and the stages that it needs take. @throws BuildError `STAGE_NOT_FOUND`, `DOCKERFILE_INVALID` */
export function outlineOf(dockerfile: Dockerfile, input: OutlineInput): Outline {
  const declared = declareStages(dockerfile);
  const words = { escape: dockerfile.directives.escape, limit: new WorkLimit() };
  const globals = new GlobalArguments(declared.globalArgs, input.arguments, input.predefined, words);
  const target = targetStage(declared.stages, input.target);
  const nameOf = ({ from }: StageDeclaration): string =>
    tryExpand(from.image, (name) => globals.get(name), words)?.text ?? '';
  const stages = reachableStages(declared.stages, target, nameOf);
  const args = new OutlineArgs(declared, globals, input, words);
  for (const stage of stages) args.addStage(stage);
  const mounts = stages.flatMap(({ instructions }) => instructions.flatMap(mountsOf));
  return {
    name: target.name,
    description: descriptionOf(target.from, target.name),
    args: args.sorted(),
    secrets: named(mounts, 'secret'),
    ssh: named(mounts, 'ssh'),
    caches: named(mounts, 'cache').map(({ name, range }) => ({ id: name, range })),
  };
}

class OutlineArgs {
  readonly #found = new Map<string, OutlinedArg>();
  /** The last ARG before the first FROM for each name. */
  readonly #globalArgs: ReadonlyMap<string, ArgInstruction>;
  readonly #globals: GlobalArguments;
  readonly #input: OutlineInput;
  readonly #words: ExpandOptions;

  constructor(declared: DeclaredStages, globals: GlobalArguments, input: OutlineInput, words: ExpandOptions) {
    this.#globalArgs = new Map(
      declared.globalArgs.flatMap((instruction) => instruction.args.map(({ name }) => [name, instruction] as const)),
    );
    this.#globals = globals;
    this.#input = input;
    this.#words = words;
  }

  addStage({ from, instructions }: StageDeclaration): void {
    for (const word of [from.image, from.platform ?? '']) {
      const asked = tryExpand(word, (name) => this.#globals.get(name), this.#words);
      for (const name of [...(asked?.matched ?? []), ...(asked?.unmatched ?? [])]) this.#addGlobal(name);
    }
    const values = new Map<string, string>();
    for (const instruction of instructions) {
      if (instruction.kind === 'arg') this.#addOwn(instruction, values);
    }
  }

  sorted(): readonly OutlinedArg[] {
    return [...this.#found.values()].toSorted((a, b) => a.range.start.line - b.range.start.line);
  }

  #addGlobal(name: string): boolean {
    if (!this.#globalArgs.has(name)) return false;
    const asked = new Set([name]);
    // What a default refers to counts as used, too: the set grows while it is walked.
    for (const next of asked) {
      const instruction = this.#globalArgs.get(next);
      if (instruction === undefined || this.#found.has(next)) continue;
      this.#add(instruction, next, this.#globals.get(next) ?? '');
      const initial = instruction.args.find((arg) => arg.name === next)?.value;
      const used = initial === undefined ? undefined : tryExpand(initial, () => undefined, this.#words)?.unmatched;
      for (const other of used ?? []) asked.add(other);
    }
    return true;
  }

  #addOwn(instruction: ArgInstruction, values: Map<string, string>): void {
    for (const { name, value } of instruction.args) {
      const given = this.#input.arguments.get(name);
      // Without a default it takes over the global one, description and all.
      const global = this.#globals.get(name);
      if (value === undefined && global !== undefined) values.set(name, given ?? global);
      if (value === undefined && (this.#addGlobal(name) || (given === undefined && global !== undefined))) continue;
      const initial = value === undefined ? '' : this.#expand(value, values);
      values.set(name, given ?? initial);
      this.#add(instruction, name, given ?? initial);
    }
  }

  #expand(value: string, values: ReadonlyMap<string, string>): string {
    try {
      return expandWord(value, (name) => values.get(name), this.#words);
    } catch {
      return value;
    }
  }

  #add(instruction: ArgInstruction, name: string, value: string): void {
    if (this.#found.has(name)) return;
    this.#found.set(name, { name, value, description: descriptionOf(instruction, name), range: instruction.range });
  }
}

interface FoundMount {
  readonly flag: RunMountFlag;
  readonly range: SourceRange;
}

function mountsOf(instruction: Instruction): readonly FoundMount[] {
  if (instruction.kind !== 'run') return [];
  return instruction.mounts.flatMap((text) => {
    try {
      return [{ flag: parseRunMount(text, (word) => word), range: instruction.range }];
    } catch {
      return [];
    }
  });
}

/** Mounts of one type by their ids, each once; required where any of them is. */
function named(mounts: readonly FoundMount[], type: RunMountFlag['type']): readonly OutlinedMount[] {
  const found = new Map<string, OutlinedMount>();
  for (const { flag, range } of mounts) {
    if (flag.type !== type) continue;
    const name = idOf(flag);
    const before = found.get(name);
    found.set(name, {
      name,
      required: flag.required || before?.required === true,
      range: before?.range ?? range,
    });
  }
  return [...found.values()].toSorted((a, b) => a.range.start.line - b.range.start.line);
}

function idOf({ type, id, source, target }: RunMountFlag): string {
  const given = type === 'secret' ? source || id : id;
  if (given !== '') return given;
  if (type === 'ssh') return 'default';
  return type === 'secret' ? (target.split('/').findLast((name) => name !== '') ?? '') : target;
}
