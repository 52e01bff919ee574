import { formatPlatform, normalizePlatform, parsePlatform, type Platform } from '@tsbuild/oci';
import type { FromInstruction, Instruction } from '../dockerfile/instruction.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';
import { expandWord } from '../dockerfile/words.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { atRange } from './at-range.ts';
import { mountFrom } from './run-mount-flag.ts';
import type { LoweringContext } from './stage-state.ts';
import { type DeclaredStages, findStageByName, type StageDeclaration } from './stages.ts';

/** What a name in FROM or `COPY --from` turned out to be. */
export type ResolvedName =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly stage: StageDeclaration }
  /** An image, or a named context. */
  | { readonly kind: 'image'; readonly name: string; readonly platform: Platform; readonly range: SourceRange };

/** The names that an instruction takes files from. */
export function fromsOf(instruction: Instruction): readonly string[] {
  if (instruction.kind === 'copy') return instruction.from === undefined ? [] : [instruction.from];
  if (instruction.kind !== 'run') return [];
  return atRange(instruction.range, () => instruction.mounts.flatMap((mount) => mountFrom(mount) ?? []));
}

/** What a FROM starts from. @throws BuildError `DOCKERFILE_INVALID` */
export function baseReference(
  declared: DeclaredStages,
  stage: StageDeclaration,
  lowering: LoweringContext,
): ResolvedName {
  const { from } = stage;
  const { globals } = lowering;
  const platform = fromPlatform(from, lowering);
  const unset: string[] = [];
  const words = { ...lowering, onUndefined: (key: string) => void unset.push(key) };
  const name = atRange(from.range, () => expandWord(from.image, (key) => globals.get(key), words));
  if (name === '') {
    throw new BuildError('DOCKERFILE_INVALID', `base name (${from.image}) should not be blank`, {
      range: from.range,
      hint: blankNameHint(declared, unset),
    });
  }
  if (name === 'scratch') return { kind: 'scratch' };
  const earlier = findStageByName(declared.stages, name, stage.index);
  return earlier === undefined
    ? { kind: 'image', name, platform, range: from.range }
    : { kind: 'stage', stage: earlier };
}

/** What to give, where an ARG asks for it; else where ARGs for FROM have to stand. */
function blankNameHint({ globalArgs }: DeclaredStages, unset: readonly string[]): string {
  const declared = new Set(globalArgs.flatMap(({ args }) => args.map(({ name }) => name)));
  const [missing] = unset.filter((name) => declared.has(name));
  if (missing !== undefined) return `give it a value with --build-arg ${missing}=…, or a default: ARG ${missing}=…`;
  const [name = 'NAME'] = unset;
  return `FROM sees only ARGs from before the first FROM: put ARG ${name} there, and give it with --build-arg ${name}=…`;
}

/**
 * The platform of a stage: `FROM --platform`, else the build's. A stage on another stage has that one's, whatever it says.
 * @throws BuildError `DOCKERFILE_INVALID`
 */
export function fromPlatform(
  { platform, range }: FromInstruction,
  lowering: Pick<LoweringContext, 'escape' | 'globals' | 'limit' | 'platform'>,
): Platform {
  const { globals, platform: own } = lowering;
  if (platform === undefined) return own;
  const text = atRange(range, () => expandWord(platform, (key) => globals.get(key), lowering));
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
  // Another way to write the build's platform gives the very same image.
  if (formatPlatform(wanted) === formatPlatform(own)) return own;
  return wanted;
}

/** What `--from` means in a stage. @throws BuildError `DOCKERFILE_INVALID` */
export function copyReference(
  declared: DeclaredStages,
  stage: StageDeclaration,
  from: string,
  instruction: Instruction,
  lowering: Pick<LoweringContext, 'isContext' | 'platform'>,
): ResolvedName {
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
  const isContext = lowering.isContext?.(from) === true;
  if (!isContext && findStageByName(declared.stages, from, declared.stages.length) !== undefined) {
    throw new BuildError(
      'DOCKERFILE_INVALID',
      `${instruction.kind === 'copy' ? 'COPY --from' : 'RUN --mount from'}=${from} names this stage or a later one`,
      {
        range,
        hint: 'move that stage up: files can only come from earlier stages',
      },
    );
  }
  if (from === 'scratch') return { kind: 'scratch' };
  // As BuildKit: the build's platform, not the stage's.
  return { kind: 'image', name: from, platform: lowering.platform, range };
}
