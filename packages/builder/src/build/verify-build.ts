import { setTimeout as delay } from 'node:timers/promises';
import { formatPlatform, sha256Digest } from '@tsbuild/oci';
import type { StoredImage } from '@tsbuild/oci/node';
import type { BuildSession } from './build-session.ts';
import { MemoryCacheStore } from '../cache/memory-cache-store.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { BuildPlan } from '../plan/platforms/build-plan.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import { type Solution, solve } from '../solver/solver.ts';
import { solvedImages } from './solved-image.ts';
import { differentSteps } from '../verify/different-steps.ts';
import type { Verification } from '../progress/verification.ts';

/** A command that writes the time down should see another second than the first time. Milliseconds. */
const OTHER_SECOND = 1100;

/** What was built the first time. */
interface FirstBuild {
  readonly plan: BuildPlan;
  readonly results: Solution<Rootfs, LayerOutput>['results'];
  /** Each platform's. */
  readonly images: readonly Pick<StoredImage, 'id'>[];
}

/**
 * Executes every step of a plan once more and compares. Records, names and explanations stay those of the first build; of the
 * second one only layers are left that nothing refers to, when they are not the same.
 * @param progress is told of the second build as of the first; what explains later misses does not hear of it
 * @returns the answer for each platform
 * @throws BuildError of a step that failed this time
 */
export async function verifyBuild(
  first: FirstBuild,
  session: BuildSession,
  progress: ProgressReporter,
): Promise<readonly Verification[]> {
  const { plan, images } = first;
  const { store, signal } = session;
  const report = progress.report.bind(progress);
  report({ type: 'notice', level: 'info', message: 'building again without the cache, to compare' });
  report(plan.ready());
  if (plan.steps.some(({ operation }) => operation === 'run')) await delay(OTHER_SECOND, undefined, { signal });
  const solution = await solveAgain(plan, session, progress);
  const second = await solvedImages(plan, solution, session);
  const both = [first.results, solution.results] as const;
  const numbers = new Map(plan.steps.map(({ id }, i) => [id, i + 1]));
  const verifications: Verification[] = [];
  for (const [i, { platform, ...graph }] of plan.platforms.entries()) {
    const [image, again] = [images[i], second[i]];
    if (image === undefined || again === undefined) throw new TypeError('both builds have an image for each platform');
    const id = sha256Digest(again.content.config);
    const steps = await differentSteps(graph, both, (layer) => store.indexes.get(layer), numbers);
    const verification: Verification = {
      same: id === image.id,
      ids: [image.id, id],
      dockerfile: session.file.name,
      steps,
      onlyTimes: id !== image.id && steps.every(({ total, timesOnly }) => total > 0 && total === timesOnly),
    };
    const which = plan.isForSeveral ? { platform: formatPlatform(platform) } : {};
    report({ type: 'build-verified', ...verification, ...which });
    verifications.push(verification);
  }
  return verifications;
}

async function solveAgain(
  plan: BuildPlan,
  { way }: BuildSession,
  reporter: ProgressReporter,
): Promise<Solution<Rootfs, LayerOutput>> {
  try {
    const cache = new MemoryCacheStore<LayerOutput>();
    return await solve(plan.roots, { ...way, cache, reporter });
  } catch (error) {
    if (!(error instanceof BuildError) || way.signal.aborted) throw error;
    const { code, range, source, output, exitCode } = error;
    throw new BuildError(code, `the second build failed: ${error.message}`, {
      hint: error.hint ?? 'the first build succeeded: the step does not behave the same each time',
      output,
      cause: error,
      ...(range === undefined ? {} : { range }),
      ...(source === undefined ? {} : { source }),
      ...(exitCode === undefined ? {} : { exitCode }),
    });
  }
}
