import type { BuildTimeline, TimelineStep } from '../../../src/explore/page-data.ts';

/** A step with its times: of a record that has none, an order that is possible. */
export interface TimedStep {
  readonly step: TimelineStep;
  /** Since the build began, milliseconds. */
  readonly start: number;
  readonly end: number;
  /** Since it could have begun. */
  readonly queued: number;
  readonly isCritical: boolean;
  /** Bars that overlap are in different lanes. */
  readonly lane: number;
}

/** A build in time. */
export interface Schedule {
  readonly steps: readonly TimedStep[];
  /** What was no step, in lanes below those of the steps. */
  readonly phases: readonly TimedStep[];
  /** Steps that took no time: cached, or never begun. */
  readonly others: readonly TimelineStep[];
  readonly lanes: number;
  readonly wall: number;
  /** Times of all steps together. */
  readonly work: number;
  readonly critical: number;
  /** False where the record has durations alone: stages then stand as if they had begun together. */
  readonly isMeasured: boolean;
}

/** Places the steps of a build in time and finds its critical path. */
export function schedule({
  steps,
  wall,
  phases = [],
}: Pick<BuildTimeline, 'steps' | 'wall'> & Partial<Pick<BuildTimeline, 'phases'>>): Schedule {
  const busy = steps.filter(({ state }) => state === 'run' || state === 'failed' || state === 'canceled');
  const isMeasured = busy.length > 0 && busy.every(({ start }) => start !== undefined);
  const timed = isMeasured ? busy.map(measured) : guessed(busy);
  const chain = criticalPath(timed, steps);
  const laned = lanesOf(timed.toSorted((a, b) => a.start - b.start || a.step.number - b.step.number));
  const below = lanesIn(laned);
  const beside = lanesOf(phases.map(measured)).map((one) => ({ ...one, lane: below + one.lane, isCritical: false }));
  const last = Math.max(0, ...timed.map(({ end }) => end), ...beside.map(({ end }) => end));
  return {
    steps: laned.map((one) => ({ ...one, isCritical: chain.has(one.step) })),
    phases: beside,
    others: steps.filter((step) => !busy.includes(step)),
    lanes: below + lanesIn(beside.map(({ lane }) => ({ lane: lane - below }))),
    wall: Math.max(last, wall ?? 0),
    work: timed.reduce((sum, { start, end }) => sum + end - start, 0),
    critical: timed.reduce((sum, { step, start, end }) => sum + (chain.has(step) ? end - start : 0), 0),
    isMeasured,
  };
}

type Timed = Omit<TimedStep, 'isCritical' | 'lane'>;

function measured(step: TimelineStep): Timed {
  const start = step.start ?? 0;
  const end = step.end ?? start + (step.milliseconds ?? 0);
  return { step, start, end, queued: Math.min(start, step.queued ?? start) };
}

/** One step of a stage behind the other, each stage from the beginning. */
function guessed(steps: readonly TimelineStep[]): readonly Timed[] {
  const ends = new Map<string, number>();
  return steps.map((step) => {
    const lane = `${step.stage} ${step.platform ?? ''}`;
    const start = ends.get(lane) ?? 0;
    const end = start + (step.milliseconds ?? 0);
    ends.set(lane, end);
    return { step, start, end, queued: start };
  });
}

/**
 * From the step that ended last back to the beginning, each time to the input that ended last: what a shorter build has to make
 * faster. Where inputs are not recorded, the step before of the same stage is one.
 */
function criticalPath(timed: readonly Timed[], steps: readonly TimelineStep[]): ReadonlySet<TimelineStep> {
  const byNumber = new Map(steps.map((step) => [step.number, step]));
  const times = new Map(timed.map((one) => [one.step, one]));
  const chain = new Set<TimelineStep>();
  const isLater = (a: Timed | undefined, b: Timed): Timed => (a === undefined || b.end > a.end ? b : a);
  let at = timed.reduce<Timed | undefined>(isLater, undefined);
  while (at !== undefined && !chain.has(at.step)) {
    chain.add(at.step);
    at = timedInputs(at.step, byNumber, times).reduce<Timed | undefined>(isLater, undefined);
  }
  return chain;
}

/** The steps with times that a step stood on; steps that took none are passed through. */
function timedInputs(
  step: TimelineStep,
  byNumber: ReadonlyMap<number, TimelineStep>,
  times: ReadonlyMap<TimelineStep, Timed>,
): readonly Timed[] {
  const found: Timed[] = [];
  const seen = new Set<TimelineStep>([step]);
  const waiting = [...inputsOf(step, byNumber)];
  for (let input = waiting.pop(); input !== undefined; input = waiting.pop()) {
    if (seen.has(input)) continue;
    seen.add(input);
    const timed = times.get(input);
    if (timed === undefined) waiting.push(...inputsOf(input, byNumber));
    else found.push(timed);
  }
  return found;
}

function inputsOf(step: TimelineStep, byNumber: ReadonlyMap<number, TimelineStep>): readonly TimelineStep[] {
  if (step.inputs !== undefined) return step.inputs.flatMap((number) => byNumber.get(number) ?? []);
  const before = byNumber.get(step.number - 1);
  return before?.stage === step.stage && before.platform === step.platform ? [before] : [];
}

function lanesIn(bars: readonly { readonly lane: number }[]): number {
  return 1 + Math.max(-1, ...bars.map(({ lane }) => lane));
}

/** Each bar in the first lane that is free: as many lanes as steps ran at once. */
function lanesOf(timed: readonly Timed[]): readonly (Timed & { readonly lane: number })[] {
  const ends: number[] = [];
  return timed.map((one) => {
    const free = ends.findIndex((end) => end <= one.queued);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = one.end;
    return { ...one, lane };
  });
}
