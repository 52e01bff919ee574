import { availableParallelism } from 'node:os';
import {
  familiarName,
  formatPlatform,
  formatReference,
  normalizePlatform,
  OciError,
  parsePlatform,
  parseReference,
  type Platform,
  type Reference,
} from '@tsbuild/oci';
import { hostPlatform, type StoredImage } from '@tsbuild/oci/node';
import { AddSources } from './add-sources.ts';
import type { BuildOptions, BuildResult } from './build-options.ts';
import { baseImageResolver } from './base-images.ts';
import { openBuildContext } from './build-context.ts';
import { ContextSources } from './context-sources.ts';
import { lazySandbox } from './defaults.ts';
import type { SourceTree } from './context/source-tree.ts';
import { parseDockerfile } from './dockerfile/parser.ts';
import type { SourceFile } from './dockerfile/source-file.ts';
import { BuildError } from './errors.ts';
import { assembleContent } from './image-assembly.ts';
import { NamedContexts } from './named-contexts.ts';
import { CacheMounts } from './mounts/cache-mounts.ts';
import type { MountSources } from './mounts/mount-sources.ts';
import { Secrets } from './mounts/secrets.ts';
import type { LayerFetcher } from './ops/layer-fetcher.ts';
import { withoutCredentials } from './ops/git-reference.ts';
import { RootfsTrees } from './ops/rootfs-trees.ts';
import type { LayerOutput, Rootfs } from './ops/rootfs.ts';
import { BuildArguments, GlobalArguments, platformArguments } from './plan/build-arguments.ts';
import type { Plan } from './plan/plan.ts';
import type { ImageResolver } from './plan/needed-stages.ts';
import { planBuild } from './plan/planner.ts';
import { declareStages } from './plan/stages.ts';
import type { ProgressReporter } from './progress/reporter.ts';
import { RegistryAccess } from './registry-access.ts';
import { type Solution, solve } from './solver/solver.ts';
import { LayerProvider } from './source/layer-provider.ts';
import type { Store } from './store.ts';

/**
 * Builds an image: Dockerfile → plan → solved graph → image in the store. The story from top to bottom; every part of
 * it is a room of its own.
 * @throws BuildError, OciError; the signal's reason when aborted. The store is whole in every case.
 */
export async function build(
  options: BuildOptions,
  store: Store,
  reporter: ProgressReporter,
  signal: AbortSignal,
): Promise<BuildResult> {
  const started = Date.now();
  const names = options.tags.map(parseTag);
  const platform = targetPlatform(options.platform);
  // From here on no collection deletes what this build finds or makes.
  await using _lease = await store.layout.lease();
  const notice = (message: string): void => reporter.report({ type: 'notice', level: 'warning', message });
  using access = new RegistryAccess(options.registry, reporter);
  using added = new AddSources(options, store);
  using contexts = new ContextSources(store, added, signal);
  if (typeof options.context !== 'string' && options.context.kind === 'url') {
    const message = `loading the build context ${withoutCredentials(options.context.url)}`;
    reporter.report({ type: 'notice', level: 'info', message });
  }
  const context = await openBuildContext(options, contexts);
  const file = context.dockerfile;
  const { blobs } = store.layout;
  const layers = new LayerProvider({
    blobs,
    indexes: store.indexes,
    remotes: store.remotes,
    client: access.client,
    signal,
  });
  const resolveImage = baseImageResolver({ store, platform, pull: options.pull, client: access.client, signal });
  const given = options.contexts ?? new Map<string, string>();
  const named = new NamedContexts({ contexts: given, sources: contexts, store, platform, resolveImage });
  try {
    reporter.report({ type: 'build-started', dockerfile: file.name, ...defined('target', options.target) });
    const plan = await makePlan({
      options,
      store,
      file,
      platform,
      notice,
      layers,
      named,
      resolveImage,
      context: context.tree,
      added,
    });
    reportPlan(plan, reporter);
    if (needsEmulation(plan, platform)) {
      notice(`RUN for ${formatPlatform(platform)} works only where this machine emulates it (binfmt_misc)`);
    }
    const solution = await solve([plan.target.rootfs], {
      cache: store.records,
      reporter,
      signal,
      jobs: options.jobs ?? availableParallelism(),
      now: Date.now,
      sizeOf: (output) => output.layer.size,
    });
    const image = await storeImage(plan, solution, { options, store, platform, names, layers });
    const size = await contentSize(image, store);
    const result = {
      image,
      size,
      names: names.map(formatReference),
      steps: countSteps(solution),
      milliseconds: Date.now() - started,
    };
    reporter.report({
      type: 'image-built',
      id: image.id,
      names: names.map(familiarName),
      size,
      milliseconds: result.milliseconds,
    });
    return result;
  } catch (error) {
    throw error instanceof BuildError && error.range !== undefined ? error.at(error.range, file) : error;
  } finally {
    contexts.save(notice);
  }
}

/** What {@link makePlan} works with. */
interface PlanInput {
  readonly options: BuildOptions;
  readonly store: Store;
  readonly file: SourceFile;
  readonly platform: Platform;
  readonly notice: (message: string) => void;
  readonly layers: LayerFetcher;
  readonly named: NamedContexts;
  readonly resolveImage: ImageResolver;
  readonly context: () => SourceTree;
  readonly added: AddSources;
}

async function makePlan(input: PlanInput): Promise<Plan> {
  const { options, store, file, platform, notice, layers, named, resolveImage, context, added } = input;
  const dockerfile = parseDockerfile(file);
  const args = new BuildArguments(options.buildArgs, options.environment);
  const { escape } = dockerfile.directives;
  const predefined = platformArguments(hostPlatform(), platform, options.target ?? 'default');
  const globals = new GlobalArguments(declareStages(dockerfile).globalArgs, args, predefined, escape);
  const plan = await planBuild(dockerfile, {
    target: options.target,
    noCacheFilter: options.noCacheFilter ?? [],
    resolveImage: async (name) => (await named.find(name)) ?? resolveImage(name),
    lowering: {
      escape,
      arguments: args,
      globals,
      platform,
      network: options.network === 'none' ? 'none' : 'host',
      limits: {
        shmSize: options.shmSize,
        limits: options.limits ?? [],
        hosts: (options.hosts ?? []).map(({ name }) => name),
      },
      allowed: new Set(options.allow ?? []),
      ignoreCache: options.noCache,
      context,
      isContext: (name) => named.has(name),
      dependencies: {
        blobs: store.layout.blobs,
        trees: new RootfsTrees(store.indexes, layers),
        layers,
        ...added.dependencies,
        mounts: mountSources(options, store),
        sandbox: lazySandbox(store, options, notice),
        epoch: options.epoch,
      },
    },
  });
  for (const name of args.unconsumed())
    notice(`--build-arg ${name} was not used: no ARG in the Dockerfile asks for it`);
  for (const name of named.unused())
    notice(`--build-context ${name} was not used: nothing that is built has this name`);
  return plan;
}

function mountSources(options: BuildOptions, store: Store): MountSources {
  return {
    caches: new CacheMounts(store.directory('cache-mounts')),
    secrets: new Secrets(options.secrets ?? new Map(), options.environment),
    agents: options.agents ?? new Map(),
  };
}

function countSteps(solution: Solution<Rootfs, LayerOutput>): BuildResult['steps'] {
  const results = [...solution.results.values()];
  return { total: results.length, cached: results.filter((result) => result.cached).length };
}

/** `{ [key]: value }`, or nothing when the value is undefined. */
function defined<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}

async function contentSize(image: StoredImage, store: Store): Promise<number> {
  const indexes = await Promise.all(image.layers.map(({ digest }) => store.indexes.get(digest)));
  return indexes.reduce((sum, index) => sum + index.contentSize, 0);
}

async function storeImage(
  plan: Plan,
  solution: Solution<Rootfs, LayerOutput>,
  input: {
    readonly options: BuildOptions;
    readonly store: Store;
    readonly platform: Platform;
    readonly names: readonly Reference[];
    readonly layers: LayerFetcher;
  },
): Promise<StoredImage> {
  const [rootfs] = solution.values;
  if (rootfs === undefined) throw new TypeError('the solver returns one value for each wanted vertex');
  const { labels, annotations, epoch } = input.options;
  const { results } = solution;
  const { platform } = input;
  const layers = await input.layers.ensure(rootfs.layers);
  const content = assembleContent({ stage: plan.target, layers, results, platform, labels, annotations, epoch });
  return input.store.layout.add(content, input.names);
}

function reportPlan(plan: Plan, reporter: ProgressReporter): void {
  reporter.report({
    type: 'plan-ready',
    steps: plan.stages.flatMap((stage) =>
      stage.steps.map(({ id, name }, index) => ({
        id,
        stage: stage.label,
        index: index + 1,
        total: stage.steps.length,
        name,
      })),
    ),
  });
}

/** Files of any platform can be copied; commands run on this machine's processor. */
function needsEmulation(plan: Plan, platform: Platform): boolean {
  const runs = plan.stages.some((stage) => stage.history.some(({ createdBy }) => createdBy.startsWith('RUN ')));
  return runs && platform.architecture !== hostPlatform().architecture;
}

function parseTag(tag: string): Reference {
  try {
    const reference = parseReference(tag);
    if (reference.digest === undefined) return reference;
    throw new OciError('REFERENCE_INVALID', 'an image is named by a tag; its digest follows from its content');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BuildError('OPTION_INVALID', `invalid tag ${JSON.stringify(tag)}: ${reason}`, { cause: error });
  }
}

function targetPlatform(text: string | undefined): Platform {
  const host = hostPlatform();
  if (text === undefined) return host;
  const wanted = normalizePlatform(parsePlatform(text));
  if (wanted.os === host.os) return wanted;
  throw new BuildError('NOT_SUPPORTED', `--platform ${text}: only images for ${host.os} can be built`);
}
