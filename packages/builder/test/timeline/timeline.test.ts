import { describe, expect, it } from 'vitest';
import type { RecordedPhase, RecordedStep } from '../../src/explain/build-record.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';

const step = (number: number, from: number, to: number, more: Partial<RecordedStep> = {}): RecordedStep => ({
  id: `s/${number}`,
  stage: 's',
  index: number,
  total: 9,
  name: `RUN ${number}`,
  number,
  state: 'run',
  started: from,
  ended: to,
  ...more,
});
const phase = (kind: RecordedPhase['kind'], started: number, ended: number): RecordedPhase => ({
  kind,
  started,
  ended,
});

describe('the timeline of a build', () => {
  it('has a lane for each slot that was at work, and phases below', () => {
    const steps = [
      step(1, 10, 40),
      step(2, 10, 20),
      step(3, 25, 50, { inputs: [2] }),
      step(4, 50, 60, { inputs: [1, 3] }),
    ];
    const phases = [phase('context', 0, 5), phase('plan', 5, 10), phase('pull', 8, 30)];
    const timeline = timelineOf({ started: 0, ended: 70, steps, phases });
    expect(timeline.bars.map(({ lane }) => lane)).toEqual([0, 1, 1, 0, 2, 2, 3]);
    expect(timeline.lanes).toBe(4);
    expect(timeline.bars[0]).toMatchObject({ step: 1, unlocks: [4], isCritical: false });
    expect(timeline.bars[6]).toMatchObject({ phase: { kind: 'pull', at: 2 }, started: 8, ended: 30 });
    expect(timeline).toMatchObject({ wall: 70, sum: 75, critical: 45, criticalPath: [2, 3, 4] });
    expect(timeline.parallelism).toBeCloseTo(75 / 70);
  });

  it('counts what a step waited for others as no work', () => {
    const steps = [step(1, 10, 60, { queued: 10, locked: 30 })];
    const timeline = timelineOf({ started: 0, ended: 60, steps, phases: [] });
    expect(timeline).toMatchObject({ sum: 20, critical: 20, wall: 60 });
    expect(timeline.bars[0]).toMatchObject({ queued: 10, locked: 30 });
  });

  it('goes back from the step that failed, though others ended later', () => {
    const steps = [
      step(1, 0, 5),
      step(2, 5, 9, { inputs: [1], state: 'failed' }),
      step(3, 0, 20, { state: 'canceled' }),
    ];
    expect(timelineOf({ started: 0, ended: 20, steps, phases: [] }).criticalPath).toEqual([1, 2]);
  });

  it('lets no record hang it: without times, empty, or going round in a circle', () => {
    const { started: _started, ended: _ended, ...untimed } = step(1, 0, 0);
    expect(timelineOf({ started: 5, steps: [untimed], phases: [] })).toMatchObject({ wall: 0, bars: [], lanes: 0 });
    const circle = [step(1, 0, 2, { inputs: [2] }), step(2, 0, 1, { inputs: [1] })];
    expect(timelineOf({ started: 0, steps: circle, phases: [] }).criticalPath).toEqual([2, 1]);
  });
});
