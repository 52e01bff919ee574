import type { BuildRecord, RecordedPhase, RecordedStep } from '../explain/build-record.ts';
import { lanesOf } from './lanes.ts';

/** Something that took time in a build, with its place in a chart. Times in milliseconds since 1970. */
export interface TimelineBar {
  /** Of a step, its number in the record. */
  readonly step?: number;
  /** Of anything else, what it was; it is the record's phase with this place in `phases`. */
  readonly phase?: { readonly kind: RecordedPhase['kind']; readonly at: number };
  /** Bars of one lane do not overlap; 0 is the topmost. Steps come before phases. */
  readonly lane: number;
  readonly started: number;
  readonly ended: number;
  /** For so long the step waited for other steps before it started, and for another build afterwards. */
  readonly queued: number;
  readonly locked: number;
  readonly isCritical: boolean;
  /** The numbers of the steps that needed this one. */
  readonly unlocks: readonly number[];
}

/** When what happened in a build, ready to be drawn. Durations in milliseconds. */
export interface Timeline {
  readonly started: number;
  readonly ended: number;
  /** From the beginning to the end. */
  readonly wall: number;
  /** Of all steps, without what they waited. */
  readonly sum: number;
  /** Of the steps of the critical path. */
  readonly critical: number;
  /** How many steps ran at once on the average: `sum` by `wall`; 0 where nothing took time. */
  readonly parallelism: number;
  /** How many lanes the bars take. */
  readonly lanes: number;
  readonly bars: readonly TimelineBar[];
  /** The numbers of the steps that the end waited for, each for the next one, first to last. */
  readonly criticalPath: readonly number[];
}

/** A step of which is known when it was at work. */
export type TimedStep = RecordedStep & { readonly started: number; readonly ended: number };

/**
 * When what happened in a build. A pure function without imports of Node, for terminals and browsers. Records of earlier
 * versions know no times of steps: they give no bars.
 */
export function timelineOf(record: Pick<BuildRecord, 'started' | 'ended' | 'steps' | 'phases'>): Timeline {
  const { steps, phases, started } = record;
  const timed = steps.filter(isTimed);
  const ended = Math.max(record.ended ?? started, started, ...[...timed, ...phases].map((one) => one.ended));
  const wall = ended - started;
  const sum = total(timed);
  const path = criticalPath(timed);
  const criticalPathNumbers = path.map(({ number }) => number);
  const lanes = lanesOf(timed);
  const below = Math.max(0, ...lanes.map((lane) => lane + 1));
  const phaseLanes = lanesOf(phases);
  const bars = [
    ...timed.map((step, i): TimelineBar => {
      const { number, queued = 0, locked = 0 } = step;
      return {
        step: number,
        lane: lanes[i] ?? 0,
        started: step.started,
        ended: step.ended,
        queued,
        locked,
        isCritical: criticalPathNumbers.includes(number),
        unlocks: steps.filter(({ inputs = [] }) => inputs.includes(number)).map((other) => other.number),
      };
    }),
    ...phases.map(
      (phase, at): TimelineBar => ({
        phase: { kind: phase.kind, at },
        lane: below + (phaseLanes[at] ?? 0),
        started: phase.started,
        ended: phase.ended,
        queued: 0,
        locked: 0,
        isCritical: false,
        unlocks: [],
      }),
    ),
  ];
  return {
    started,
    ended,
    wall,
    sum,
    critical: total(path),
    parallelism: wall === 0 ? 0 : sum / wall,
    lanes: below + Math.max(0, ...phaseLanes.map((lane) => lane + 1)),
    bars,
    criticalPath: criticalPathNumbers,
  };
}

/** How long a step was at work: not what it waited for another build. */
export function workOf({ started, ended, locked = 0 }: TimedStep): number {
  return Math.max(0, ended - started - locked);
}

export function isTimed(step: RecordedStep): step is TimedStep {
  return step.started !== undefined && step.ended !== undefined;
}

function total(steps: readonly TimedStep[]): number {
  return steps.reduce((sum, step) => sum + workOf(step), 0);
}

/**
 * From what ended last (in a build that failed: from the step that did) back through the one of its inputs, each time, that
 * ended last: that is what it waited for.
 */
function criticalPath(steps: readonly TimedStep[]): readonly TimedStep[] {
  const byNumber = new Map(steps.map((step) => [step.number, step]));
  const path: TimedStep[] = [];
  let step = last(steps.filter(({ state }) => state === 'failed')) ?? last(steps);
  while (step !== undefined && !path.includes(step)) {
    path.unshift(step);
    step = last((step.inputs ?? []).flatMap((number) => byNumber.get(number) ?? []));
  }
  return path;
}

/** What ended last; of several the one with the highest number. */
function last(steps: readonly TimedStep[]): TimedStep | undefined {
  return steps.toSorted((a, b) => a.ended - b.ended || a.number - b.number).at(-1);
}
