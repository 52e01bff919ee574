import { expect, it } from 'vitest';
import { JsonProgress } from '../../src/output/json.ts';
import { at, begin, built, bytes, output } from './events.ts';

it('prints one event a line, output as text', () => {
  let text = '';
  const progress = new JsonProgress((line) => {
    text += line;
  });
  for (const event of begin.slice(0, 1)) progress.report(event);
  progress.report({ type: 'step-started', id: 'b', time: at(0) });
  progress.report(output('b', bytes('€').subarray(0, 2)));
  progress.report(output('b', bytes('€').subarray(2)));
  progress.report(output('b', '\x1b[31m\x7f\x9b\n', 'stderr'));
  progress.report(built);
  progress.fail({
    code: 'RUN_FAILED',
    message: 'no',
    hint: undefined,
    frame: undefined,
    output: [],
    stack: undefined,
    exitCode: 1,
  });
  expect(text).toMatchInlineSnapshot(`
    "{"type":"build-started","dockerfile":"Dockerfile"}
    {"type":"step-started","id":"b","time":1767225600000}
    {"type":"step-output","id":"b","stream":"stdout","text":"€"}
    {"type":"step-output","id":"b","stream":"stderr","text":"\\u001b[31m\\u007f\\u009b\\n"}
    {"type":"image-built","id":"sha256:0000000000000000000000000000000000000000000000000000000000000000","names":["my-app:latest"],"size":1234,"milliseconds":2500}
    {"type":"error","code":"RUN_FAILED","message":"no"}
    "
  `);
});
