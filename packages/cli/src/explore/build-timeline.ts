import {
  type BuildRecord,
  type CacheEntry,
  describeChange,
  listCache,
  maskedText,
  type RecordedPhase,
  type RecordedStep,
  type Store,
} from '@tsbuild/builder';
import { type Image, sha256Digest } from '@tsbuild/oci/node';
import { missText } from '../output/cache-text.ts';
import { first } from './image-summary.ts';
import type { BuildTimeline, TimelineStep } from './page-data.ts';

/** Of a step with more changes the first so many are told. */
const MOST_CHANGES = 20;

/** The build that made an image, where this store remembers it. */
export async function buildTimeline(
  image: Image,
  store: Store,
  signal: AbortSignal,
): Promise<BuildTimeline | undefined> {
  const record = store.builds.get(sha256Digest(image.rawConfig)) ?? store.builds.get(image.descriptor.digest);
  if (record === undefined) return undefined;
  const { started, dockerfile, target, steps } = record;
  return {
    started,
    dockerfile,
    ...(target !== undefined && { target }),
    ...(record.image !== undefined && { wall: record.image.milliseconds }),
    steps: timelineSteps(record),
    phases: record.phases.map((phase) => timelinePhase(phase, started)),
    cacheMounts: await cacheMountsOf(steps, store, signal),
  };
}

function timelineSteps({ steps, origins, started }: BuildRecord): readonly TimelineStep[] {
  const numbers = new Map(steps.map(({ id, number }) => [id, number]));
  const lines = new Map(origins?.steps.map(({ id, line }) => [id, line]));
  return steps.map((step) => {
    // Records of earlier versions have the lines of steps that made layers only.
    const line = step.line ?? lines.get(step.id);
    return { ...timelineStep(step, numbers, started), ...(line !== undefined && { line }) };
  });
}

function timelineStep(step: RecordedStep, numbers: ReadonlyMap<string, number>, begin: number): TimelineStep {
  const { number, name, stage, platform, state, milliseconds, saved, since, layerSize, reason } = step;
  const { started, ended, queued = 0, inputs } = step;
  const why = reason === undefined ? undefined : (missText(reason) ?? reason.summary);
  return {
    kind: 'step',
    number,
    name: maskedText(name),
    stage,
    state,
    ...(platform !== undefined && { platform }),
    ...(milliseconds !== undefined && { milliseconds }),
    ...(started !== undefined && { start: started - begin, queued: started - begin - queued }),
    ...(ended !== undefined && { end: ended - begin }),
    ...(inputs !== undefined && { inputs }),
    ...(saved !== undefined && { saved }),
    ...(since !== undefined && { since }),
    ...(layerSize !== undefined && { layerSize }),
    ...(why !== undefined && { why: maskedText(why) }),
    ...(reason !== undefined &&
      reason.changes.length > 0 && {
        changes: {
          ...first(reason.changes, MOST_CHANGES, (change) =>
            maskedText(describeChange(change, (of) => numbers.get(of))),
          ),
          total: reason.total,
        },
      }),
  };
}

function timelinePhase({ kind, name, started, ended, failed }: RecordedPhase, begin: number): TimelineStep {
  const start = started - begin;
  return {
    kind: 'phase',
    number: 0,
    name: name === undefined ? kind : `${kind} ${maskedText(name)}`,
    stage: 'outside of steps',
    state: failed === true ? 'failed' : 'run',
    start,
    end: ended - begin,
    queued: start,
    milliseconds: ended - started,
  };
}

/** The cache mounts of the build's commands; others of the store are nobody's business. */
async function cacheMountsOf(
  steps: readonly RecordedStep[],
  store: Store,
  signal: AbortSignal,
): Promise<BuildTimeline['cacheMounts']> {
  const wanted = new Set(steps.flatMap(({ name }) => cacheNames(name)));
  if (wanted.size === 0) return [];
  const mounts = (await listCache(store, signal)).filter(({ kind }) => kind === 'cache-mount');
  return mounts.filter(({ description }) => wanted.has(description)).map(shownMount);
}

function shownMount({ description, size, lastUsed }: CacheEntry): BuildTimeline['cacheMounts'][number] {
  return { name: description, size, lastUsed };
}

/** The ids of an instruction's cache mounts: the target is the id unless it is told. */
function cacheNames(instruction: string): readonly string[] {
  return Array.from(instruction.matchAll(/--mount=(\S+)/g), ([, options = '']) => options)
    .filter((options) => /(?:^|,)type=cache(?:,|$)/.test(options))
    .flatMap((options) => {
      const id = /(?:^|,)id=([^,]+)/.exec(options)?.[1];
      return id ?? /(?:^|,)(?:target|dst|destination)=([^,]+)/.exec(options)?.[1] ?? [];
    });
}
