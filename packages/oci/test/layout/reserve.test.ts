import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Layout } from '../../src/layout/layout.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { imageOf, scratchFolder } from './images.ts';

const scratch = await scratchFolder();
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const names = [parseReference('a')];

/** A file system of its own, which has so little room that it can be filled. */
describe.skipIf(process.geteuid?.() !== 0)('a store on a full disk (needs root)', () => {
  const disk = join(scratch, 'disk');
  const root = join(disk, 'store');
  beforeEach(() => {
    mkdirSync(disk, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,nr_inodes=200', 'none', disk]);
  });
  afterEach(() => execFileSync('umount', [disk]));

  const fill: Record<string, () => void> = {
    bytes: () => {
      for (const size of [1 << 20, 4096]) {
        for (let i = 0; ; i++) {
          try {
            writeFileSync(join(disk, `fill-${size}-${i}`), Buffer.alloc(size, 1));
          } catch {
            break;
          }
        }
      }
    },
    inodes: () => {
      for (let i = 0; ; i++) {
        try {
          writeFileSync(join(disk, `fill-${i}`), '');
        } catch {
          break;
        }
      }
    },
  };

  it.each(Object.keys(fill))('without %s it removes an image and collects, and lays room by again', async (what) => {
    const store = await Layout.open(root, { create: true, private: true });
    await store.add(await imageOf(store.blobs, 'a'), names);
    expect(existsSync(join(root, 'reserve/3'))).toBe(true);
    fill[what]?.();
    await expect(store.tag('a', 'another')).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
      message: expect.stringContaining(`cannot write ${root}`),
    });
    expect(await store.remove('a')).toHaveLength(2);
    expect((await store.collect([])).deleted.length).toBeGreaterThan(0);
    expect(await store.images()).toEqual([]);
    for (const name of readdirSync(disk)) if (name.startsWith('fill')) rmSync(join(disk, name));
    await store.add(await imageOf(store.blobs, 'b'), names);
    expect(existsSync(join(root, 'reserve/3'))).toBe(true);
  });
});

it('a layout that is no store lays nothing by', async () => {
  const path = join(scratch, 'layout');
  const layout = await Layout.open(path, { create: true });
  await layout.add(await imageOf(layout.blobs, 'a'), names);
  expect(existsSync(join(path, 'reserve'))).toBe(false);
});
