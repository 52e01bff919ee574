import type { Digest, ImageConfig, Platform } from '@tsbuild/oci';
import type { Instruction } from '../dockerfile/instruction.ts';
import { expandWord } from '../dockerfile/words.ts';
import type { WorkLimit } from '../dockerfile/work-limit.ts';
import type { StepOrigin } from '../cache/step-origin.ts';
import type { SourceTree } from '../context/source-tree.ts';
import { withoutPasswords } from '../ops/add/git-reference.ts';
import type { OpDependencies } from '../ops/dependencies.ts';
import { EMPTY_ROOTFS, rootfsId } from '../ops/rootfs.ts';
import type { RunLimits } from '../ops/run/run.ts';
import { atRange } from './at-range.ts';
import type { BuildArguments, GlobalArguments } from './build-arguments.ts';
import { ConfigTables, withoutTables } from './config-tables.ts';
import { cleanAbsolute } from './paths.ts';
import type { BuildStep, BuildVertex, NamedStep, PlannedHistory, PlannedStage, PlannedTarget } from './plan.ts';
import type { StepMaker } from './platforms/shared-steps.ts';
import { inheritConfig, type RunConfig } from './run-config.ts';
import { pairsOf, StageVariables } from './variables.ts';

/** What all stages of a build share while they are lowered. */
export interface LoweringContext {
  readonly escape: '\\' | '`';
  /** What the whole file may cost. */
  readonly limit: WorkLimit;
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
  /** Of a build for several platforms: what they share. */
  readonly shared?: StepMaker;
}

/** A step that has no id yet. */
export interface NewStep {
  /** What decides what it does: two with equal requests are the same step. */
  readonly request: object;
  readonly make: (id: string) => BuildStep;
}

/** Where a stage starts: a resolved image, an earlier stage, or nothing. */
export interface StageStart {
  readonly label: string;
  /** Its place among the Dockerfile's stages, from 0. */
  readonly index: number;
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
  readonly index: number;
  readonly platform: Platform;
  readonly context: LoweringContext;
  readonly variables: StageVariables;
  readonly steps: NamedStep[] = [];
  readonly from: StageStart['from'];
  /** The base image's config document, that of the parent stages' base for a stage on a stage. */
  readonly base: ImageConfig | undefined;
  /** What of the config grows: {@link finishedConfig} puts it together. */
  readonly tables: ConfigTables;
  /** The rest of it. */
  config: RunConfig;
  rootfs: BuildVertex;
  author: string | undefined;
  /** CMD was set in this very stage: ENTRYPOINT then does not reset it. */
  commandIsOwn = false;
  readonly #parent: StageState | undefined;
  readonly #rows: PlannedHistory[] = [];

  constructor(start: StageStart, context: LoweringContext) {
    const { parent } = start;
    this.label = start.label;
    this.index = start.index;
    this.platform = start.platform;
    this.context = context;
    this.base = start.base;
    this.#parent = parent;
    this.rootfs = start.rootfs;
    const config = start.config ?? parent?.config;
    this.config = config ?? inheritConfig(start.base?.config);
    if (config === undefined && start.base === undefined) this.config = { ...this.config, WorkingDir: '/' };
    this.author = parent?.author ?? start.base?.author;
    this.from = start.from;
    const inherited = parent?.variables.arguments ?? [];
    context.limit.entries((parent?.tables.size ?? 0) + inherited.length);
    this.tables = new ConfigTables(parent?.tables ?? this.config);
    this.config = withoutTables(this.config);
    this.variables = new StageVariables(pairsOf(this.tables.environment), inherited);
  }

  /** Absolute and clean, whatever the config says. */
  get workingDirectory(): string {
    return cleanAbsolute(this.config.WorkingDir ?? '/');
  }

  /** A word of this instruction with variables expanded and quotes removed. */
  expand(word: string, instruction: Instruction): string {
    return atRange(instruction.range, () => expandWord(word, this.variables.lookup, this.context));
  }

  /** A row without layer. */
  recordMetadata(createdBy: string): void {
    this.#rows.push({ createdBy, step: undefined });
  }

  /** A row with the layer of `step`, whose filesystem becomes the stage's. */
  recordStep(
    wanted: NewStep,
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
    const step = this.makeStep({ ...wanted, make: (id) => ({ ...wanted.make(id), origin }) });
    this.#rows.push({ createdBy, step, instruction });
    const operation = instruction.kind === 'run' || instruction.kind === 'workdir' ? instruction.kind : 'copy';
    this.steps.push({ id: step.id, name, source, operation, range: instruction.range });
    this.rootfs = step;
  }

  /** Variables whose names stand behind a `$`: more than are expanded (quotes, escapes), but never fewer. */
  #mentioned(source: string): StepOrigin['expanded'] {
    const names = [...source.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name = '']) => name);
    return Object.fromEntries(names.map((name) => [name, withoutPasswords(this.variables.lookup(name) ?? '')]));
  }

  /** Where a step that is recorded now stands; the layers below it are known when it is looked up. */
  #originOf(texts: Pick<StepOrigin, 'source' | 'name' | 'expanded'>): NonNullable<BuildStep['origin']> {
    const { label, from, context } = this;
    const count = this.steps.length;
    const names = this.variables.argumentNames();
    return ([parent = EMPTY_ROOTFS]) => {
      const chain = this.#chain(count);
      const layersOfBase = parent.layers.length - chain.length;
      const id = rootfsId({ layers: parent.layers.slice(0, layersOfBase) });
      const above = chain.map(({ id: step, source, name }, i) => ({
        id: step,
        source,
        name,
        layer: parent.layers[layersOfBase + i]?.digest ?? id,
      }));
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

  /** The next step. Its id is unique in the build, and stable between builds. */
  makeStep({ request, make }: NewStep): BuildStep {
    const place = `${this.label}/${this.steps.length + 1}`;
    const { shared } = this.context;
    if (shared === undefined) return make(place);
    // The base's name is no part of what a step does, but of what is told of it.
    return shared.step(place, [this.from, request], make);
  }

  /** The config with all that was added to it. */
  finishedConfig(): RunConfig {
    return { ...this.config, ...this.tables.fields() };
  }

  planned(): PlannedStage {
    const { label, index, platform, rootfs, steps } = this;
    const parent = this.#parent;
    return { label, index, platform, rootfs, steps, ...(parent === undefined ? {} : { parent: parent.index }) };
  }

  /** With config and history, which hold those of the stages below. */
  plannedTarget(): PlannedTarget {
    const { base, author } = this;
    return { ...this.planned(), base, author, config: this.finishedConfig(), history: this.#history() };
  }

  /** This stage and the stages below it, lowest first. */
  #lineage(): readonly StageState[] {
    const stages: StageState[] = [this];
    for (let below = this.#parent; below !== undefined; below = below.#parent) stages.push(below);
    return stages.toReversed();
  }

  #history(): readonly PlannedHistory[] {
    return this.#lineage().flatMap((stage) => stage.#rows);
  }

  /** All steps above the base, those of parent stages included, and `own` of this stage. */
  #chain(own: number): readonly NamedStep[] {
    return this.#lineage().flatMap((stage) => (stage === this ? stage.steps.slice(0, own) : stage.steps));
  }
}
