import type { ProgressEvent } from '@tsbuild/builder';
import { expect, it } from 'vitest';
import { PlainProgress } from '../../src/output/plain.ts';
import { at, begin, built, bytes, output, KEY } from './events.ts';

/** Reports the events, the clock at the time that stands before each. */
function plain(timed: readonly (readonly [number, ProgressEvent])[]): string {
  let text = '';
  let now = at(0);
  const progress = new PlainProgress(
    (chunk) => {
      text += chunk;
    },
    () => now,
  );
  for (const event of begin) progress.report(event);
  for (const [time, event] of timed) {
    now = at(time);
    progress.report(event);
  }
  return text;
}

it('prints a build in the notation of BuildKit', () => {
  expect(
    plain([
      [0, { type: 'step-cached', id: 'a', key: KEY, since: at(-259_200_000), saved: 12_400, layerSize: 5 }],
      [10, { type: 'step-started', id: 'b', time: at(10) }],
      [322, output('b', 'added 1 package\nfunding')],
      [400, output('b', ' message\n')],
      [410, output('b', 'no line end')],
      [1210, { type: 'step-finished', id: 'b', key: KEY, time: at(1210), milliseconds: 1200, layerSize: 5 }],
      [1211, { type: 'notice', level: 'warning', message: 'no subuids' }],
      [1212, built],
    ]),
  ).toMatchInlineSnapshot(`
    "#1 [stage-0 1/3] WORKDIR /app
    #1 CACHED  3 days ago, saved 12.4s

    #2 [stage-0 2/3] RUN npm install
    #2 0.312 added 1 package
    #2 0.390 funding message
    #2 1.200 no line end
    #2 DONE 1.2s
    WARNING: no subuids
    "
  `);
});

it('says the title again when two steps take turns', () => {
  expect(
    plain([
      [0, { type: 'step-started', id: 'b', time: at(0) }],
      [0, { type: 'step-started', id: 'c', time: at(0) }],
      [100, output('b', 'one\n')],
      [200, output('c', 'two\n', 'stderr')],
      [300, { type: 'step-failed', id: 'c', time: at(300), message: 'exit code 2' }],
    ]),
  ).toMatchInlineSnapshot(`
    "#2 [stage-0 2/3] RUN npm install

    #3 [stage-0 3/3] RUN <<EOF …

    #2 [stage-0 2/3] RUN npm install
    #2 0.100 one

    #3 [stage-0 3/3] RUN <<EOF …
    #3 0.200 two
    #3 ERROR: exit code 2
    "
  `);
});

it('joins characters and lines across chunks, and lets no escape sequence through', () => {
  const euro = bytes('€');
  const text = plain([
    [0, { type: 'step-started', id: 'b', time: at(0) }],
    [0, output('b', euro.subarray(0, 1))],
    [0, output('b', euro.subarray(1))],
    [0, output('b', '\x1b[31mred\x1b[0m\x1b]0;title\x07 \x1b')],
    [0, output('b', '[2Jend\x07\n')],
    [0, output('b', ' 10%\r 50%\r100%\r\n')],
    [0, output('b', new Uint8Array([0xff, 0xfe, 0x0a]))],
  ]);
  expect(text.split('\n').slice(1, -1)).toEqual(['#2 0.000 €red end', '#2 0.000 100%', '#2 0.000 \ufffd\ufffd']);
});

it('gives a line that never ends out in pieces', () => {
  const text = plain([
    [0, { type: 'step-started', id: 'b', time: at(0) }],
    [0, output('b', 'x'.repeat(20_000))],
  ]);
  expect(
    text
      .split('\n')
      .slice(1, -1)
      .map((line) => line.length),
  ).toEqual([8192 + 9, 8192 + 9]);
});

it('ignores events of steps that were never planned', () => {
  expect(plain([[0, output('zzz', 'x\n')]])).toBe('');
});
