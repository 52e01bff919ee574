import { type BuildRecord, type TimelineBar, timelineOf } from '@tsbuild/builder';
import { instructionOf, reasonWithoutValues, subjectOf } from './build-words.ts';

/** An event of a trace. Times in microseconds since the build began. */
interface TraceEvent {
  readonly ph: 'M' | 'X' | 's' | 'f';
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
  readonly bp?: 'e';
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A build as Chrome's trace events, which Perfetto and speedscope read. */
interface ChromeTrace {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: 'ms';
  readonly otherData: Readonly<Record<string, unknown>>;
}

const PID = 1;

/**
 * A build as a trace: a thread for each slot in which steps ran, and flows from a step to those that needed it. Instructions
 * are told as written, no variable expanded.
 * @see https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
export function chromeTrace(record: BuildRecord): ChromeTrace {
  const timeline = timelineOf(record);
  const slots = new Set(timeline.bars.flatMap(({ step, lane }) => (step === undefined ? [] : [lane])));
  const names = Array.from({ length: timeline.lanes }, (_, lane): TraceEvent[] => [
    metadata('thread_name', lane, { name: slots.has(lane) ? `steps ${lane + 1}` : `phases ${lane - slots.size + 1}` }),
    metadata('thread_sort_index', lane, { sort_index: lane }),
  ]);
  const { id, dockerfile, outcome, image, builder } = record;
  return {
    traceEvents: [
      metadata('process_name', 0, { name: `tsbuild ${subjectOf(record)}` }),
      ...names.flat(),
      ...timeline.bars.map((bar) => slice(bar, record)),
      ...flows(timeline.bars, record),
    ],
    displayTimeUnit: 'ms',
    otherData: { build: id, dockerfile, outcome, image: image?.id, tsbuild: builder?.version },
  };
}

function metadata(name: string, lane: number, args: Readonly<Record<string, unknown>>): TraceEvent {
  return { ph: 'M', name, pid: PID, tid: lane + 1, args };
}

function slice(bar: TimelineBar, record: BuildRecord): TraceEvent {
  const { started, ended, lane } = bar;
  const place = {
    ph: 'X',
    pid: PID,
    tid: lane + 1,
    ts: micros(started, record),
    dur: (ended - started) * 1000,
  } as const;
  const step = record.steps.find(({ number }) => number === bar.step);
  if (step === undefined) {
    const { kind = 'phase', name, bytes, failed } = record.phases[bar.phase?.at ?? -1] ?? {};
    return { ...place, name: name === undefined ? kind : `${kind} ${name}`, cat: 'phase', args: { bytes, failed } };
  }
  const { number, stage, state, line, layerSize, queued, locked, platform } = step;
  const args = { number, stage, platform, state, line, layerSize, queued, locked, critical: bar.isCritical };
  return {
    ...place,
    name: instructionOf(step),
    cat: `step,${state}`,
    args: { ...args, why: reasonWithoutValues(step) },
  };
}

/** A flow begins inside the step that was needed, and ends at the beginning of the one that needed it. */
function flows(bars: readonly TimelineBar[], record: BuildRecord): readonly TraceEvent[] {
  const byStep = new Map(bars.flatMap((bar) => (bar.step === undefined ? [] : [[bar.step, bar] as const])));
  const edges = bars.flatMap((from) =>
    from.unlocks.flatMap((number) => {
      const to = byStep.get(number);
      return to === undefined ? [] : [{ from, to }];
    }),
  );
  return edges.flatMap(({ from, to }, id): TraceEvent[] => {
    const flow = { name: 'input', cat: 'input', id: id + 1, pid: PID } as const;
    const start = micros(from.started, record);
    const end = Math.max(start, micros(from.ended, record) - 1);
    return [
      { ph: 's', ...flow, tid: from.lane + 1, ts: end },
      { ph: 'f', ...flow, bp: 'e', tid: to.lane + 1, ts: micros(to.started, record) },
    ];
  });
}

function micros(time: number, { started }: BuildRecord): number {
  return Math.max(0, time - started) * 1000;
}
