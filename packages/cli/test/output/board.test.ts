import type { ProgressEvent } from '@tsbuild/builder';
import { describe, expect, it } from 'vitest';
import { ProgressBoard } from '../../src/output/board.ts';
import { at, begin, built, output, KEY } from './events.ts';

function board(...events: ProgressEvent[]): ProgressBoard {
  const result = new ProgressBoard(at(0));
  for (const event of [...begin, ...events]) result.apply(event, at(0));
  return result;
}

function draw(from: ProgressBoard, view: { now: number; columns?: number; rows?: number }): string {
  const { now, columns = 60, rows } = view;
  return from.draw({ columns, now: at(now), colour: false, ...(rows === undefined ? {} : { rows }) }).join('\n');
}

const cached: ProgressEvent = {
  type: 'step-cached',
  id: 'a',
  key: KEY,
  since: at(-7_200_000),
  saved: 400,
  layerSize: 0,
};
const running: ProgressEvent = { type: 'step-started', id: 'b', time: at(100) };

describe('the live view', () => {
  it('shows running steps with their time and the end of their output', () => {
    const lines = Array.from({ length: 9 }, (_, index) => `line ${index}\n`).join('');
    expect(draw(board(cached, running, output('b', `${lines}unfinished\tnow`)), { now: 1300 })).toMatchInlineSnapshot(`
      "[+] Building 1.3s (1/3)
       => CACHED [stage-0 1/3] WORKDIR /app            2 hours ago
       => [stage-0 2/3] RUN npm install                       1.2s
       => => # line 4
       => => # line 5
       => => # line 6
       => => # line 7
       => => # line 8
       => => # unfinished    now"
    `);
  });

  it('keeps the times of finished steps, and says how it ended', () => {
    const done: ProgressEvent = {
      type: 'step-finished',
      id: 'b',
      key: KEY,
      time: at(900),
      milliseconds: 800,
      layerSize: 1,
    };
    expect(draw(board(cached, running, output('b', 'gone\n'), done, built), { now: 2500 })).toMatchInlineSnapshot(`
      "[+] Built in 2.5s (2/3)
       => CACHED [stage-0 1/3] WORKDIR /app            2 hours ago
       => [stage-0 2/3] RUN npm install                       0.8s"
    `);
  });

  it('shows what failed', () => {
    const failed: ProgressEvent = { type: 'step-failed', id: 'b', time: at(600), message: 'exit code 1' };
    expect(draw(board(running, failed), { now: 700 })).toMatchInlineSnapshot(`
      "[+] Failed after 0.7s (0/3)
       => ERROR [stage-0 2/3] RUN npm install                 0.5s"
    `);
  });

  it('shows what was given up for the sake of what failed, and what was given up by itself', () => {
    const other: ProgressEvent = { type: 'step-started', id: 'c', time: at(100) };
    const ends = (canceled: boolean, id: string): ProgressEvent => ({
      type: 'step-failed',
      id,
      time: at(600),
      message: 'exit code 1',
      ...(canceled ? { canceled } : {}),
    });
    expect(draw(board(running, other, ends(false, 'b'), ends(true, 'c')), { now: 700 })).toMatchInlineSnapshot(`
      "[+] Failed after 0.7s (0/3)
       => ERROR [stage-0 2/3] RUN npm install                 0.5s
       => CANCELED [stage-0 3/3] RUN <<EOF …                  0.5s"
    `);
    expect(draw(board(running, ends(true, 'b')), { now: 700 })).toMatchInlineSnapshot(`
      "[+] Canceled after 0.7s (0/3)
       => CANCELED [stage-0 2/3] RUN npm install              0.5s"
    `);
  });

  it('begins anew with a second plan', () => {
    const view = board(cached, built);
    for (const event of [...begin, running]) view.apply(event, at(0));
    expect(draw(view, { now: 1300 })).toMatchInlineSnapshot(`
      "[+] Building 1.3s (0/3)
       => [stage-0 2/3] RUN npm install                       1.2s"
    `);
  });

  it('never grows beyond the terminal, finished steps giving way first', () => {
    const view = board(cached, running, output('b', '1\n2\n3\n'));
    expect(draw(view, { now: 1000, rows: 6 })).toMatchInlineSnapshot(`
      "[+] Building 1.0s (1/3)
       => [stage-0 2/3] RUN npm install                       0.9s
       => => # 1
       => => # 2
       => => # 3"
    `);
    for (let rows = 3; rows < 12; rows++) {
      expect(view.draw({ columns: 60, rows, now: at(0), colour: false }).length).toBeLessThan(rows);
    }
  });

  it('shortens the output of running steps before it gives up a title', () => {
    const other: ProgressEvent = { type: 'step-started', id: 'c', time: at(100) };
    const lines = '1\n2\n3\n4\n5\n6\n';
    const view = board(cached, running, other, output('b', lines), output('c', lines));
    expect(draw(view, { now: 1000, rows: 8 })).toMatchInlineSnapshot(`
      "[+] Building 1.0s (1/3)
       => [stage-0 2/3] RUN npm install                       0.9s
       => => # 5
       => => # 6
       => [stage-0 3/3] RUN <<EOF …                           0.9s
       => => # 5
       => => # 6"
    `);
    expect(draw(view, { now: 1000, rows: 4 })).toMatchInlineSnapshot(`
      "[+] Building 1.0s (1/3)
       => [stage-0 2/3] RUN npm install                       0.9s
       => [stage-0 3/3] RUN <<EOF …                           0.9s"
    `);
  });

  it('fits every line into the columns, wide characters too', () => {
    const view = board(running, output('b', `${'日本語'.repeat(40)}\n`));
    expect(draw(view, { now: 1000, columns: 30 })).toMatchInlineSnapshot(`
      "[+] Building 1.0s (0/3)
       => [stage-0 2/3] RUN np… 0.9s
       => => # 日本語日本語日本語日…"
    `);
  });
});
