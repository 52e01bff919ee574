import { setTimeout as delay } from 'node:timers/promises';
import { sha256Digest } from '@tsbuild/oci';
import type { StoredImage } from '@tsbuild/oci/node';
import type { BuildOptions } from './build-options.ts';
import { MemoryCacheStore } from '../cache/memory-cache-store.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { assembleContent } from './image-assembly.ts';
import type { LayerFetcher } from '../ops/layer-fetcher.ts';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { Plan } from '../plan/plan.ts';
import { planReady } from '../plan/plan-ready.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import { type Solution, solve, type SolveOptions } from '../solver/solver.ts';
import type { Store } from '../store/store.ts';
import { differentSteps } from '../verify/different-steps.ts';
import type { Verification } from '../progress/verification.ts';

/** A command that writes the time down should see another second than the first time. Milliseconds. */
const OTHER_SECOND = 1100;

/** What was built the first time. */
interface FirstBuild {
  readonly plan: Plan;
  readonly results: Solution<Rootfs, LayerOutput>['results'];
  readonly image: StoredImage;
  /** The Dockerfile's name. */
  readonly dockerfile: string;
}

/** What the second build works with. */
interface VerifyInput extends Pick<SolveOptions<LayerOutput>, 'signal' | 'jobs' | 'now' | 'sizeOf'> {
  readonly store: Store;
  readonly options: BuildOptions;
  readonly layers: LayerFetcher;
  /** Told of the second build as of the first; what explains later misses does not hear of it. */
  readonly progress: ProgressReporter;
}

/**
 * Executes every step of a plan once more and compares. Records, names and explanations stay those of the first build; of the
 * second one only layers are left that nothing refers to, when they are not the same.
 * @throws BuildError of a step that failed this time
 */
export async function verifyBuild(first: FirstBuild, input: VerifyInput): Promise<Verification> {
  const { plan, image } = first;
  const { store, layers, progress, signal } = input;
  const report = progress.report.bind(progress);
  report({ type: 'notice', level: 'info', message: 'building once more without the cache, to compare' });
  report(planReady(plan));
  if (hasCommands(plan)) await delay(OTHER_SECOND, undefined, { signal });
  const solution = await solveAgain(plan, input);
  const [rootfs] = solution.values;
  if (rootfs === undefined) throw new TypeError('the solver returns one value for each wanted vertex');
  const { labels, annotations, epoch } = input.options;
  const found = await layers.ensure(rootfs.layers);
  const content = assembleContent({
    stage: plan.target,
    layers: found,
    results: solution.results,
    labels,
    annotations,
    epoch,
  });
  const id = sha256Digest(content.config);
  const both = [first.results, solution.results] as const;
  const steps = await differentSteps(plan, both, (layer) => store.indexes.get(layer));
  const verification: Verification = {
    same: id === image.id,
    ids: [image.id, id],
    dockerfile: first.dockerfile,
    steps,
    onlyTimes: id !== image.id && steps.every(({ total, timesOnly }) => total > 0 && total === timesOnly),
  };
  report({ type: 'build-verified', ...verification });
  return verification;
}

async function solveAgain(plan: Plan, { progress, ...way }: VerifyInput): Promise<Solution<Rootfs, LayerOutput>> {
  try {
    const { signal, jobs, now, sizeOf } = way;
    const cache = new MemoryCacheStore<LayerOutput>();
    return await solve([plan.target.rootfs], { cache, reporter: progress, signal, jobs, now, sizeOf });
  } catch (error) {
    if (!(error instanceof BuildError) || way.signal.aborted) throw error;
    const { code, range, source, output, exitCode } = error;
    throw new BuildError(code, `built a second time, it failed: ${error.message}`, {
      hint: error.hint ?? 'the first build went well: what the step does is not the same each time',
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
