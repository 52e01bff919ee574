import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolders } from '../testing/scratch.ts';

const PROJECT = join(import.meta.dirname, '../../..');
const REPORT = join(PROJECT, 'docs/api/oci.md');
const folder = scratchFolders();

const report = (...args: readonly string[]) => {
  const script = join(PROJECT, 'scripts/api-report.mjs');
  const { stderr, status } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  return { stderr, status };
};

it('the report of the public interface is up to date, and every export has a doc comment', () => {
  expect(report('--check')).toEqual({ stderr: '', status: 0 });
});

it('a report that is not up to date is found out, with what to do about it', () => {
  const stale = join(folder(), 'stale.md');
  writeFileSync(stale, readFileSync(REPORT, 'utf8').replace('parseReference', 'parseName'));
  expect(report('--check', '--report', stale)).toEqual({
    stderr: expect.stringContaining('Make it again with `npm run api`'),
    status: 1,
  });
});
