import { type Platform, samePlatform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import { learnPlatforms, runnableHere } from '../emulation/known-platforms.ts';
import { cannotRun } from '../emulation/ways-out.ts';
import { StepIndex } from '../explain/step-index.ts';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { BuildStep, BuildVertex, NamedStep, Plan } from '../plan/plan.ts';
import { solve, type SolveOptions } from '../solver/solver.ts';
import type { BuildSession } from './build-session.ts';

/** A RUN whose command does not run here. */
interface UnableStep extends NamedStep {
  readonly platform: Platform;
  readonly reason: string;
  readonly vertex: BuildStep;
}

/**
 * Looks at each RUN of another platform, before anything runs: how it can be run, and where it cannot, whether it need not, because its
 * result is in the cache.
 * @throws BuildError `PLATFORM_NOT_RUNNABLE` with the place of the first that would have to run
 */
export async function checkForeignRuns(plan: Plan, session: BuildSession): Promise<void> {
  const host = hostPlatform();
  const foreign = plan.stages.filter(({ platform }) => !samePlatform(platform, host));
  const runs = foreign
    .flatMap(({ platform, steps }) => steps.map((step) => ({ ...step, platform })))
    .filter(({ operation }) => operation === 'run');
  // A build that is watched may get its first RUN of another platform later, when commands of this one have run: too late to learn.
  const asked = session.options.observer === undefined ? runs : foreign;
  await learnPlatforms(
    asked.map(({ platform }) => platform),
    session.store.directory('sandbox'),
  );
  const { steps: vertices } = below(plan.target.rootfs);
  const unable: UnableStep[] = [];
  for (const run of runs) {
    const runnable = await runnableHere(run.platform);
    const vertex = vertices.get(run.id);
    if (runnable.kind === 'not' && vertex !== undefined) unable.push({ ...run, reason: runnable.reason, vertex });
  }
  const first = await firstUncached(unable, session);
  if (first !== undefined) throw cannotRun(first.platform, first.reason, first.range);
}

/** A step that is not in the cache. */
class Missed extends Error {
  readonly id: string;

  constructor(id: string) {
    super(`${id} is not in the cache`);
    this.id = id;
  }
}

/**
 * The first of these steps that is known to run: it, or something that it needs, is not in the cache. What a command of this machine makes
 * nobody knows before it has run, and with the same result as ever the steps after it may be cached: if any of them ever was here, or
 * may be in a shared cache, the build goes on, and stops where it must.
 */
async function firstUncached(steps: readonly UnableStep[], session: BuildSession): Promise<UnableStep | undefined> {
  const { store, way, cache } = session;
  const index = new StepIndex(store.directory('explain'), '');
  for (const step of steps) {
    // A base that was never fetched has nothing built on it; to ask further would fetch it.
    if (cache === undefined && (await isAnyAbsent(below(step.vertex).bases, store))) return step;
    const missed = await missedFor(step.vertex, session, { ...way, cache: cache?.records ?? store.records });
    if (missed === undefined) continue;
    const isOpen = missed.operation === 'run' && !steps.some(({ id }) => id === missed.id);
    const mayBeCached = cache !== undefined || index.text('run', step.source).length > 0;
    if (!isOpen || !mayBeCached) return step;
  }
  return undefined;
}

/** Solves a step out of the cache alone; what is missing first, or undefined when nothing is. */
async function missedFor(
  vertex: BuildVertex,
  { signal }: BuildSession,
  way: Omit<SolveOptions<LayerOutput>, 'reporter'>,
): Promise<{ readonly id: string; readonly operation: string } | undefined> {
  let missed: { readonly id: string; readonly operation: string } | undefined;
  const explain = async ({ id, preimage }: { id: string; preimage: { operation: string } }): Promise<never> => {
    missed ??= { id, operation: preimage.operation };
    throw new Missed(id);
  };
  try {
    await solve([vertex], { ...way, reporter: { report: () => {} }, explainer: { explain } });
  } catch (error) {
    signal.throwIfAborted();
    // Another failure is told by the build itself, when it comes to it.
    if (!(error instanceof Missed)) return undefined;
  }
  return missed;
}

async function isAnyAbsent(bases: readonly Rootfs[], { layout }: BuildSession['store']): Promise<boolean> {
  for (const { digest } of bases.flatMap(({ layers }) => layers)) {
    if ((await layout.blobs.has(digest)) === undefined) return true;
  }
  return false;
}

/** What a filesystem is made by: the steps by id, and what they begin with. */
function below(root: BuildVertex): {
  readonly steps: ReadonlyMap<string, BuildStep>;
  readonly bases: readonly Rootfs[];
} {
  const steps = new Map<string, BuildStep>();
  const bases: Rootfs[] = [];
  const left: BuildVertex[] = [root];
  for (let vertex = left.pop(); vertex !== undefined; vertex = left.pop()) {
    if (vertex.kind === 'constant') bases.push(vertex.value);
    else if (!steps.has(vertex.id)) {
      steps.set(vertex.id, vertex);
      left.push(...vertex.inputs);
    }
  }
  return { steps, bases };
}
