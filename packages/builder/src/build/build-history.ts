import { resolve, join } from 'node:path';
import { familiarName, formatPlatform, parseReference, type Platform, samePlatform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import type { BuildOptions } from './build-options.ts';
import { existingDockerfile } from '../context/dockerfile-name.ts';
import type { Dockerfile, Instruction } from '../dockerfile/instruction.ts';
import { BuildError, forPlatform } from '../diagnostics/build-error.ts';
import type { BuildOrigins } from '../explain/build-origins.ts';
import type { RecordedPhase, RecordedStep } from '../explain/build-record.ts';
import { type BuildFacts, BuildRecorder } from '../explain/build-recorder.ts';
import { Explainer } from '../explain/explainer.ts';
import { maskedValue } from '../explain/mask.ts';
import { type IndexedStep, StepIndex, type StepRuns, sumOf } from '../explain/step-index.ts';
import { withoutCredentials, withoutPasswords } from '../ops/add/git-reference.ts';
import type { BuildPlan, ListedStep } from '../plan/platforms/build-plan.ts';
import { declareStages, stageLabel } from '../plan/stages.ts';
import type { ProgressEvent } from '../progress/event.ts';
import type { MissReason } from '../progress/miss-reason.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import type { SolveOptions } from '../solver/solver.ts';
import type { Store } from '../store/store.ts';
import { plannedFacts } from './planned-facts.ts';

/**
 * What a build leaves for later ones to explain themselves with, and what it knows of earlier ones. A reporter that passes
 * everything on and remembers it; {@link save} writes it down.
 */
export class BuildHistory implements ProgressReporter {
  readonly #store: Store;
  readonly #reporter: ProgressReporter;
  readonly #recorder: BuildRecorder;
  readonly #index: StepIndex;
  readonly #onRecord: BuildOptions['onRecord'];
  #plan: BuildPlan | undefined;
  #failed: string | undefined;

  constructor(options: BuildOptions, store: Store, reporter: ProgressReporter, started: number) {
    this.#store = store;
    this.#reporter = reporter;
    const dockerfile = dockerfileOf(options);
    this.#recorder = new BuildRecorder(started, factsOf(options, dockerfile));
    this.#onRecord = options.onRecord;
    this.#index = new StepIndex(store.directory('explain'), dockerfile);
  }

  report(event: ProgressEvent): void {
    this.#recorder.apply(event);
    if (event.type === 'step-failed' && event.canceled !== true) this.#failed ??= event.id;
    this.#reporter.report(event);
  }

  /** What the solver needs to tell misses, and to stop at them. @throws BuildError `OPTION_INVALID` */
  watch(plan: BuildPlan, failOnMiss: string | undefined): Pick<SolveOptions<unknown>, 'explainer' | 'onMiss'> {
    this.#plan = plan;
    this.#recorder.planned(plannedFacts(plan));
    const explained = plan
      .stages()
      .flatMap(({ stage, of }) => stage.steps.map((step) => ({ ...step, stage: indexedName(stage.label, of) })));
    const { steps } = plan;
    const numbers = new Map(steps.map(({ id }, i) => [id, i + 1]));
    const explainer = new Explainer(explained, this.#index, this.#store.records, numbers);
    if (failOnMiss === undefined) return { explainer };
    const forbidden = new Set(steps.filter((step, i) => isMeant(failOnMiss, step, i + 1)).map(({ id }) => id));
    if (failOnMiss !== '' && forbidden.size === 0) throw noSuchStep(failOnMiss, steps);
    return {
      explainer,
      onMiss: (id, reason) => {
        const number = steps.findIndex((step) => step.id === id) + 1;
        const step = steps[number - 1];
        if (step !== undefined && forbidden.has(id)) throw missed(step, number, reason);
      },
    };
  }

  /** An error that names the platform of the step that failed, where the build has several. */
  named(error: unknown): unknown {
    const platform = this.#plan?.steps.find(({ id }) => id === this.#failed)?.platform;
    return platform === undefined ? error : forPlatform(error, platform);
  }

  /** How often a RUN of the plan has run so far, in this build too; undefined when that is not known. */
  runs(instruction: Instruction): StepRuns | undefined {
    for (const { stage, of } of this.#plan?.stages() ?? []) {
      const step = stage.steps.find(({ range }) => range === instruction.range);
      if (step !== undefined) {
        return sumOf(this.#index.runs(indexedName(stage.label, of), step.source), this.#ran(step.id));
      }
    }
    return undefined;
  }

  /** What became of a step so far. */
  step(id: string): RecordedStep | undefined {
    return this.#recorder.step(id);
  }

  /** What this build has executed of a step. */
  #ran(id: string): StepRuns | undefined {
    const step = this.step(id);
    return step?.state === 'run' ? { times: 1, milliseconds: step.milliseconds ?? 0 } : undefined;
  }

  /** Which steps made the layers of the images: what packages and attestations are told by. */
  made(origins: BuildOrigins): void {
    this.#recorder.made(origins);
  }

  /** What the build does now, where that is no step. */
  enter(phase: RecordedPhase['kind'] | undefined): void {
    this.#recorder.enter(phase);
  }

  failed(error: unknown, isGivenUp: boolean): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#recorder.failed({ code: error instanceof BuildError ? error.code : 'ERROR', message }, isGivenUp);
  }

  /** Writes down what happened so far: also of a build that failed. Never throws. */
  save(): void {
    try {
      this.#save();
    } catch {
      // Explanations are lost, and nothing else.
    }
  }

  #save(): void {
    this.#recorder.ended();
    const { record } = this.#recorder;
    if (this.#plan === undefined) return;
    const keys = new Map(
      record.steps.flatMap(({ id, key, state }) =>
        key !== undefined && (state === 'cached' || state === 'run') ? [[id, [key]]] : [],
      ),
    );
    for (const { stage, of } of this.#plan.stages()) {
      const steps = stage.steps.map(({ id, operation, source }): IndexedStep => {
        const ran = this.#ran(id);
        return { operation, source, keys: keys.get(id) ?? [], ...(ran === undefined ? {} : { ran }) };
      });
      this.#index.rememberStage(indexedName(stage.label, of), steps);
      stage.steps.forEach(({ id }, i) => {
        const step = steps[i];
        const ran = this.step(id)?.state === 'run';
        if (ran && step !== undefined) this.#index.rememberText(step);
      });
    }
    for (const { state, key } of record.steps) {
      if (state === 'cached' && key !== undefined) this.#store.records.countUse(key);
    }
    this.#store.builds.put(record);
    this.#onRecord?.(record);
  }
}

/** How often a RUN has run, for what builds nothing. */
export function earlierRuns(
  options: BuildOptions,
  store: Store,
  dockerfile: Dockerfile,
): (run: Instruction) => StepRuns | undefined {
  const index = new StepIndex(store.directory('explain'), dockerfileOf(options));
  const { stages } = declareStages(dockerfile);
  return (run) => {
    const stage = stages.find(({ instructions }) => instructions.includes(run));
    return stage === undefined ? undefined : index.runs(stageLabel(stage), withoutPasswords(run.text));
  };
}

function factsOf(options: BuildOptions, project: string): BuildFacts {
  const { tags, platform, platforms, buildArgs, environment, version = 'unknown' } = options;
  const host = formatPlatform(hostPlatform());
  const given = [...buildArgs].flatMap(([name, value = environment[name]]) =>
    value === undefined ? [] : [[name, maskedValue(name, value)] as const],
  );
  return {
    project: withoutCredentials(project),
    names: tags.map((tag) => familiarName(parseReference(tag))),
    platforms: platforms ?? [platform ?? host],
    arguments: Object.fromEntries(given),
    builder: { version, platform: host },
  };
}

/** What stands for the Dockerfile from build to build: its path, or where it comes from. */
function dockerfileOf({ context, dockerfile, dockerfileText }: BuildOptions): string {
  const place = typeof context === 'string' ? resolve(context) : context.kind === 'url' ? context.url : '-';
  if (dockerfileText !== undefined) return `${place}/-`;
  if (typeof context !== 'string') return `${place} ${dockerfile ?? ''}`;
  return existingDockerfile(resolve(dockerfile ?? join(context, 'Dockerfile')));
}

/** A stage in the index of earlier steps: another platform's are other steps. This machine's needs no name. */
function indexedName(label: string, platform: Platform): string {
  return samePlatform(platform, hostPlatform()) ? label : `${label} ${formatPlatform(platform)}`;
}

/** `--fail-on-miss` names steps by number (`5`), by stage (`build`), or by both (`build/2`); empty means all. */
function isMeant(wanted: string, { stage, id, index }: ListedStep, number: number): boolean {
  if (wanted === '' || wanted === String(number)) return true;
  return [stage, `${stage}/${index}`, id].includes(wanted.toLowerCase());
}

function missed(step: ListedStep, number: number, { summary, kind }: MissReason): BuildError {
  const why = kind === 'changed' || kind === 'no-cache' ? summary : `it is not in the cache: ${summary}`;
  return new BuildError('CACHE_MISS', `step #${number} ${step.name} would have to run: ${why}`, {
    range: step.range,
    hint: '--fail-on-miss does not allow it; `tsbuild cache explain last` gives details',
  });
}

function noSuchStep(wanted: string, steps: readonly ListedStep[]): BuildError {
  const names = [...new Set(steps.map(({ stage }) => stage))].join(', ');
  return new BuildError('OPTION_INVALID', `--fail-on-miss=${wanted}: no such step`, {
    hint: `expected a number (1 to ${steps.length}), a stage (${names}), or both: ${steps[0]?.id ?? 'build/2'}`,
  });
}
