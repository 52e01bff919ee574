import { expect, it } from 'vitest';
import type { ProgressEvent } from '@tsbuild/builder';
import { RawJsonProgress } from '../../src/output/rawjson.ts';

const STEP = { id: 's', stage: 'a', index: 1, total: 1, name: 'RUN x' };
const SECOND = '1970-01-01T00:00:01.000Z';

interface RawLine {
  readonly vertexes: readonly Readonly<Record<string, unknown>>[];
  readonly statuses: readonly unknown[];
}

function statusesOf(events: readonly ProgressEvent[]): readonly RawLine[] {
  let text = '';
  const raw = new RawJsonProgress(
    (line) => (text += line),
    () => 1000,
  );
  for (const event of events) raw.report(event);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

it('a step is a vertex, said again at each change', () => {
  const [planned, started, logged, ended] = statusesOf([
    { type: 'plan-ready', steps: [STEP] },
    { type: 'step-started', id: 's', time: 1000 },
    { type: 'step-output', id: 's', stream: 'stderr', chunk: Buffer.from([0xff, 0x0a]) },
    { type: 'step-finished', id: 's', key: 'sha256:00', time: 2000, milliseconds: 1000, layerSize: 0 },
  ] as ProgressEvent[]);
  const vertex = { digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), name: '[a 1/1] RUN x' };
  expect(planned).toEqual({ vertexes: [vertex] });
  expect(started).toEqual({ vertexes: [{ ...vertex, started: SECOND }] });
  // Bytes as they are: base64, as Go writes them.
  const digest = planned?.vertexes[0]?.['digest'];
  expect(logged).toEqual({ logs: [{ vertex: digest, stream: 2, data: '/wo=', timestamp: SECOND }] });
  expect(ended).toEqual({ vertexes: [{ ...vertex, started: SECOND, completed: '1970-01-01T00:00:02.000Z' }] });
});

it('a cached step and a failed one say so', () => {
  const lines = statusesOf([
    { type: 'plan-ready', steps: [STEP, { ...STEP, id: 't' }] },
    { type: 'step-cached', id: 's', key: 'sha256:00', since: 0, saved: 1, layerSize: 0 },
    { type: 'step-started', id: 't', time: 1000 },
    { type: 'step-failed', id: 't', time: 1000, message: 'exit code: 3' },
  ] as ProgressEvent[]);
  expect(lines.at(-1)?.vertexes[0]).toMatchObject({ started: SECOND, completed: SECOND, error: 'exit code: 3' });
  expect(lines[1]?.vertexes[0]).toMatchObject({ started: SECOND, completed: SECOND, cached: true });
});

it('a transfer is a status with its sizes', () => {
  const blob = { type: 'transfer', kind: 'download', id: 'abc', total: 10 } as const;
  const lines = statusesOf([
    { ...blob, transferred: 4, done: false },
    { ...blob, transferred: 10, done: true },
  ]);
  expect(lines[1]?.statuses[0]).toMatchObject({ id: 'abc', total: 10, current: 4, started: SECOND });
  expect(lines[2]?.statuses[0]).toMatchObject({ current: 10, completed: SECOND });
});
