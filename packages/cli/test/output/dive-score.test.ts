import type { LayerEntry } from '@tsbuild/oci';
import { expect, it } from 'vitest';
import { diveScore } from '../../src/output/layers/dive-score.ts';

type Entry = Pick<LayerEntry, 'path' | 'type' | 'size'>;
const file = (path: string, size = 6405): Entry => ({ path, type: 'file', size });
const directories = (...paths: readonly string[]): readonly Entry[] =>
  paths.map((path) => ({ path, type: 'directory', size: 0 }));
const ROOT = directories('/root');
const EXAMPLE = directories('/root', '/root/example');

// The layers of the image in dive's own tests, `.data/test-docker-image.tar`; of busybox what matters here, the sum of its sizes.
const EXAMPLES: readonly (readonly Entry[])[] = [
  [...directories('/bin', '/tmp'), file('/bin/busybox', 1_154_361)],
  [file('/somefile.txt')],
  directories('/root', '/root/example', '/root/example/really', '/root/example/really/nested'),
  [...EXAMPLE, file('/root/example/somefile1.txt')],
  [...EXAMPLE, file('/root/example/somefile1.txt')],
  [...EXAMPLE, file('/root/example/somefile2.txt')],
  [...EXAMPLE, file('/root/example/somefile3.txt')],
  [...EXAMPLE, file('/root/example/.wh.somefile3.txt', 0), file('/root/saved.txt')],
  [...ROOT, file('/root/.saved.txt')],
  [...ROOT, file('/root/.wh.example', 0)],
  [...directories('/root', '/root/.data'), file('/root/.data/tag.sh', 917), file('/root/.data/test.sh', 1270)],
  [...directories('/tmp'), file('/tmp/saved.again1.txt')],
  [...directories('/root', '/root/.data'), file('/root/.data/saved.again2.txt')],
  [...ROOT, file('/root/saved.txt')],
];

it('is what dive publishes of its example', () => {
  const { score, wasted, references } = diveScore(EXAMPLES);
  expect(EXAMPLES.flat().reduce((sum, { size }) => sum + size, 0)).toBe(1_220_598);
  expect(score).toBe(0.9844212134184309);
  expect(wasted).toBe(32_025);
  expect(references.map(({ path, count, bytes }) => [path, count, bytes]).toSorted()).toEqual([
    ['/root/example/somefile1.txt', 2, 12_810],
    ['/root/example/somefile3.txt', 2, 6405],
    ['/root/saved.txt', 2, 12_810],
  ]);
});

it('is whole where nothing is there twice, and of nothing', () => {
  expect(diveScore([[file('/a')], [file('/b')]])).toEqual({ score: 1, wasted: 0, references: [] });
  expect(diveScore([])).toEqual({ score: 1, wasted: 0, references: [] });
});
