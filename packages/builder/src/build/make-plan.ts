import type { Platform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import type { AddSources } from './add-sources.ts';
import type { BuildOptions } from './build-options.ts';
import type { SourceTree } from '../context/source-tree.ts';
import { lazySandbox } from './defaults.ts';
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
import type { NamedContexts } from './named-contexts.ts';
import type { ImageResolver } from '../plan/needed-stages.ts';
import type { Plan } from '../plan/plan.ts';
import { checkPlan, planBuild, type PlanOptions } from '../plan/planner.ts';
import { declareStages } from '../plan/stages.ts';
import type { Store } from '../store/store.ts';

/** What {@link makePlan} works with. */
export interface PlanInput {
  readonly options: BuildOptions;
  readonly store: Store;
  readonly dockerfile: Dockerfile;
  readonly platform: Platform;
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
export async function makePlan(input: PlanInput): Promise<Plan> {
  const args = new BuildArguments(input.options.buildArgs, input.options.environment);
  const plan = await planBuild(input.dockerfile, planOptions(input, args));
  for (const name of args.unconsumed())
    input.notice(`--build-arg ${name} was not used: the Dockerfile has no ARG of this name`);
  for (const name of input.named.unused())
    input.notice(`--build-context ${name} was not used: no stage or image of this build has this name`);
  return plan;
}

/** Plans all stages, or those that the target needs, for what would fail a build. @throws BuildError */
export async function tryPlan(input: PlanInput, tolerates: (error: unknown) => boolean): Promise<void> {
  const args = new BuildArguments(input.options.buildArgs, input.options.environment);
  await checkPlan(input.dockerfile, { ...planOptions({ ...input, checkOnly: true }, args), tolerates });
}

function planOptions(input: PlanInput, args: BuildArguments): PlanOptions {
  const { options, store, dockerfile, platform, notice, layers, named, resolveImage, context, added, signal } = input;
  const { escape } = dockerfile.directives;
  const predefined = platformArguments(hostPlatform(), platform, options.target ?? 'default');
  const limit = new WorkLimit();
  const globals = new GlobalArguments(declareStages(dockerfile).globalArgs, args, predefined, { escape, limit });
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
      dependencies: {
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
      },
    },
  };
}

function mountSources(options: BuildOptions, store: Store): MountSources {
  return {
    caches: new CacheMounts(store.directory('cache-mounts')),
    secrets: new Secrets(options.secrets ?? new Map(), options.environment),
    agents: options.agents ?? new Map(),
  };
}
