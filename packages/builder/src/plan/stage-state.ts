import type { ImageConfig, Platform } from '@tsbuild/oci';
import type { Instruction } from '../dockerfile/instruction.ts';
import { expandWord } from '../dockerfile/words.ts';
import type { SourceTree } from '../context/source-tree.ts';
import type { OpDependencies } from '../ops/dependencies.ts';
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
  readonly platform: Platform;
  readonly network: 'host' | 'none';
  /** `--shm-size`, `--ulimit`, `--add-host`. */
  readonly limits: RunLimits;
  /** `--allow`. */
  readonly allowed: ReadonlySet<string>;
  readonly ignoreCache: boolean;
  /** The build context; opened when the first COPY reads from it. */
  readonly context: () => SourceTree;
  /** Whether there is a named context for this name of a stage or image. */
  readonly isContext?: (name: string) => boolean;
  readonly dependencies: OpDependencies;
}

/** Where a stage starts: a resolved image, an earlier stage, or nothing. */
export interface StageStart {
  readonly label: string;
  readonly base: ImageConfig | undefined;
  readonly rootfs: BuildVertex;
  /** The parent stage, when FROM names one. */
  readonly parent: StageState | undefined;
}

/** The fold over a stage's instructions: config, variables, history and filesystem, as they stand after each line. */
export class StageState {
  readonly label: string;
  readonly context: LoweringContext;
  readonly variables: StageVariables;
  readonly history: PlannedHistory[];
  readonly steps: NamedStep[] = [];
  config: RunConfig;
  rootfs: BuildVertex;
  author: string | undefined;
  /** CMD was set in this very stage: ENTRYPOINT then does not reset it. */
  commandIsOwn = false;
  readonly #base: ImageConfig | undefined;

  constructor(start: StageStart, context: LoweringContext) {
    const { parent } = start;
    this.label = start.label;
    this.context = context;
    this.#base = start.base;
    this.rootfs = start.rootfs;
    this.config = parent === undefined ? inheritConfig(start.base?.config) : structuredClone(parent.config);
    if (parent === undefined && start.base === undefined) this.config = { ...this.config, WorkingDir: '/' };
    this.author = parent?.author ?? start.base?.author;
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
  recordStep(step: BuildStep, createdBy: string, name: string, instruction: Instruction): void {
    this.history.push({ createdBy, step, instruction });
    this.steps.push({ id: step.id, name });
    this.rootfs = step;
  }

  /** An id for the next step: unique in the build, stable between builds. */
  nextStepId(): string {
    return `${this.label}/${this.steps.length + 1}`;
  }

  planned(): PlannedStage {
    return {
      label: this.label,
      base: this.#base,
      author: this.author,
      config: this.config,
      history: this.history,
      rootfs: this.rootfs,
      steps: this.steps,
    };
  }
}
