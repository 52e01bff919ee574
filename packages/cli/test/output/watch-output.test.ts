import { expect, it } from 'vitest';
import { endOf, WatchOutput } from '../../src/commands/build/watch-output.ts';

const said = (mode: 'lines' | 'json' | 'quiet', say: (output: WatchOutput) => void): string => {
  let text = '';
  say(new WatchOutput((more) => (text += more), mode, '/work/é'));
  return text;
};
const inRoot = (name: string): string => Buffer.from(`/work/é/${name}`).toString('latin1');

it('says what changed, relative to the context and harmless, and how long it took', () => {
  const paths = [inRoot('a'), inRoot('ü'), '/etc/\x1b[31mx', '/d'];
  const play = (output: WatchOutput): void => {
    output.waiting(1);
    output.changed(paths, false, true);
    output.finished('loaded', 412.4);
    output.changed([], true, false);
    output.finished('failed', undefined);
  };
  expect(said('lines', play)).toBe(
    'Watching 1 directory for changes; Ctrl-C ends it.\n\na, ü, /etc/\\u001b[31mx and 1 more changed meanwhile: building again\nLoaded 412 ms after the change.\n\nvery much changed\n',
  );
  expect(said('quiet', play)).toBe('');
  const json = said('json', play);
  expect(json).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  expect(
    json
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { type: 'watch-waiting', directories: 1 },
    { type: 'watch-changed', paths: ['a', 'ü', '/etc/\x1b[31mx', '/d'], flooded: false, restarts: true },
    { type: 'watch-finished', end: 'loaded', milliseconds: 412 },
    { type: 'watch-changed', paths: [], flooded: true, restarts: false },
    { type: 'watch-finished', end: 'failed' },
  ]);
});

it('ends where the image goes', () => {
  expect(endOf([])).toBe('built');
  expect(endOf([{ kind: 'file', path: 'x' }, { kind: 'engine' }])).toBe('loaded');
  expect(endOf([{ kind: 'registry' }])).toBe('pushed');
});
