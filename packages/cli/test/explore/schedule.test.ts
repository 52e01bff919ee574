import { describe, expect, it } from 'vitest';
import { squarify } from '../../page/worker/squarify.ts';
import { schedule } from '../../page/views/build/critical-path.ts';
import { fragmentOf, parseFragment } from '../../page/app/fragment.ts';
import type { TimelineStep } from '../../src/explore/page-data.ts';

const step = (number: number, facts: Partial<TimelineStep>): TimelineStep => ({
  kind: 'step',
  number,
  name: `step ${number}`,
  stage: 'stage-0',
  state: 'run',
  ...facts,
});

describe('the timeline of a build', () => {
  it('finds the longest chain of inputs, through steps that were cached', () => {
    const steps = [
      step(1, { stage: 'a', start: 0, end: 40 }),
      step(2, { stage: 'b', start: 0, end: 10 }),
      step(3, { stage: 'a', state: 'cached', inputs: [1] }),
      step(4, { stage: 'c', start: 45, queued: 41, end: 60, inputs: [2, 3] }),
    ];
    const plan = schedule({ steps, wall: 62 });
    expect(plan.steps.filter(({ isCritical }) => isCritical).map(({ step: { number } }) => number)).toEqual([1, 4]);
    expect(plan).toMatchObject({ isMeasured: true, wall: 62, work: 65, critical: 55, lanes: 2 });
    expect(plan.others.map(({ number }) => number)).toEqual([3]);
  });

  it('of durations alone lets stages begin together', () => {
    const steps = [
      step(1, { stage: 'a', milliseconds: 30 }),
      step(2, { stage: 'a', milliseconds: 5 }),
      step(3, { stage: 'b', milliseconds: 20 }),
    ];
    const plan = schedule({ steps });
    expect(plan).toMatchObject({ isMeasured: false, wall: 35, critical: 35, lanes: 2 });
    expect(plan.steps.map(({ start, end, lane }) => [start, end, lane])).toEqual([
      [0, 30, 0],
      [0, 20, 1],
      [30, 35, 0],
    ]);
  });

  it('of nothing is nothing', () => {
    expect(schedule({ steps: [] })).toMatchObject({ wall: 0, work: 0, critical: 0, lanes: 0 });
  });
});

describe('the map', () => {
  it('fills its area, each rectangle by its size', () => {
    const sizes = [6, 6, 4, 3, 2, 2, 1];
    const areas = squarify(sizes, { x: 0, y: 0, width: 600, height: 400 });
    for (const [i, { width, height, x, y }] of areas.entries()) {
      expect(width * height).toBeCloseTo(((sizes[i] ?? 0) / 24) * 240_000, 5);
      expect(x + width).toBeLessThanOrEqual(600.001);
      expect(y + height).toBeLessThanOrEqual(400.001);
    }
    expect(squarify([], { x: 0, y: 0, width: 1, height: 1 })).toEqual([]);
  });
});

describe('the address', () => {
  it('keeps any bytes', () => {
    const path = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1)).join('');
    expect(parseFragment(fragmentOf('files', { path, layer: '3', search: '' }))).toEqual({
      view: 'files',
      values: { path, layer: '3' },
    });
  });
});
