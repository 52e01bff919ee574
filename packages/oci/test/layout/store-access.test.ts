import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Layout } from '../../src/layout/layout.ts';
import { closeStore } from '../../src/layout/store-access.ts';
import { scratchFolder } from './images.ts';

const scratch = await scratchFolder();
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let root: string;
beforeEach(() => {
  root = join(mkdtempSync(join(scratch, 'access-')), 'store');
});

const modeOf = (path: string): number => statSync(path).mode & 0o7777;
const openStore = (): Promise<Layout> => Layout.open(root, { create: true, private: true });

describe('a private layout', () => {
  it('is made for its owner alone', async () => {
    await openStore();
    expect(modeOf(root)).toBe(0o700);
  });

  it('is closed when an earlier version left it open, and says from which mode', async () => {
    await openStore();
    chmodSync(root, 0o755);
    expect(closeStore(root)).toEqual({ closedFrom: 0o755 });
    expect(modeOf(root)).toBe(0o700);
    expect(closeStore(root)).toEqual({});
    chmodSync(root, 0o777);
    await openStore();
    expect(modeOf(root)).toBe(0o700);
  });

  it('stays open when its owner shares it', async () => {
    await openStore();
    writeFileSync(join(root, 'shared'), '');
    chmodSync(root, 0o755);
    expect(closeStore(root)).toEqual({});
    await openStore();
    expect(modeOf(root)).toBe(0o755);
  });

  it('leaves a directory that is no store as it is, and makes no store in one that others can enter', async () => {
    mkdirSync(root);
    chmodSync(root, 0o1777);
    writeFileSync(join(root, 'other'), '');
    expect(closeStore(root)).toEqual({});
    await expect(openStore()).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      message: expect.stringContaining('other users can access it; choose a dedicated directory'),
    });
    expect(modeOf(root)).toBe(0o1777);
    chmodSync(root, 0o700);
    await openStore();
  });

  it('takes an empty directory, and the root of a new file system', async () => {
    mkdirSync(join(root, 'lost+found'), { recursive: true });
    chmodSync(root, 0o755);
    await openStore();
    expect(modeOf(root)).toBe(0o700);
  });
});

it('a layout that is no store is as open as the umask lets it be', async () => {
  await Layout.open(root, { create: true });
  expect(modeOf(root)).toBe(0o777 & ~process.umask());
  expect(modeOf(join(root, 'index.json'))).toBe(0o666 & ~process.umask());
});

it.skipIf(process.geteuid?.() !== 0)('says whose store it is (needs root)', async () => {
  await openStore();
  chownSync(root, 1, 1);
  expect(closeStore(root)).toEqual({ foreignOwner: expect.stringMatching(/uid 1\)?$/) });
  expect(modeOf(root)).toBe(0o700);
});
