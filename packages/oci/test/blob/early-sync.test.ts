import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { EarlySync } from '../../src/blob/early-sync.ts';

const MIB = 1024 * 1024;

function emptyFile(): number {
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-early-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return openSync(join(directory, 'file'), 'w');
}

it('waits for the sync that is running before a file is closed', async () => {
  const fd = emptyFile();
  const early = new EarlySync(fd);
  writeSync(fd, Buffer.alloc(33 * MIB));
  early.wrote(33 * MIB);
  let isClosed = false;
  early.whenEnded(() => {
    closeSync(fd);
    isClosed = true;
  });
  expect(isClosed).toBe(false);
  expect(fstatSync(fd).size).toBe(33 * MIB);
  await early.ended();
  expect(isClosed).toBe(true);
});

it('syncs nothing of a small file', () => {
  const fd = emptyFile();
  const early = new EarlySync(fd);
  early.wrote(31 * MIB);
  early.whenEnded(() => closeSync(fd));
  expect(() => fstatSync(fd)).toThrow('EBADF');
});

it('keeps the error of a sync until it is asked, as the kernel tells it once only', async () => {
  // A device cannot be synced.
  const early = new EarlySync(openSync('/dev/full', 'w'));
  early.wrote(33 * MIB);
  await new Promise<void>((resolve) => early.whenEnded(resolve));
  await expect(early.ended()).rejects.toThrow('EINVAL');
});
