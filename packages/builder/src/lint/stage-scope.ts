import type { ImageConfig } from '@tsbuild/oci';
import type { Instruction } from '../dockerfile/instruction.ts';
import type { GlobalArguments } from '../plan/build-arguments.ts';
import { DEFAULT_PATH } from '../ops/default-path.ts';
import type { ExpandOptions } from '../dockerfile/words.ts';
import type { WorkLimit } from '../dockerfile/work-limit.ts';
import { pairsOf, StageVariables } from '../plan/variables.ts';
import type { Report } from './finding.ts';
import type { LintInput } from './lint-input.ts';

/** What a stage starts from, as far as checks know it. */
export type StageBase =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly scope: StageScope }
  /** `config`: undefined when nobody knows the image. */
  | { readonly kind: 'image'; readonly name: string; readonly config: ImageConfig | undefined };

/** What is known of a stage at an instruction, while its checks walk from one to the next. */
export class StageScope {
  readonly input: LintInput;
  readonly globals: GlobalArguments;
  readonly report: Report;
  /** How words are expanded. */
  readonly words: ExpandOptions & { readonly limit: WorkLimit };
  readonly variables: StageVariables;
  /** False where the base image's variables are not known: any name may be set then. */
  readonly isKnown: boolean;
  /** Names of ARGs so far, those of parent stages too. */
  readonly declared: Set<string>;
  /** The last CMD, ENTRYPOINT and HEALTHCHECK of this very stage. */
  readonly last = new Map<Instruction['kind'], Instruction>();
  /** ONBUILD of this stage: what stages on it run first. */
  readonly triggers: string[] = [];
  hasWorkdir: boolean;
  hasShell: boolean;

  /** @throws BuildError when the file's {@link WorkLimit} is reached */
  constructor(base: StageBase, context: Pick<StageScope, 'input' | 'globals' | 'report' | 'words'>) {
    this.input = context.input;
    this.globals = context.globals;
    this.report = context.report;
    this.words = context.words;
    const parent = base.kind === 'stage' ? base.scope : undefined;
    const config = base.kind === 'image' ? base.config?.config : undefined;
    const inherited = parent?.variables.arguments ?? [];
    this.words.limit.entries((parent?.variables.size ?? 0) + inherited.length + (parent?.declared.size ?? 0));
    const env = parent?.variables.entries() ?? pairsOf(config?.Env ?? []);
    this.variables = new StageVariables(env, inherited);
    if (this.variables.lookup('PATH') === undefined) this.variables.set('PATH', DEFAULT_PATH);

    this.isKnown = parent?.isKnown ?? (base.kind === 'scratch' || config !== undefined || isEmpty(base));
    this.declared = new Set(parent?.declared ?? []);
    this.hasWorkdir = parent?.hasWorkdir ?? false;
    this.hasShell = parent?.hasShell ?? (config?.Shell ?? []).length > 0;
  }
}

/** An image that is known and has no `config` at all. */
function isEmpty(base: StageBase): boolean {
  return base.kind === 'image' && base.config !== undefined;
}
