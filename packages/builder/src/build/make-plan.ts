import { formatPlatform, type Platform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import type { AddSources } from './add-sources.ts';
import type { BuildOptions } from './build-options.ts';
import type { SourceTree } from '../context/source-tree.ts';
import { lazySandbox } from './defaults.ts';
import { forPlatform } from '../diagnostics/build-error.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import { WorkLimit } from '../dockerfile/work-limit.ts';
import { CacheMounts } from '../mounts/cache-mounts.ts';
import type { MountSources } from '../mounts/mount-sources.ts';
import { Secrets } from '../mounts/secrets.ts';
import type { LayerFetcher } from '../ops/layer-fetcher.ts';
import { CopyMemory } from '../ops/copy/copy-memory.ts';
import { EarlierCopies } from '../ops/copy/earlier-copies.ts';
import { RootfsTrees } from '../ops/rootfs-trees.ts';
import { BuildArguments, GlobalArguments, platformArguments } from '../plan/build-arguments.ts';
import type { LoweringContext } from '../plan/stage-state.ts';
import type { NamedContexts } from './named-contexts.ts';
import type { ImageResolver } from '../plan/needed-stages.ts';
import type { BuildPlan } from '../plan/platforms/build-plan.ts';
import { planPlatforms } from '../plan/platforms/plan-platforms.ts';
import { checkPlan, type PlanOptions } from '../plan/planner.ts';
import { declareStages } from '../plan/stages.ts';
import type { Store } from '../store/store.ts';

/** What {@link makePlan} works with. */
export interface PlanInput {
  readonly options: BuildOptions;
  readonly store: Store;
  readonly dockerfile: Dockerfile;
  /** At least one. */
  readonly platforms: readonly Platform[];
  readonly notice: (message: string) => void;
  readonly layers: LayerFetcher;
  readonly named: NamedContexts;
  /** Finds named contexts, too. */
  readonly resolveImage: ImageResolver;
  readonly context: () => SourceTree;
  readonly added: AddSources;
  /** Nothing is built of it: rights that commands ask for need not be allowed. */
  readonly checkOnly?: boolean;
  readonly signal: AbortSignal;
}

/** Plans a build: what the options say, put where planning asks for it. @throws BuildError */
export async function makePlan(input: PlanInput): Promise<BuildPlan> {
  const args = new BuildArguments(input.options.buildArgs, input.options.environment);
  const plan = await planPlatforms(input.dockerfile, planOptions(input, args));
  for (const name of args.unconsumed())
    input.notice(`--build-arg ${name} was not used: the Dockerfile has no ARG of this name`);
  for (const name of input.named.unused())
    input.notice(`--build-context ${name} was not used: no stage or image of this build has this name`);
  return plan;
}

/**
 * Plans all stages, or those that the target needs, for what would fail a build.
 * @throws BuildError of the first platform that has one, which it names where there are several
 */
export async function tryPlan(input: PlanInput, tolerates: (error: unknown) => boolean): Promise<void> {
  const args = new BuildArguments(input.options.buildArgs, input.options.environment);
  const all = planOptions({ ...input, checkOnly: true }, args);
  for (const options of all) {
    try {
      await checkPlan(input.dockerfile, { ...options, tolerates });
    } catch (error) {
      throw all.length === 1 ? error : forPlatform(error, formatPlatform(options.lowering.platform));
    }
  }
}

/** How each platform is planned. What looks at files, waits for registries or runs commands is the same for all of them. */
export function planOptions(input: PlanInput, args: BuildArguments): readonly PlanOptions[] {
  const { options, dockerfile, named, resolveImage, context, signal } = input;
  const { escape } = dockerfile.directives;
  const { globalArgs } = declareStages(dockerfile);
  const dependencies = dependenciesOf(input, args);
  return input.platforms.map((platform): PlanOptions => {
    const predefined = platformArguments(hostPlatform(), platform, options.target ?? 'default');
    const limit = new WorkLimit();
    const globals = new GlobalArguments(globalArgs, args, predefined, { escape, limit });
    return {
      target: options.target,
      noCacheFilter: options.noCacheFilter ?? [],
      resolveImage,
      signal,
      lowering: {
        escape,
        limit,
        arguments: args,
        globals,
        platform,
        network: options.network === 'none' ? 'none' : 'host',
        limits: {
          shmSize: options.shmSize,
          limits: options.limits ?? [],
          hosts: options.hosts ?? [],
        },
        allowed: input.checkOnly === true ? 'all' : new Set(options.allow ?? []),
        ignoreCache: options.noCache,
        ...(options.verify === true ? { ignoredBy: '--verify' } : {}),
        context,
        isContext: (name) => named.has(name),
        dependencies,
      },
    };
  });
}

function dependenciesOf(input: PlanInput, args: BuildArguments): LoweringContext['dependencies'] {
  const { options, store, notice, layers, added } = input;
  return {
    copyMemory: new CopyMemory(store.directory('stat')),
    earlierCopies: new EarlierCopies(store.directory('stat'), store.layout.blobs, store.indexes),
    blobs: store.layout.blobs,
    trees: new RootfsTrees(store.indexes, layers),
    layers,
    ...added.dependencies,
    mounts: mountSources(options, store),
    sandbox: lazySandbox(store, { ...options, hostname: args.hostname() }, notice),
    onFailedRun: options.onFailedRun,
    epoch: options.epoch,
  };
}

function mountSources(options: BuildOptions, store: Store): MountSources {
  return {
    caches: new CacheMounts(store.directory('cache-mounts')),
    secrets: new Secrets(options.secrets ?? new Map(), options.environment),
    agents: options.agents ?? new Map(),
  };
}
