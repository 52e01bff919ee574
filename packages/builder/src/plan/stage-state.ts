import type { Digest, ImageConfig, Platform } from '@tsbuild/oci';
import type { Instruction } from '../dockerfile/instruction.ts';
import { expandWord } from '../dockerfile/words.ts';
import type { StepOrigin } from '../cache/step-origin.ts';
import type { SourceTree } from '../context/source-tree.ts';
import { withoutPasswords } from '../ops/git-reference.ts';
import type { OpDependencies } from '../ops/dependencies.ts';
import { EMPTY_ROOTFS, rootfsId } from '../ops/rootfs.ts';
import type { RunLimits } from '../ops/run.ts';
import { atRange } from './at-range.ts';
import type { BuildArguments, GlobalArguments } from './build-arguments.ts';
import { cleanAbsolute } from './paths.ts';
import type { BuildStep, BuildVertex, NamedStep, PlannedHistory, PlannedStage } from './plan.ts';
import { inheritConfig, type RunConfig } from './run-config.ts';
import { StageVariables } from './variables.ts';

/** What all stages of a build share while they are lowered. */
export interface LoweringContext {
  readonly escape: '\\' | '`';
  readonly arguments: BuildArguments;
  readonly globals: GlobalArguments;
  /** `--platform`; stages may have others. */
  readonly platform: Platform;
  readonly network: 'host' | 'none';
  /** `--shm-size`, `--ulimit`, `--add-host`. */
  readonly limits: RunLimits;
  /** `--allow`; `all` where nothing is built, and nobody asks. */
  readonly allowed: ReadonlySet<string> | 'all';
  readonly ignoreCache: boolean;
  /** The flag that says so. */
  readonly ignoredBy?: string;
  /** The build context; opened when the first COPY reads from it. */
  readonly context: () => SourceTree;
  /** Whether there is a named context for this name of a stage or image. */
  readonly isContext?: (name: string) => boolean;
  readonly dependencies: OpDependencies;
}

/** Where a stage starts: a resolved image, an earlier stage, or nothing. */
export interface StageStart {
  readonly label: string;
  /** What commands run for, and what the image says of itself when this is the target. */
  readonly platform: Platform;
  readonly base: ImageConfig | undefined;
  /** The image at the bottom; `scratch` for none. */
  readonly from: { readonly name: string; readonly digest?: Digest };
  readonly rootfs: BuildVertex;
  /** The parent stage, when FROM names one. */
  readonly parent: StageState | undefined;
  /** In place of what a stage inherits from `base`: nothing is added to it, no PATH either. */
  readonly config?: RunConfig;
}

/** The fold over a stage's instructions: config, variables, history and filesystem, as they stand after each line. */
export class StageState {
  readonly label: string;
  readonly platform: Platform;
  readonly context: LoweringContext;
  readonly variables: StageVariables;
  readonly history: PlannedHistory[];
  readonly steps: NamedStep[] = [];
  /** All steps above the base, those of parent stages included. */
  readonly chain: Pick<NamedStep, 'id' | 'source' | 'name'>[];
  readonly from: StageStart['from'];
  config: RunConfig;
  rootfs: BuildVertex;
  author: string | undefined;
  /** CMD was set in this very stage: ENTRYPOINT then does not reset it. */
  commandIsOwn = false;
  readonly #base: ImageConfig | undefined;

  constructor(start: StageStart, context: LoweringContext) {
    const { parent } = start;
    this.label = start.label;
    this.platform = start.platform;
    this.context = context;
    this.#base = start.base;
    this.rootfs = start.rootfs;
    const config = start.config ?? parent?.config;
    this.config = config === undefined ? inheritConfig(start.base?.config) : structuredClone(config);
    if (config === undefined && start.base === undefined) this.config = { ...this.config, WorkingDir: '/' };
    this.author = parent?.author ?? start.base?.author;
    this.chain = [...(parent?.chain ?? [])];
    this.from = start.from;
    this.history = [...(parent?.history ?? [])];
    this.variables = new StageVariables(this.config.Env ?? [], parent?.variables.arguments ?? []);
  }

  /** Absolute and clean, whatever the config says. */
  get workingDirectory(): string {
    return cleanAbsolute(this.config.WorkingDir ?? '/');
  }

  /** A word of this instruction with variables expanded and quotes removed. */
  expand(word: string, instruction: Instruction): string {
    return atRange(instruction.range, () => expandWord(word, this.variables.lookup, { escape: this.context.escape }));
  }

  /** A row without layer. */
  recordMetadata(createdBy: string): void {
    this.history.push({ createdBy, step: undefined });
  }

  /** A row with the layer of `step`, whose filesystem becomes the stage's. */
  recordStep(
    bare: BuildStep,
    instruction: Instruction,
    shown: { readonly createdBy: string; readonly name: string },
  ): void {
    const { createdBy } = shown;
    // They are kept in records and shown in progress.
    const name = withoutPasswords(shown.name);
    const source = withoutPasswords(instruction.text);
    const origin = this.#originOf({
      source,
      name,
      expanded: instruction.kind === 'run' ? {} : this.#mentioned(instruction.text),
    });
    const step: BuildStep = { ...bare, origin };
    this.history.push({ createdBy, step, instruction });
    const operation = instruction.kind === 'run' || instruction.kind === 'workdir' ? instruction.kind : 'copy';
    this.steps.push({ id: step.id, name, source, operation, range: instruction.range });
    this.chain.push({ id: step.id, source, name });
    this.rootfs = step;
  }

  /** Variables whose names stand behind a `$`: more than are expanded (quotes, escapes), but never fewer. */
  #mentioned(source: string): StepOrigin['expanded'] {
    const names = [...source.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name = '']) => name);
    return Object.fromEntries(names.map((name) => [name, withoutPasswords(this.variables.lookup(name) ?? '')]));
  }

  /** Where a step that is recorded now stands; the layers below it are known when it is looked up. */
  #originOf(texts: Pick<StepOrigin, 'source' | 'name' | 'expanded'>): NonNullable<BuildStep['origin']> {
    const chain = [...this.chain];
    const { label, from, context } = this;
    const names = this.variables.argumentNames();
    return ([parent = EMPTY_ROOTFS]) => {
      const layersOfBase = parent.layers.length - chain.length;
      const id = rootfsId({ layers: parent.layers.slice(0, layersOfBase) });
      const above = chain.map((step, i) => ({ ...step, layer: parent.layers[layersOfBase + i]?.digest ?? id }));
      return {
        stage: label,
        ...texts,
        arguments: names,
        base: { name: from.name, ...(from.digest === undefined ? {} : { digest: from.digest }), id },
        above,
        ...(context.ignoreCache ? { ignoredBy: context.ignoredBy ?? '--no-cache' } : {}),
      };
    };
  }

  /** An id for the next step: unique in the build, stable between builds. */
  nextStepId(): string {
    return `${this.label}/${this.steps.length + 1}`;
  }

  planned(): PlannedStage {
    return {
      label: this.label,
      platform: this.platform,
      base: this.#base,
      author: this.author,
      config: this.config,
      history: this.history,
      rootfs: this.rootfs,
      steps: this.steps,
    };
  }
}
