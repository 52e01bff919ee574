import { formatPlatform, type ImageConfig, parsePlatform, type Platform } from '@tsbuild/oci';
import type { Dockerfile } from '../../src/dockerfile/instruction.ts';
import { parseDockerfile } from '../../src/dockerfile/parser.ts';
import { WorkLimit } from '../../src/dockerfile/work-limit.ts';
import { BuildError } from '../../src/diagnostics/build-error.ts';
import { BuildArguments, GlobalArguments, platformArguments } from '../../src/plan/build-arguments.ts';
import type { Plan, PlannedTarget } from '../../src/plan/plan.ts';
import type { BuildPlan } from '../../src/plan/platforms/build-plan.ts';
import { planPlatforms } from '../../src/plan/platforms/plan-platforms.ts';
import { checkPlan, planBuild, type PlanOptions } from '../../src/plan/planner.ts';
import { declareStages } from '../../src/plan/stages.ts';
import { planOnly } from '../../testing/plan-only.ts';
import type { StepVertex, Vertex } from '../../src/solver/vertex.ts';
import type { LayerOutput, Rootfs } from '../../src/ops/rootfs.ts';

const PLATFORM: Platform = { os: 'linux', architecture: 'amd64' };
const DIFF_ID = `sha256:${'1'.repeat(64)}` as const;

/** A base image that tests name `base`: every inherited field set, and some that must not be. */
export const BASE: ImageConfig = {
  ...PLATFORM,
  created: '2020-01-02T03:04:05Z',
  author: 'somebody',
  config: {
    User: 'app',
    Env: ['PATH=/bin', 'A=base'],
    Cmd: ['sh'],
    Entrypoint: ['/init'],
    WorkingDir: '/srv',
    Labels: { from: 'base' },
    ExposedPorts: { '80/tcp': {} },
    Hostname: 'abcdef',
  } as ImageConfig['config'] & { Hostname: string },
  rootfs: { type: 'layers', diff_ids: [DIFF_ID] },
  history: [{ created: '2020-01-02T03:04:05Z', created_by: 'base' }],
};

export interface PlanCase {
  readonly buildArgs?: Readonly<Record<string, string | undefined>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly noCacheFilter?: readonly string[];
  /** What commands may reach; the host's network unless told. */
  readonly network?: 'host' | 'none';
  readonly allowed?: readonly string[] | 'all';
  readonly images?: Readonly<Record<string, ImageConfig>>;
  readonly signal?: AbortSignal;
  /** Gets the images that were asked for. */
  readonly asked?: string[];
}

/** Plans a Dockerfile without any file: nothing here may read or execute. */
export async function planOf(
  text: string,
  options: PlanCase = {},
): Promise<Plan & { readonly unconsumed: readonly string[] }> {
  const dockerfile = parseDockerfile({ name: 'Dockerfile', text });
  const args = new BuildArguments(new Map(Object.entries(options.buildArgs ?? {})), options.environment ?? {});
  const plan = await planBuild(dockerfile, planningOf(dockerfile, args, options));
  return { ...plan, unconsumed: args.unconsumed() };
}

/** Plans all stages as `--check` does, and resolves when nothing is wrong with them. */
export async function checkOf(text: string, options: PlanCase = {}): Promise<void> {
  const dockerfile = parseDockerfile({ name: 'Dockerfile', text });
  const args = new BuildArguments(new Map(Object.entries(options.buildArgs ?? {})), {});
  const tolerates = (error: unknown): boolean => error instanceof BuildError && error.code === 'BASE_NOT_FOUND';
  await checkPlan(dockerfile, { ...planningOf(dockerfile, args, options), tolerates });
}

/** Plans a Dockerfile for several platforms, on a machine of the first of them. */
export async function planForAll(
  text: string | Dockerfile,
  platforms: readonly string[],
  options: PlanCase = {},
): Promise<BuildPlan> {
  const dockerfile = typeof text === 'string' ? parseDockerfile({ name: 'Dockerfile', text }) : text;
  const args = new BuildArguments(new Map(Object.entries(options.buildArgs ?? {})), {});
  const [machine = PLATFORM, ...others] = platforms.map(parsePlatform);
  const dependencies = planOnly();
  return planPlatforms(
    dockerfile,
    [machine, ...others].map((target) => {
      const planning = planningOf(dockerfile, args, options, { machine, platform: target });
      // One build has one context, and one sandbox.
      return { ...planning, lowering: { ...planning.lowering, dependencies } };
    }),
  );
}

function unopened(): never {
  throw new Error('planning must not open the context');
}

function planningOf(
  dockerfile: Dockerfile,
  args: BuildArguments,
  options: PlanCase,
  { machine, platform } = { machine: PLATFORM, platform: PLATFORM },
): PlanOptions {
  const { escape } = dockerfile.directives;
  const limit = new WorkLimit();
  return {
    target: options.target,
    noCacheFilter: options.noCacheFilter ?? [],
    signal: options.signal ?? new AbortController().signal,
    resolveImage: async (name, of) => {
      options.asked?.push(`${name} ${formatPlatform(of)}`);
      const config = (options.images ?? { base: BASE })[name];
      if (config === undefined) throw new BuildError('BASE_NOT_FOUND', `no ${name}`);
      return {
        name,
        digest: `sha256:${'b'.repeat(64)}`,
        config,
        layers: config.rootfs.diff_ids.map((digest) => ({ digest })),
      };
    },
    lowering: {
      escape,
      limit,
      arguments: args,
      globals: new GlobalArguments(
        declareStages(dockerfile).globalArgs,
        args,
        platformArguments(machine, platform, options.target ?? 'default'),
        { escape, limit },
      ),
      platform,
      network: options.network ?? 'host',
      limits: { shmSize: undefined, limits: [], hosts: [] },
      allowed: options.allowed === 'all' ? 'all' : new Set(options.allowed ?? []),
      ignoreCache: false,
      context: unopened,
      dependencies: planOnly(),
    },
  };
}

/** The rows of the history as text; rows with a layer are marked. */
export function historyOf(stage: PlannedTarget): string[] {
  return stage.history.map(({ createdBy, step }) => `${step === undefined ? '     ' : 'layer'} ${createdBy}`);
}

/** The definition of the last RUN, as it enters the key. */
export async function lastRun(plan: Plan): Promise<Readonly<Record<string, unknown>>> {
  const step = plan.target.history.findLast(({ createdBy }) => createdBy.startsWith('RUN'))?.step;
  if (step === undefined) throw new Error('no RUN');
  return definitionOf(step);
}

async function definitionOf(step: StepVertex<Rootfs, LayerOutput>): Promise<Readonly<Record<string, unknown>>> {
  const context = { signal: new AbortController().signal, output: () => {}, notice: () => {} };
  const prepared = await step.prepare(
    step.inputs.map(() => ({ layers: [] })),
    context,
  );
  return prepared.preimage.definition as Readonly<Record<string, unknown>>;
}

/** The vertices below one, itself included. */
export function reachable(vertex: Vertex<Rootfs, LayerOutput>): string[] {
  return vertex.kind === 'constant' ? [] : [...vertex.inputs.flatMap(reachable), vertex.id];
}
