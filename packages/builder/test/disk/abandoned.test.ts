import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownerTag, thisProcess } from '@tsbuild/oci/internal';
import { ScratchSpace } from '../../src/disk/scratch-space.ts';
import { findLitter } from '../../src/store/litter.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-abandoned-'));
  mkdirSync(join(root, 'mounts'));
  mkdirSync(join(root, 'records'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const { pid, start } = thisProcess();
const hours = (path: string, age: number): void => {
  const then = Date.now() / 1000 - age * 3600;
  utimesSync(join(root, path), then, then);
};

describe('root filesystems of commands', () => {
  it('tell the boot that their process is of: the same pid and start time of another machine is another process', async () => {
    const elsewhere = `${pid}-${start}-00000000-0123456789ab`;
    const [gone, old] = [`${ownerTag().replace(/^\d+-\d+/, '999999999-1')}-0123456789ab`, '7-7-00000000-ba9876543210'];
    for (const name of [elsewhere, gone, old]) mkdirSync(join(root, 'mounts', name));
    hours(`mounts/${elsewhere}`, 23);
    hours(`mounts/${old}`, 25);
    const made = basename(await new ScratchSpace(join(root, 'mounts')).create());
    expect(made.startsWith(`${ownerTag()}-`)).toBe(true);
    expect(readdirSync(join(root, 'mounts')).toSorted()).toEqual([elsewhere, made].toSorted());
  });
});

describe('temporary files of processes that cannot be seen from here', () => {
  it('are litter after an hour, wherever they are', () => {
    const [young, old] = ['e', 'f'].map((digit) => `records/.key.7-7-00000000-${digit.repeat(16)}.tmp`);
    for (const path of [young, old]) writeFileSync(join(root, path ?? ''), '');
    hours(young ?? '', 0.5);
    hours(old ?? '', 2);
    expect(findLitter(root, { remove: async () => {} }).map(({ path }) => path)).toEqual([old]);
  });
});
