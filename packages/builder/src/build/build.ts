import { type Digest, familiarName, formatReference, samePlatform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import { OutputLost } from '../diagnostics/output-lost.ts';
import { withoutCredentials } from '../ops/add/git-reference.ts';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { Plan } from '../plan/plan.ts';
import { planReady } from '../plan/plan-ready.ts';
import type { BuildStarted } from '../progress/event.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import { type Solution, solve } from '../solver/solver.ts';
import type { Store } from '../store/store.ts';
import { BuildHistory } from './build-history.ts';
import type { BuildOptions, BuildResult } from './build-options.ts';
import { countSteps, layersOf } from './build-result.ts';
import { BuildSession } from './build-session.ts';
import { CheckedPlan } from './checked-plan.ts';
import { imageNames } from './image-names.ts';
import { type SolvedImage, solvedImage } from './solved-image.ts';
import { stepClaims } from './step-claims.ts';
import { verifyBuild } from './verify-build.ts';

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
  const history = new BuildHistory(options, store, progress, started);
  const names = imageNames(options);
  tellOrigin(options, history);
  await using session = await BuildSession.open(options, { store, reporter: history, signal });
  try {
    history.report(buildStarted(session));
    const checked = await CheckedPlan.make(session);
    const { plan } = checked;
    history.report(planReady(plan));
    await checkForeignRuns(plan, session);
    const { solution, solved } = await solveWhole(plan, session, history);
    const { content, elsewhere } = solved;
    const image = await (options.cacheOnly === true
      ? store.layout.addUnlisted(content, { elsewhere })
      : store.layout.add(content, names, { elsewhere }));
    session.cache?.offerImage(image.layers, baseLayersOf(plan));
    const layers = await layersOf(image, plan, store);
    const size = layers.reduce((sum, layer) => sum + layer.size, 0);
    const steps = countSteps(solution);
    // What is not here cannot be looked into.
    if (elsewhere.size === 0)
      await checked.warnOfBuilt(image, steps.cached < steps.total ? (run) => history.runs(run) : undefined);
    const inline = await session.cache?.inlineAnnotation(image.layers, options.epoch);
    const inlineCache = inline === undefined ? {} : { inlineCache: inline };
    await session.cache?.finish();
    const milliseconds = Date.now() - started;
    const materials = session.materials.list();
    const result = {
      image,
      size,
      layers,
      names: names.map(formatReference),
      steps,
      materials,
      milliseconds,
      ...inlineCache,
      ...countsOf(session),
    };
    history.report({ type: 'image-built', id: image.id, names: names.map(familiarName), size, milliseconds });
    if (options.verify !== true) return result;
    const verification = await verifyBuild({ plan, results: solution.results, image }, session, progress);
    return { ...result, verification };
  } catch (error) {
    // What its good steps made is shared all the same.
    if (!signal.aborted) await session.cache?.finish().catch(() => undefined);
    throw session.located(error);
  } finally {
    session.save();
    history.save();
  }
}

/** Loading a context may take a while. */
function tellOrigin({ context }: BuildOptions, reporter: ProgressReporter): void {
  if (typeof context === 'string' || context.kind !== 'url') return;
  const message = `loading the build context ${withoutCredentials(context.url)}`;
  reporter.report({ type: 'notice', level: 'info', message });
}

function buildStarted({ file, options: { target } }: BuildSession): BuildStarted {
  return { type: 'build-started', dockerfile: file.name, ...(target === undefined ? {} : { target }) };
}

/**
 * Solves the plan, and solves it again where a layer that a record promised cannot be had: its step runs then, and those
 * that depend on it, as far as its result is another one; all others are cached by now.
 */
async function solveWhole(plan: Plan, session: BuildSession, history: BuildHistory): Promise<Solved> {
  for (let attempt = 1; ; attempt++) {
    try {
      const solution = await solveCached(plan, session, history);
      return { solution, solved: await solvedImage(plan, solution, session) };
    } catch (error) {
      if (!(error instanceof OutputLost) || attempt === MOST_ATTEMPTS) throw error;
      const isGivenUp = session.cache?.lost() === true;
      await session.store.forgetOutput(error.output, Date.now());
      if (isGivenUp) await session.store.forgetAbsentOutputs(Date.now());
      session.notice(`${error.message}; its step runs again`);
    }
  }
}

interface Solved {
  readonly solution: Solution<Rootfs, LayerOutput>;
  readonly solved: SolvedImage;
}

/** More layers than an image can have are never lost one by one. */
const MOST_ATTEMPTS = 200;

function baseLayersOf({ target }: Plan): readonly Digest[] {
  return target.base?.rootfs.diff_ids ?? [];
}

function countsOf({ cache }: BuildSession): Pick<BuildResult, 'cache'> {
  return cache === undefined ? {} : { cache: cache.counts };
}

/** Solves the plan with the store's cache, which explains its misses and is shared with builds beside this one. */
function solveCached(plan: Plan, session: BuildSession, history: BuildHistory): Promise<Solution<Rootfs, LayerOutput>> {
  const { options, store, way } = session;
  const watched = history.watch(plan, options.failOnMiss);
  return solve([plan.target.rootfs], {
    ...way,
    cache: session.cache?.records ?? store.records,
    reporter: history,
    ...stepClaims(options, store, history),
    ...watched,
    ...(watched.explainer === undefined || session.cache === undefined
      ? {}
      : { explainer: session.cache.explainer(watched.explainer) }),
  });
}

/** Files of any platform can be copied; commands run on this machine's processor, or need an emulator. */
async function checkForeignRuns(plan: Plan, session: BuildSession): Promise<void> {
  const host = hostPlatform();
  const isForeign = plan.stages.some(
    ({ steps, platform }) => !samePlatform(platform, host) && steps.some(({ operation }) => operation === 'run'),
  );
  if (isForeign) await (await import('./foreign-runs.ts')).checkForeignRuns(plan, session);
}
