import { formatPlatform, type ImageConfig, type Platform } from '@tsbuild/oci';
import type { Instruction } from '../dockerfile/instruction.ts';
import { parseTrigger } from '../dockerfile/parser.ts';
import type { ExpandOptions } from '../dockerfile/words.ts';
import { WorkLimit } from '../dockerfile/work-limit.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { GlobalArguments } from '../plan/build-arguments.ts';
import { imageKey } from '../plan/needed-stages.ts';
import { fromPlatform } from '../plan/references.ts';
import {
  type DeclaredStages,
  declareStages,
  findStageByName,
  type StageDeclaration,
  targetStage,
} from '../plan/stages.ts';
import { checkDescriptions } from './descriptions.ts';
import { tryExpand } from './expansion.ts';
import { checkKeywordCasing, checkSpelling } from './file-rules.ts';
import { collectFindings, type Finding } from './finding.ts';
import { checkFroms, evaluate } from './from-rules.ts';
import { InstallOrder } from './install-order.ts';
import { StagePlatforms } from './stage-platforms.ts';
import type { LintInput } from './lint-input.ts';
import { reachableStages } from './reachable.ts';
import { checkStageNames } from './stage-names.ts';
import { checkInstruction } from './stage-rules.ts';
import { type StageBase, StageScope } from './stage-scope.ts';

/**
 * Every check that needs nothing but the Dockerfile, the configs of its base images and the ignore file, in the order
 * of the file. Never throws: what cannot be expanded or parsed is the build's to tell.
 */
export function lintDockerfile(input: LintInput): readonly Finding[] {
  const { findings, report } = collectFindings();
  const { dockerfile } = input;
  const declared = declareStages(dockerfile);
  checkSpelling(dockerfile, report);
  checkDescriptions(dockerfile, report);
  checkStageNames(declared, report);
  checkKeywordCasing(declared, report);
  const words = { escape: dockerfile.directives.escape, limit: new WorkLimit() };
  const globals = evaluate(declared.globalArgs, input.arguments, input, words);
  checkFroms(declared, input, globals, words, report);
  if (globals !== undefined) {
    try {
      checkStages(declared, { input, globals, report, words });
    } catch (error) {
      // What the file may cost is reached, and planning says so.
      if (!(error instanceof BuildError)) throw error;
    }
  }
  return findings.toSorted((a, b) => a.range.start.line - b.range.start.line);
}

/** The name that a FROM gives its base, variables expanded; empty when that fails. */
export function baseNameOf({ from }: StageDeclaration, globals: GlobalArguments, words: ExpandOptions): string {
  return tryExpand(from.image, (name) => globals.get(name), words)?.text ?? '';
}

/** @throws BuildError */
function checkStages(
  declared: DeclaredStages,
  context: Pick<StageScope, 'input' | 'globals' | 'report' | 'words'>,
): void {
  const { input, globals, report, words } = context;
  const nameOf = (stage: StageDeclaration): string => baseNameOf(stage, globals, words);
  const installs = new InstallOrder(input, report);
  const platforms = new StagePlatforms(context);
  const scopes = new Map<StageDeclaration, StageScope>();
  for (const stage of stagesToCheck(declared, input.stages, nameOf)) {
    const name = nameOf(stage);
    const parent = findStageByName(declared.stages, name, stage.index);
    const parentScope = parent === undefined ? undefined : scopes.get(parent);
    const base: StageBase =
      parentScope === undefined
        ? name === 'scratch'
          ? { kind: 'scratch' }
          : { kind: 'image', name, config: baseConfigOf(stage, name, context) }
        : { kind: 'stage', scope: parentScope };
    const scope = new StageScope(base, context);
    scopes.set(stage, scope);
    if (base.kind === 'image') checkBasePlatform(base.name, base.config, stage, scope);
    for (const instruction of [...triggersOf(base, stage, words.limit), ...stage.instructions])
      checkInstruction(scope, instruction);
    installs.check(stage, parent);
    platforms.check(stage, parent);
  }
}

/** The config of the very image that the plan starts this stage from; undefined where that is not known. */
function baseConfigOf(
  { from }: StageDeclaration,
  name: string,
  { input, globals, words }: Pick<StageScope, 'input' | 'globals' | 'words'>,
): ImageConfig | undefined {
  let platform: Platform;
  try {
    platform = fromPlatform(from, { ...words, globals, platform: input.platform });
  } catch {
    return undefined; // planning tells what is wrong
  }
  return input.bases.get(imageKey({ name, platform }));
}

function stagesToCheck(
  { stages }: DeclaredStages,
  wanted: LintInput['stages'],
  nameOf: (stage: StageDeclaration) => string,
): readonly StageDeclaration[] {
  if (wanted === 'all') return stages;
  try {
    return reachableStages(stages, targetStage(stages, wanted.target), nameOf);
  } catch {
    return stages;
  }
}

/** The instructions that ONBUILD of the base puts before the stage's own. */
function triggersOf(base: StageBase, { from }: StageDeclaration, limit: WorkLimit): readonly Instruction[] {
  const triggers =
    base.kind === 'stage' ? base.scope.triggers : base.kind === 'image' ? (base.config?.config?.OnBuild ?? []) : [];
  limit.triggers(triggers);
  return triggers.flatMap((text) => {
    try {
      return [parseTrigger(text, from.range)];
    } catch {
      return [];
    }
  });
}

function checkBasePlatform(
  name: string,
  config: ImageConfig | undefined,
  { from }: StageDeclaration,
  { input, report }: StageScope,
): void {
  // A FROM with --platform asks for another one than the build.
  if (config === undefined || from.platform !== undefined) return;
  const { platform } = input;
  if (config.os === platform.os && config.architecture === platform.architecture) return;
  const actual = formatPlatform({ os: config.os, architecture: config.architecture });
  const message = `Base image ${name} was pulled with platform ${JSON.stringify(actual)}, expected ${JSON.stringify(formatPlatform(platform))} for current build`;
  report('InvalidBaseImagePlatform', from, message);
}
