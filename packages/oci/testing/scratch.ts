import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** A folder for the tests of a file, removed after them. Each call of the result makes a fresh, empty folder in it. */
export function scratchFolders(): () => string {
  let root = '';
  let count = 0;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'tsbuild-oci-'));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));
  return () => {
    const path = join(root, String(count++));
    mkdirSync(path);
    return path;
  };
}
