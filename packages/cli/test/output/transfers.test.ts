import type { ProgressEvent } from '@tsbuild/builder';
import { describe, expect, it } from 'vitest';
import { type Activity, ProgressBoard } from '../../src/output/board.ts';
import { JsonProgress } from '../../src/output/json.ts';
import { PlainProgress } from '../../src/output/plain.ts';
import { at, begin, transfer } from './events.ts';

type Timed = readonly (readonly [number, ProgressEvent])[];

const MB = 1_000_000;
const ONE = '111111111111';
const TWO = '222222222222';

function plain(timed: Timed): readonly string[] {
  let text = '';
  let now = 0;
  const progress = new PlainProgress(
    (chunk) => {
      text += chunk;
    },
    () => now,
  );
  for (const [time, event] of timed) {
    now = at(time);
    progress.report(event);
  }
  return text.split('\n').slice(0, -1);
}

describe('transfers as lines', () => {
  it('take one line for each blob that arrived', () => {
    expect(
      plain([
        [0, transfer('download', ONE, 0, 5 * MB)],
        [900, transfer('download', ONE, 3 * MB, 5 * MB)],
        [1200, transfer('download', ONE, 5 * MB, 5 * MB, true)],
        [1200, transfer('upload', TWO, 1234, 1234, true)],
        [1300, { ...transfer('upload', ONE, 5, 5, true), note: 'exists' }],
        [1300, { ...transfer('download', TWO, 5, 5, true), note: 'exists' }],
        [1300, { ...transfer('upload', '333333333333', 5, 5, true), note: 'mounted from library/x\x1b[2J\nX' }],
      ]),
    ).toEqual([
      '111111111111: Download complete 5MB in 1.2s',
      '222222222222: Pushed 1.23kB',
      '111111111111: Layer already exists',
      '222222222222: Already exists',
      '333333333333: Mounted from library/x\\u001b[2J …',
    ]);
  });

  it('take one line every five seconds while large ones run, about all of them', () => {
    const timed: [number, ProgressEvent][] = [];
    for (let time = 0; time <= 12_000; time += 100) {
      timed.push([time, transfer('download', ONE, time * 1000, 20 * MB)]);
      if (time > 6000) timed.push([time, transfer('download', TWO, (time - 6000) * 1000, 20 * MB)]);
    }
    timed.push([14_000, transfer('download', ONE, 20 * MB, 20 * MB, true)]);
    expect(plain(timed)).toEqual([
      '111111111111: Downloading 5MB/20MB (1MB/s)',
      '2 blobs: Downloading 13.9MB/40MB (1.97MB/s)',
      '111111111111: Download complete 20MB in 14.0s',
    ]);
  });

  it('begin anew when a blob goes to another repository, and do not count what was there as speed', () => {
    expect(
      plain([
        [0, transfer('upload', ONE, 5, 5, true)],
        [1000, transfer('upload', ONE, 5, 5, true)],
        [2000, transfer('download', TWO, 8 * MB, 20 * MB)],
        [8000, transfer('download', TWO, 14 * MB, 20 * MB)],
      ]),
    ).toEqual(['111111111111: Pushed 5B', '111111111111: Pushed 5B', '222222222222: Downloading 14MB/20MB (1MB/s)']);
  });
});

const PULLING: Activity = { running: 'Pulling', done: 'Pulled in' };

describe('transfers in the live view', () => {
  const timed: Timed = [
    [0, transfer('download', ONE, 0, 5 * MB)],
    [0, transfer('download', TWO, 0, 120 * MB)],
    [1000, transfer('download', ONE, 5 * MB, 5 * MB, true)],
    [4000, transfer('download', TWO, 40_100_000, 120 * MB)],
  ];
  const pulling = (...more: Timed): ProgressBoard => {
    const board = new ProgressBoard(at(0), PULLING);
    for (const [time, event] of [...timed, ...more]) board.apply(event, at(time));
    return board;
  };
  const draw = (board: ProgressBoard, columns: number, now = 5000, rows?: number) =>
    board.draw({ columns, now: at(now), colour: false, ...(rows === undefined ? {} : { rows }) }).join('\n');

  it('have a bar, bytes, a rate and a time', () => {
    expect(draw(pulling(), 79)).toMatchInlineSnapshot(`
      "[+] Pulling 5.0s (1/2)
       => 111111111111 Download complete 5MB                                     1.0s
       => 222222222222 Downloading [======>           ] 40.1MB/120MB 8.02MB/s    5.0s"
    `);
  });

  it('do without the bar on a narrow terminal, and fit', () => {
    expect(draw(pulling(), 50)).toMatchInlineSnapshot(`
      "[+] Pulling 5.0s (1/2)
       => 111111111111 Download complete 5MB        1.0s
       => 222222222222 Downloading 40.1MB/120MB 8.… 5.0s"
    `);
    for (let columns = 20; columns < 100; columns++) {
      for (const line of draw(pulling(), columns).split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
    }
  });

  it('say how it ended', () => {
    const board = pulling([5000, transfer('download', TWO, 120 * MB, 120 * MB, true)]);
    board.end('done');
    expect(draw(board, 60)).toMatchInlineSnapshot(`
      "[+] Pulled in 5.0s (2/2)
       => 111111111111 Download complete 5MB                  1.0s
       => 222222222222 Download complete 120MB                5.0s"
    `);
    board.end('failed');
    expect(draw(board, 60).split('\n')[0]).toBe('[+] Failed after 5.0s (2/2)');
  });

  it('make room for running ones when they have arrived', () => {
    expect(draw(pulling(), 60, 5000, 3)).not.toContain(ONE);
    expect(draw(pulling(), 60, 5000, 3)).toContain(TWO);
  });

  it('stand before the steps of a build, which are what is counted', () => {
    const board = new ProgressBoard(at(0));
    const step: ProgressEvent = { type: 'step-started', id: 'b', time: at(100) };
    for (const event of [...begin, step]) board.apply(event, at(100));
    for (const [time, event] of timed) board.apply(event, at(time));
    expect(draw(board, 60)).toMatchInlineSnapshot(`
      "[+] Building 5.0s (0/3)
       => 111111111111 Download complete 5MB                  1.0s
       => 222222222222 Downloading 40.1MB/120MB 8.02MB/s      5.0s
       => [stage-0 2/3] RUN npm install                       4.9s"
    `);
  });

  it('draw no bar for a size that is not known', () => {
    const board = new ProgressBoard(at(0), PULLING);
    board.apply(transfer('upload', ONE, 0, 0), at(0));
    expect(draw(board, 79, 100)).toMatchInlineSnapshot(`
      "[+] Pulling 0.1s (0/1)
       => 111111111111 Pushing 0B                                                0.1s"
    `);
  });
});

it('are printed as JSON as they are', () => {
  const lines: unknown[] = [];
  const progress = new JsonProgress((line) => lines.push(JSON.parse(line)));
  const event = { ...transfer('upload', ONE, 5, 5, true), note: 'exists' };
  progress.report(event);
  progress.pushed({ reference: 'ghcr.io/me/x:1', digest: 'sha256:0', size: 7 });
  expect(lines).toEqual([event, { type: 'image-pushed', reference: 'ghcr.io/me/x:1', digest: 'sha256:0', size: 7 }]);
});
