import { setTimeout as delay } from 'node:timers/promises';
import { sha256Digest } from '@tsbuild/oci';
import type { StoredImage } from '@tsbuild/oci/node';
import type { BuildSession } from './build-session.ts';
import { MemoryCacheStore } from '../cache/memory-cache-store.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { Plan } from '../plan/plan.ts';
import { planReady } from '../plan/plan-ready.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import { type Solution, solve } from '../solver/solver.ts';
import { solvedImage } from './solved-image.ts';
import { differentSteps } from '../verify/different-steps.ts';
import type { Verification } from '../progress/verification.ts';

/** A command that writes the time down should see another second than the first time. Milliseconds. */
const OTHER_SECOND = 1100;

/** What was built the first time. */
interface FirstBuild {
  readonly plan: Plan;
  readonly results: Solution<Rootfs, LayerOutput>['results'];
  readonly image: StoredImage;
}

/**
 * Executes every step of a plan once more and compares. Records, names and explanations stay those of the first build; of the
 * second one only layers are left that nothing refers to, when they are not the same.
 * @param progress is told of the second build as of the first; what explains later misses does not hear of it
 * @throws BuildError of a step that failed this time
 */
export async function verifyBuild(
  first: FirstBuild,
  session: BuildSession,
  progress: ProgressReporter,
): Promise<Verification> {
  const { plan, image } = first;
  const { store, signal } = session;
  const report = progress.report.bind(progress);
  report({ type: 'notice', level: 'info', message: 'building again without the cache, to compare' });
  report(planReady(plan));
  if (hasCommands(plan)) await delay(OTHER_SECOND, undefined, { signal });
  const solution = await solveAgain(plan, session, progress);
  const { content } = await solvedImage(plan, solution, session);
  const id = sha256Digest(content.config);
  const both = [first.results, solution.results] as const;
  const steps = await differentSteps(plan, both, (layer) => store.indexes.get(layer));
  const verification: Verification = {
    same: id === image.id,
    ids: [image.id, id],
    dockerfile: session.file.name,
    steps,
    onlyTimes: id !== image.id && steps.every(({ total, timesOnly }) => total > 0 && total === timesOnly),
  };
  report({ type: 'build-verified', ...verification });
  return verification;
}

async function solveAgain(
  plan: Plan,
  { way }: BuildSession,
  reporter: ProgressReporter,
): Promise<Solution<Rootfs, LayerOutput>> {
  try {
    const cache = new MemoryCacheStore<LayerOutput>();
    return await solve([plan.target.rootfs], { ...way, cache, reporter });
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

function hasCommands(plan: Plan): boolean {
  return plan.stages.some(({ steps }) => steps.some(({ operation }) => operation === 'run'));
}
