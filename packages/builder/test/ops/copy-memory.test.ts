import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { cacheKey } from '../../src/cache/cache-key.ts';
import { CopyMemory } from '../../src/ops/copy/copy-memory.ts';
import { EMPTY_ROOTFS, type Rootfs } from '../../src/ops/rootfs.ts';
import { open, temporaryDirectory, watch, writeTree } from '../context/real-tree.ts';
import { type CopyCase, CopyBench } from './copy-bench.ts';

const TREE = 'dir d\nfile d/f ab\nfile d/g cd\ndir d/sub\nfile d/sub/deep ef\nsymlink d/l -> f\nfile top gh';

/** Longer than the clock's granularity: files are no longer too fresh to be remembered. */
const settle = (): Promise<void> => sleep(60);

/** A context with files, and a bench that remembers copies. */
async function remembering(parent: Rootfs = EMPTY_ROOTFS, options: CopyCase = {}) {
  const [root, kept] = [temporaryDirectory(), temporaryDirectory()];
  writeTree(root, TREE);
  await settle();
  const bench = new CopyBench();
  bench.memory = new CopyMemory(kept);
  const prepare = async (patterns?: readonly string[], more: CopyCase = {}) => {
    const { prepared } = await bench.prepareStep(open(root, patterns), parent, { ...options, ...more });
    const planned = prepared.afresh === undefined ? prepared : await prepared.afresh();
    await planned.discard();
    return {
      recalled: prepared.afresh !== undefined,
      key: cacheKey(prepared.preimage),
      fresh: cacheKey(planned.preimage),
    };
  };
  return { root, kept, bench, prepare };
}

describe('a copy of an unchanged context', () => {
  it('has its key without being planned: no file is opened, and each is looked at once', async () => {
    const { root, prepare, bench } = await remembering();
    const first = await prepare();
    const seen = watch(root);
    const { prepared } = await bench.prepareStep(open(root), EMPTY_ROOTFS, {});
    expect(prepared.afresh).toBeDefined();
    expect(cacheKey(prepared.preimage)).toBe(first.key);
    expect(seen.open).toEqual([]);
    expect(seen.lstat.toSorted()).toEqual(['d', 'd/f', 'd/g', 'd/l', 'd/sub', 'd/sub/deep', 'top']);
    expect(first.recalled).toBe(false);
  });

  it.each<[string, (root: string) => void]>([
    [
      'content of the same size and mtime',
      (root) => {
        const { mtime } = statSync(join(root, 'd/f'));
        writeFileSync(join(root, 'd/f'), 'xy');
        utimesSync(join(root, 'd/f'), mtime, mtime);
      },
    ],
    [
      'content in place of which another file was moved',
      (root) => {
        const { mtime } = statSync(join(root, 'd/f'));
        writeFileSync(join(root, 'new'), 'xy');
        utimesSync(join(root, 'new'), mtime, mtime);
        renameSync(join(root, 'new'), join(root, 'd/f'));
      },
    ],
    ['a longer file', (root) => appendFileSync(join(root, 'd/sub/deep'), 'more')],
    ['a mode', (root) => chmodSync(join(root, 'd/g'), 0o755)],
    ["a folder's mode", (root) => chmodSync(join(root, 'd/sub'), 0o700)],
    ['a new file', (root) => writeFileSync(join(root, 'd/sub/new'), '')],
    ['a new folder', (root) => mkdirSync(join(root, 'd/sub/new'))],
    ['a file that is gone', (root) => rmSync(join(root, 'top'))],
    ['another name', (root) => renameSync(join(root, 'd/g'), join(root, 'd/h'))],
    [
      'two names exchanged',
      (root) => {
        renameSync(join(root, 'd/f'), join(root, 'd/x'));
        renameSync(join(root, 'd/g'), join(root, 'd/f'));
        renameSync(join(root, 'd/x'), join(root, 'd/g'));
      },
    ],
    [
      'another target of a link',
      (root) => {
        rmSync(join(root, 'd/l'));
        symlinkSync('g', join(root, 'd/l'));
      },
    ],
    ['a second name of a file', (root) => linkSync(join(root, 'top'), join(root, 'd/other'))],
  ])('has another key after a change: %s', async (_what, change) => {
    // biome-ignore format: a table
    const { root, prepare } = await remembering();
    const before = await prepare();
    expect((await prepare()).recalled).toBe(true);
    change(root);
    for (let i = 0; i < 2; i++) {
      await settle();
      const after = await prepare();
      expect(after.key).toBe(after.fresh);
      expect(after.key).not.toBe(before.key);
      expect(after.recalled).toBe(i === 1);
    }
  });

  it('has the same key under new times, which are learnt', async () => {
    const { root, prepare } = await remembering();
    const before = await prepare();
    utimesSync(join(root, 'top'), 1, 1);
    await settle();
    expect(await prepare()).toEqual({ ...before, recalled: false });
    expect(await prepare()).toEqual({ ...before, recalled: true });
  });

  it('is planned while a file is so fresh that it may change under the same times', async () => {
    const { root, prepare } = await remembering();
    await prepare();
    writeFileSync(join(root, 'top'), 'ij');
    expect((await prepare()).recalled).toBe(false);
    expect((await prepare()).recalled).toBe(false);
  });

  it.each<[string, CopyCase]>([
    ['sources', { sources: ['d'] }],
    ['a pattern', { sources: ['d/*'] }],
    ['destination', { destination: '/app/' }],
    ['working directory', { workingDirectory: '/srv', destination: 'x/' }],
    ['--chown', { chown: '1:2' }],
    ['--chmod', { chmod: '700' }],
    ['another --chmod', { chmod: 'u=rX' }],
    ['--exclude', { excludes: ['**/g'] }],
  ])('is told apart from one with other %s', async (_what, other) => {
    const { prepare } = await remembering();
    const plain = await prepare();
    const first = await prepare(undefined, other);
    const second = await prepare(undefined, other);
    expect([plain.recalled, first.recalled, second.recalled]).toEqual([false, false, true]);
    expect(first.key).not.toBe(plain.key);
    expect(second.key).toBe(second.fresh);
    expect(await prepare()).toEqual({ ...plain, recalled: true });
  });

  it('is told apart by what .dockerignore leaves of it, and by the parent', async () => {
    const { prepare, bench, root } = await remembering();
    const all = await prepare();
    const some = await prepare(['d/*', '!d/sub']);
    expect(some.recalled).toBe(false);
    expect(some.key).not.toBe(all.key);
    expect(await prepare(['d/*', '!d/sub'])).toEqual({ ...some, recalled: true });
    const parent = await bench.rootfs('dir app mode=700');
    const on = async (rootfs: Rootfs) => {
      const { prepared } = await bench.prepareStep(open(root), rootfs, { destination: '/app/' });
      return { key: cacheKey(prepared.preimage), recalled: prepared.afresh !== undefined };
    };
    const nothing = await on(EMPTY_ROOTFS);
    const app = await on(parent);
    expect(app.recalled).toBe(false);
    expect(app.key).not.toBe(nothing.key);
    expect(await on(parent)).toEqual({ ...app, recalled: true });
  });

  it('is planned where it has something to say in every build', async () => {
    const { prepare, bench } = await remembering(EMPTY_ROOTFS, { chown: 'nobody' });
    for (let i = 0; i < 3; i++) expect((await prepare()).recalled).toBe(false);
    expect(bench.notices).toHaveLength(3);
  });

  it('is planned without a cache, and what that found is remembered', async () => {
    const { prepare } = await remembering();
    await prepare();
    expect((await prepare(undefined, { ignoreCache: true })).recalled).toBe(false);
  });

  it('is planned after what was remembered is lost, or damaged', async () => {
    const { prepare, kept } = await remembering();
    const before = await prepare();
    const [name = ''] = readdirSync(kept).filter((file) => file.endsWith('.copies'));
    const file = join(kept, name);
    const whole = readFileSync(file, 'latin1');
    for (const damaged of ['', '\0'.repeat(whole.length), whole.slice(0, 100), whole.replaceAll(' ', '')]) {
      writeFileSync(file, damaged);
      expect(await prepare()).toEqual({ ...before, recalled: false });
    }
    rmSync(kept, { recursive: true });
    expect(await prepare()).toEqual({ ...before, recalled: false });
    expect(await prepare()).toEqual({ ...before, recalled: true });
  });
});

it('a copy from a stage has its key without being planned', async () => {
  const { bench, prepare } = await remembering();
  const [one, two] = [await bench.rootfs('file a x'), await bench.rootfs('file a y')];
  const first = await prepare(undefined, { fromStage: one, sources: ['/a'] });
  expect(await prepare(undefined, { fromStage: one, sources: ['/a'] })).toEqual({ ...first, recalled: true });
  const other = await prepare(undefined, { fromStage: two, sources: ['/a'] });
  expect(other.recalled).toBe(false);
  expect(other.key).not.toBe(first.key);
});
