import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { TtyProgress } from '../../src/output/tty.ts';
import { at, begin, built, KEY } from './events.ts';

it('hides the cursor while it draws over the last frame, and brings it back', () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 40, rows: 10 });
  const progress = new TtyProgress(terminal, { now: () => at(0), colour: false });
  for (const event of begin) progress.report(event);
  progress.report({ type: 'step-cached', id: 'a', key: KEY, since: 0, saved: 0, layerSize: 0 });
  progress.report(built);
  progress.close();
  progress.close();
  expect(JSON.stringify(String(terminal.read())).replaceAll('\\u001b', 'ESC')).toMatchInlineSnapshot(
    `""ESC[?25l\\r[+] Building 0.0s (0/0)ESC[K\\nESC[J\\rESC[1A[+] Built in 0.0s (1/3)ESC[K\\n => CACHED [stage-0 1/3] WORKDIR … 0.0sESC[K\\nESC[JESC[?25h""`,
  );
});

it('leaves the terminal alone when there was nothing to show', () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  new TtyProgress(terminal, { now: () => at(0), colour: false }).close();
  expect(terminal.read()).toBeNull();
});
