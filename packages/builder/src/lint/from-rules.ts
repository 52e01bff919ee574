import { parsePlatform, parseReference } from '@tsbuild/oci';
import type { FromInstruction } from '../dockerfile/instruction.ts';
import { nearest } from '../dockerfile/suggest.ts';
import { BuildArguments, GlobalArguments } from '../plan/build-arguments.ts';
import type { DeclaredStages, StageDeclaration } from '../plan/stages.ts';
import { type Expansion, tryExpand } from './expansion.ts';
import type { Report } from './finding.ts';
import type { LintInput } from './lint-input.ts';
import type { StageScope } from './stage-scope.ts';

/** How words are expanded. */
type LintWords = StageScope['words'];

/** Checks of image names and platforms in FROM. `globals`: undefined when their evaluation fails. */
export function checkFroms(
  declared: DeclaredStages,
  input: LintInput,
  globals: GlobalArguments | undefined,
  words: LintWords,
  report: Report,
): void {
  checkDefaults(declared, input, words, report);
  if (globals === undefined) return;
  const known = new Set([
    ...input.predefined.keys(),
    ...declared.globalArgs.flatMap(({ args }) => args.map(({ name }) => name)),
  ]);
  const lookup = (name: string) => globals.get(name);
  for (const { from } of declared.stages) {
    checkDeclared(tryExpand(from.image, lookup, words), from, known, words, report);
    if (from.platform === undefined) continue;
    const platform = tryExpand(from.platform, lookup, words);
    checkDeclared(platform, from, known, words, report);
    if (platform === undefined) continue;
    checkRedundant(platform, from, globals, report);
    checkConstant(platform, from, report);
  }
}

/** With no `--build-arg` at all, does a name with variables still name an image? */
function checkDefaults(
  { stages, globalArgs }: DeclaredStages,
  input: LintInput,
  words: LintWords,
  report: Report,
): void {
  const defaults = evaluate(globalArgs, new BuildArguments(new Map(), {}), input, words);
  if (defaults === undefined) return;
  for (const { from } of stages) {
    const name = tryExpand(from.image, (key) => defaults.get(key), words);
    if (name === undefined) return;
    // What is wrong without variables fails the build, whatever its arguments are.
    if (name.matched.size + name.unmatched.size === 0 || isReference(name.text)) continue;
    const message = `Default value for ARG ${from.image} results in empty or invalid base image name`;
    report('InvalidDefaultArgInFrom', from, message);
  }
}

/** The global ARGs; undefined when a default cannot be expanded. */
export function evaluate(
  args: DeclaredStages['globalArgs'],
  given: BuildArguments,
  { predefined }: LintInput,
  words: LintWords,
): GlobalArguments | undefined {
  try {
    return new GlobalArguments(args, given, predefined, words);
  } catch {
    return undefined;
  }
}

function isReference(name: string): boolean {
  try {
    parseReference(name);
    return true;
  } catch {
    return false;
  }
}

function checkDeclared(
  word: Expansion | undefined,
  from: StageDeclaration['from'],
  known: ReadonlySet<string>,
  { limit }: LintWords,
  report: Report,
): void {
  for (const name of word?.unmatched ?? []) {
    if (known.has(name)) continue;
    const near = limit.mayCompare(known.size) ? nearest(name, known) : undefined;
    const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`;
    report('UndefinedArgInFrom', from, `FROM argument '${name}' is not declared${suggestion}`);
  }
}

function checkRedundant(word: Expansion, from: FromInstruction, globals: GlobalArguments, report: Report): void {
  const only = word.matched.size === 1 && word.unmatched.size === 0 && word.matched.has('TARGETPLATFORM');
  if (!only || word.text !== globals.get('TARGETPLATFORM')) return;
  const message = `Setting platform to predefined ${from.platform} in FROM is redundant as this is the default behavior`;
  report('RedundantTargetPlatform', from, message);
}

function checkConstant(word: Expansion, from: FromInstruction, report: Report): void {
  if (word.matched.size + word.unmatched.size > 0) return;
  let platform: ReturnType<typeof parsePlatform>;
  try {
    platform = parsePlatform(word.text);
  } catch {
    return;
  }
  // A stage that says in its name what it is for, such as `build-amd64`, means it.
  const name = from.alias ?? '';
  if (name.includes(platform.os) || name.includes(platform.architecture)) return;
  const message = `FROM --platform flag should not use constant value ${JSON.stringify(word.text)}`;
  report('FromPlatformFlagConstDisallowed', from, message);
}
