import { formatPlatform, type Platform } from '@tsbuild/oci';
import { fromPlatform } from '../plan/references.ts';
import { type StageDeclaration, stageLabel } from '../plan/stages.ts';
import type { StageScope } from './stage-scope.ts';

/**
 * A `--platform` of a FROM that names a stage changes nothing: the stage has what that one has (moby/moby#42209). Whoever
 * writes it expects another one.
 */
export class StagePlatforms {
  readonly #context: Pick<StageScope, 'input' | 'globals' | 'report' | 'words'>;
  /** Undefined where it cannot be told. */
  readonly #platforms = new Map<StageDeclaration, Platform | undefined>();

  constructor(context: Pick<StageScope, 'input' | 'globals' | 'report' | 'words'>) {
    this.#context = context;
  }

  /** Stages in the order of the file. */
  check(stage: StageDeclaration, parent: StageDeclaration | undefined): void {
    const asked = this.#asked(stage);
    const actual = parent === undefined ? asked : this.#platforms.get(parent);
    this.#platforms.set(stage, actual);
    const { from } = stage;
    if (parent === undefined || from.platform === undefined || asked === undefined || actual === undefined) return;
    const [wanted, has] = [formatPlatform(asked), formatPlatform(actual)];
    if (wanted === has) return;
    const message = `--platform=${from.platform} (${wanted}) has no effect: the stage ${stageLabel(parent)}, which it starts from, is for ${has}. Put --platform there`;
    this.#context.report('StagePlatformIgnored', from, message);
  }

  #asked({ from }: StageDeclaration): Platform | undefined {
    const { input, globals, words } = this.#context;
    try {
      return fromPlatform(from, { ...words, globals, platform: input.platform });
    } catch {
      return undefined; // planning tells what is wrong
    }
  }
}
