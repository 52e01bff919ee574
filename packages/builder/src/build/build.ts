import { type Digest, familiarName, formatReference, parseReference, samePlatform } from '@tsbuild/oci';
import { hostPlatform, type StoredImage } from '@tsbuild/oci/node';
import { isAttested } from '../attestation/attestation-options.ts';
import { OutputLost } from '../diagnostics/output-lost.ts';
import { withoutCredentials } from '../ops/add/git-reference.ts';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import { plannedOrigins } from '../packages/planned-origins.ts';
import type { BuildPlan, PlatformPlan } from '../plan/platforms/build-plan.ts';
import type { BuildStarted, ImageBuilt } from '../progress/event.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import type { Verification } from '../progress/verification.ts';
import { type Solution, solve } from '../solver/solver.ts';
import type { Store } from '../store/store.ts';
import type { AttestedImages, SolvedPlan } from './attest-images.ts';
import { BuildHistory } from './build-history.ts';
import type { BuildOptions, BuildResult, PlatformResult } from './build-options.ts';
import { countSteps } from './build-result.ts';
import { BuildSession } from './build-session.ts';
import { CheckedPlan } from './checked-plan.ts';
import { imageNames } from './image-names.ts';
import { Annotations } from './platforms/annotations.ts';
import { platformResults, sizeOfAll, storeImages } from './platforms/store-images.ts';
import { type SolvedImage, solvedImages } from './solved-image.ts';
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
  history.enter('context');
  await using session = await BuildSession.open(options, { store, reporter: history, signal });
  try {
    history.enter('plan');
    history.report(buildStarted(session));
    const checked = await CheckedPlan.make(session);
    const { plan } = checked;
    // What cannot be put anywhere is told before a build of minutes.
    Annotations.check(options, plan.platforms);
    history.report(plan.ready());
    history.enter(undefined);
    await checkForeignRuns(plan, session);
    const { solution, solved } = await solveWhole(plan, session, history);
    history.made(plannedOrigins(plan, solution.results));
    history.enter('image');
    const attested = await attestedOf({ plan, solution, solved, names }, session, progress);
    const { image, images } = await storeImages(plan, solved, names, session, attested?.attestations);
    for (const [i, { layers }] of images.entries()) session.cache?.offerImage(layers, baseLayersOf(plan.platforms[i]));
    const built = (await platformResults(plan, images, session)).map((of, i) => withStatements(of, attested, i));
    const size = sizeOfAll(built);
    const steps = countSteps(solution);
    // What is not here cannot be looked into.
    if (solved.every(({ elsewhere }) => elsewhere.size === 0))
      await checked.warnOfBuilt(built, steps.cached < steps.total ? (run) => history.runs(run) : undefined);
    if (steps.cached < steps.total) await checked.warnOfRepeated((id) => history.step(id), solution);
    const inlineCache = await inlineCacheOf(image, session);
    await session.cache?.finish();
    const milliseconds = Date.now() - started;
    const materials = session.materials.list();
    const result = {
      image,
      platforms: built,
      size,
      layers: resultFor(image, built).layers,
      names: names.map(formatReference),
      steps,
      materials,
      milliseconds,
      ...inlineCache,
      ...countsOf(session),
    };
    history.enter(undefined);
    history.report(imageBuilt(result));
    if (options.verify !== true) return result;
    const first = { plan, results: solution.results, images };
    return verified(result, attested?.verifications ?? (await verifyBuild(first, session, progress)));
  } catch (error) {
    // What its good steps made is shared all the same.
    if (!signal.aborted) await session.cache?.finish().catch(() => undefined);
    history.failed(error, signal.aborted);
    throw session.located(history.named(error));
  } finally {
    session.save();
    history.save();
  }
}

/** What is said of the images; loaded only where something is. */
async function attestedOf(
  solved: SolvedPlan,
  session: BuildSession,
  progress: ProgressReporter,
): Promise<AttestedImages | undefined> {
  if (!isAttested(session.options.attestations)) return undefined;
  const { attestImages } = await import('./attest-images.ts');
  return attestImages(solved, session.options.attestations, session, progress);
}

function withStatements(result: PlatformResult, attested: AttestedImages | undefined, i: number): PlatformResult {
  const statements = attested?.attestations[i]?.statements;
  return statements === undefined ? result : { ...result, statements };
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

function imageBuilt({ image, names, platforms, size, milliseconds }: BuildResult): ImageBuilt {
  const { index } = image;
  const each = platforms.map((of) => ({
    platform: of.platform,
    id: of.image.id,
    digest: of.image.manifest.digest,
    size: of.size,
  }));
  return {
    type: 'image-built',
    id: index?.descriptor.digest ?? image.id,
    names: names.map((name) => familiarName(parseReference(name))),
    size,
    milliseconds,
    ...(index === undefined ? {} : { platforms: each }),
  };
}

/** Of one platform's image: an annotation of an index is nothing that a later build of it would look for. */
async function inlineCacheOf(
  { index, layers }: StoredImage,
  { cache, options, notice }: BuildSession,
): Promise<Pick<BuildResult, 'inlineCache'>> {
  const inlineCache = await cache?.inlineAnnotation(layers, options.epoch);
  if (inlineCache === undefined) return {};
  if (index === undefined) return { inlineCache };
  const what = isAttested(options.attestations) ? 'with attestations' : 'for several platforms';
  notice(`--cache-to type=inline: an image ${what} carries no cache; use type=registry`);
  return {};
}

/** The platform that stands for all. */
function resultFor({ id }: StoredImage, platforms: readonly PlatformResult[]): PlatformResult {
  const own = platforms.find(({ image }) => image.id === id) ?? platforms[0];
  if (own === undefined) throw new TypeError('a build has a platform');
  return own;
}

function verified(result: BuildResult, verifications: readonly Verification[]): BuildResult {
  const verification = verifications.find(({ same }) => !same) ?? verifications[0];
  const platforms = result.platforms.map((of, i) => ({
    ...of,
    ...(verifications[i] && { verification: verifications[i] }),
  }));
  return { ...result, platforms, ...(verification === undefined ? {} : { verification }) };
}

/**
 * Solves the plan, and solves it again where a layer that a record promised cannot be had: its step runs then, and those
 * that depend on it, as far as its result is another one; all others are cached by now.
 */
async function solveWhole(plan: BuildPlan, session: BuildSession, history: BuildHistory): Promise<Solved> {
  for (let attempt = 1; ; attempt++) {
    try {
      const solution = await solveCached(plan, session, history);
      return { solution, solved: await solvedImages(plan, solution, session) };
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
  readonly solved: readonly SolvedImage[];
}

/** More layers than an image can have are never lost one by one. */
const MOST_ATTEMPTS = 200;

function baseLayersOf(plan: PlatformPlan | undefined): readonly Digest[] {
  return plan?.target.base?.rootfs.diff_ids ?? [];
}

function countsOf({ cache }: BuildSession): Pick<BuildResult, 'cache'> {
  return cache === undefined ? {} : { cache: cache.counts };
}

/** Solves the plan with the store's cache, which explains its misses and is shared with builds beside this one. */
function solveCached(
  plan: BuildPlan,
  session: BuildSession,
  history: BuildHistory,
): Promise<Solution<Rootfs, LayerOutput>> {
  const { options, store, way } = session;
  const watched = history.watch(plan, options.failOnMiss);
  return solve(plan.roots, {
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
async function checkForeignRuns(plan: BuildPlan, session: BuildSession): Promise<void> {
  const host = hostPlatform();
  const isBuiltAgain = session.options.observer !== undefined;
  for (const each of plan.platforms) {
    const foreign = each.stages.filter(({ platform }) => !samePlatform(platform, host));
    const runs = foreign.some(({ steps }) => steps.some(({ operation }) => operation === 'run'));
    if (runs || (isBuiltAgain && foreign.length > 0))
      await (await import('./foreign-runs.ts')).checkForeignRuns(each, session);
  }
}
