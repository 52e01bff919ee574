import { expect, it } from 'vitest';
import { judgeCorpus, scoresOf } from '../../../../advice/corpus.ts';

/** What `npm run advice` prints must not get worse. */
const LEAST = 0.9;

it('the advice is right where it speaks, and speaks where it should, on a corpus that people have labelled', () => {
  const judged = judgeCorpus();
  expect(judged.filter(({ rule }) => rule === 'CopyBeforeInstall').length).toBeGreaterThanOrEqual(40);
  expect(judged.filter(({ rule }) => rule === 'PackageCacheInLayer').length).toBeGreaterThanOrEqual(40);
  const scores = scoresOf(judged);
  expect(scores.map(({ rule }) => rule)).toEqual(['CopyBeforeInstall', 'PackageCacheInLayer', 'SecretInLayer']);
  for (const { rule, precision, recall } of scores) {
    expect({ rule, good: precision >= LEAST && recall >= LEAST }).toEqual({ rule, good: true });
  }
});
