import { availableParallelism } from 'node:os';
import { familiarName, formatPlatform, formatReference, OciError, parseReference, type Reference } from '@tsbuild/oci';
import { hostPlatform, type StoredImage } from '@tsbuild/oci/node';
import { AddSources } from './add-sources.ts';
import type { BuildOptions, BuildResult } from './build-options.ts';
import { baseImageResolver } from './base-images.ts';
import { openBuildContext } from './build-context.ts';
import { BuildHistory } from './build-history.ts';
import { Checks } from './checks.ts';
import { ContextSources } from './context-sources.ts';
import { parseDockerfile } from '../dockerfile/parser.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { assembleContent } from './image-assembly.ts';
import { layerFindings, withHistory } from './layer-checks.ts';
import type { Finding } from '../lint/finding.ts';
import { ruleOf } from '../lint/rules.ts';
import { NamedContexts } from './named-contexts.ts';
import { withoutCredentials } from '../ops/add/git-reference.ts';
import type { LayerFetcher } from '../ops/layer-fetcher.ts';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import { makePlan } from './make-plan.ts';
import type { Plan } from '../plan/plan.ts';
import { planReady } from '../plan/plan-ready.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import { RegistryAccess } from '../source/registry-access.ts';
import { type Solution, solve } from '../solver/solver.ts';
import { stepClaims } from './step-claims.ts';
import type { Store } from '../store/store.ts';
import { targetPlatform } from './target-platform.ts';
import { verifyBuild } from './verify-build.ts';

/** Steps at once where the machine has fewer processors: many of them wait, for a registry or the disk. */
const FEWEST_JOBS = 4;

/**
 * Builds an image: Dockerfile → plan → solved graph → image in the store. The story from top to bottom; every part of
 * it is a room of its own.
 * @throws BuildError, OciError; the signal's reason when aborted. The store is whole in every case.
 */
export async function build(
  wanted: BuildOptions,
  store: Store,
  progress: ProgressReporter,
  signal: AbortSignal,
): Promise<BuildResult> {
  const started = Date.now();
  // A step out of the cache would be compared with nothing.
  const options = wanted.verify === true ? { ...wanted, noCache: true } : wanted;
  const reporter = new BuildHistory(options, store, progress, started);
  const names = options.cacheOnly === true ? [] : options.tags.map(parseTag);
  const platform = targetPlatform(options.platform);
  // From here on no collection deletes what this build finds or makes.
  await using _lease = await store.layout.lease();
  const notice = (message: string): void => reporter.report({ type: 'notice', level: 'warning', message });
  using access = new RegistryAccess(options.registry, reporter);
  using added = new AddSources(options, store, reporter);
  using contexts = new ContextSources(store, added, signal, options.observer);
  if (typeof options.context !== 'string' && options.context.kind === 'url') {
    const message = `loading the build context ${withoutCredentials(options.context.url)}`;
    reporter.report({ type: 'notice', level: 'info', message });
  }
  const context = await openBuildContext(options, contexts);
  const file = context.dockerfile;
  const layers = store.layers(access.client, signal);
  const resolveImage = baseImageResolver({ store, pull: options.pull, client: access.client, signal });
  const given = options.contexts ?? new Map<string, string>();
  const named = new NamedContexts({ contexts: given, sources: contexts, store, resolveImage });
  try {
    reporter.report({ type: 'build-started', dockerfile: file.name, ...defined('target', options.target) });
    const dockerfile = parseDockerfile(file);
    const checks = new Checks({ options, file, dockerfile, platform });
    const warn = (findings: readonly Finding[]): void => {
      for (const finding of findings) reporter.report(checks.warning(finding));
    };
    const input = {
      options,
      store,
      dockerfile,
      platform,
      notice,
      layers,
      named,
      resolveImage: checks.watch(async (name, of) => (await named.find(name, of)) ?? resolveImage(name, of)),
      context: context.tree,
      added,
      signal,
    };
    // What is odd in the Dockerfile often is why it cannot be planned.
    const findings = (): readonly Finding[] => checks.findings({ target: options.target });
    const plan = await makePlan(input).catch((error: unknown) => {
      warn(findings());
      throw error;
    });
    const found = findings();
    warn(found.filter(({ rule }) => ruleOf(rule).own !== true));
    checks.enforce(found);
    reporter.report(planReady(plan));
    for (const other of emulated(plan))
      notice(`RUN for ${other} works only where this machine emulates it (binfmt_misc)`);
    const way = {
      signal,
      jobs: options.jobs ?? Math.max(FEWEST_JOBS, availableParallelism()),
      now: Date.now,
      sizeOf: (output: LayerOutput) => output.layer.size,
    };
    const watched = reporter.watch(plan, options.failOnMiss);
    const cached = { cache: store.records, ...stepClaims(options, store, reporter) };
    const solution = await solve([plan.target.rootfs], { ...way, ...cached, reporter, ...watched });
    const image = await storeImage(plan, solution, { options, store, names, layers });
    const byLayer = await layersOf(image, plan, store);
    const size = byLayer.reduce((sum, layer) => sum + layer.size, 0);
    const own = found.filter(({ rule }) => ruleOf(rule).own === true);
    const steps = countSteps(solution);
    // What it costs is told where time was spent.
    warn(steps.cached < steps.total ? withHistory(own, (run) => reporter.runs(run)) : own);
    warn(checks.wanted(await layerFindings(plan, image, store)));
    const result = {
      image,
      size,
      layers: byLayer,
      names: names.map(formatReference),
      steps,
      milliseconds: Date.now() - started,
    };
    reporter.report({
      type: 'image-built',
      id: image.id,
      names: names.map(familiarName),
      size,
      milliseconds: result.milliseconds,
    });
    if (options.verify !== true) return result;
    const first = { plan, results: solution.results, image, dockerfile: file.name };
    const verification = await verifyBuild(first, { ...way, store, options, layers, progress });
    return { ...result, verification };
  } catch (error) {
    throw error instanceof BuildError && error.range !== undefined ? error.at(error.range, file) : error;
  } finally {
    contexts.save(notice);
    reporter.save();
  }
}

function countSteps(solution: Solution<Rootfs, LayerOutput>): BuildResult['steps'] {
  const results = [...solution.results.values()];
  return {
    total: results.length,
    cached: results.filter((result) => result.cached).length,
    saved: results.reduce((sum, { saved }) => sum + saved, 0),
  };
}

/** `{ [key]: value }`, or nothing when the value is undefined. */
function defined<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}

/** What each layer adds: those of the base first, which no step of this Dockerfile made. */
async function layersOf(image: StoredImage, plan: Plan, store: Store): Promise<BuildResult['layers']> {
  const names = new Map(plan.stages.flatMap(({ steps }) => steps.map(({ id, name }) => [id, name] as const)));
  const made = plan.target.history.flatMap(({ step }) => (step === undefined ? [] : [names.get(step.id)]));
  const ofBase = image.layers.length - made.length;
  const indexes = await Promise.all(image.layers.map(({ digest }) => store.indexes.get(digest)));
  return indexes.map(({ contentSize }, i) => {
    const step = made[i - ofBase];
    return { size: contentSize, ...(step === undefined ? {} : { step }) };
  });
}

async function storeImage(
  plan: Plan,
  solution: Solution<Rootfs, LayerOutput>,
  input: {
    readonly options: BuildOptions;
    readonly store: Store;
    readonly names: readonly Reference[];
    readonly layers: LayerFetcher;
  },
): Promise<StoredImage> {
  const [rootfs] = solution.values;
  if (rootfs === undefined) throw new TypeError('the solver returns one value for each wanted vertex');
  const { labels, annotations, epoch } = input.options;
  const { results } = solution;
  const layers = await input.layers.ensure(rootfs.layers);
  const content = assembleContent({ stage: plan.target, layers, results, labels, annotations, epoch });
  const { layout } = input.store;
  return input.options.cacheOnly === true ? layout.addUnlisted(content) : layout.add(content, input.names);
}

/** Files of any platform can be copied; commands run on this machine's processor. */
function emulated(plan: Plan): ReadonlySet<string> {
  const { architecture } = hostPlatform();
  const stages = plan.stages.filter((stage) => stage.steps.some(({ operation }) => operation === 'run'));
  const others = stages.filter(({ platform }) => platform.architecture !== architecture);
  return new Set(others.map(({ platform }) => formatPlatform(platform)));
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
