import { fileURLToPath } from 'node:url';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { output } from './support/process.ts';
import { scratch } from './support/tsbuild.ts';
import { withoutRoot } from './support/lab.ts';

const BENCH = fileURLToPath(new URL('../bench/speed.mjs', import.meta.url));

/** That the harness runs, not how fast anything is. */
it.skipIf(withoutRoot)('npm run bench gives a table and its samples (needs root)', async () => {
  const json = join(await scratch(), 'samples.json');
  const only = 'unchanged,cold,changed,touched,same,save,great,gzip';
  const choices = `--scale 0.004 --rounds 2 --peers none --only ${only}`.split(' ');
  const printed = await output(process.execPath, [BENCH, ...choices, '--json', json]);
  const rows = printed.split('\n').filter((line) => line.startsWith('| '));
  expect(rows.length).toBe(2 + only.split(',').length);
  expect(printed).not.toMatch(/NaN|undefined|Infinity/);
  const samples = JSON.parse(await readFile(json, 'utf8')) as Record<string, Record<string, unknown[]>>;
  for (const id of only.split(',')) expect(samples[id]?.['tsbuild']).toHaveLength(2);
});
