import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { removeTree } from '../../src/disk/remove-tree.ts';
import { Store } from '../../src/store/store.ts';

/** Writes a document after the other, as builds that end do: a temporary file, then a rename. */
const WRITER = `
const { mkdirSync, renameSync, writeFileSync } = require('node:fs');
const { parentPort, workerData } = require('node:worker_threads');
for (let at = 0; ; at++) {
  try {
    mkdirSync(workerData, { recursive: true });
    writeFileSync(workerData + '/.new', '{}');
    renameSync(workerData + '/.new', workerData + '/' + (at % 50) + '.json');
  } catch {}
  if (at === 50) parentPort.postMessage('writing');
}`;

it('collects while builds keep what they found in their layers', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-collect-'));
  onTestFinished(() => removeTree(directory));
  const store = await Store.open(join(directory, 'store'));
  const checks = store.directory('checks');
  const writer = new Worker(WRITER, { eval: true, workerData: checks });
  onTestFinished(async () => void (await writer.terminate()));
  await new Promise((resolve) => writer.once('message', resolve));
  for (let round = 0; round < 100; round++) await store.collect();
  await writer.terminate();
  await store.collect();
  expect(readdirSync(join(store.root, 'checks'))).toEqual([]);
});
