import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileLock } from '@tsbuild/oci/internal';
import { listCache, pruneCache } from '../src/store/store-cache.ts';
import type { CacheEntry } from '../src/store/cache-entry.ts';
import { diskUsage } from '../src/store/disk-usage.ts';
import { BuildBench } from '../testing/build-bench.ts';
import { NO_SANDBOX } from '../testing/busybox-root.ts';

const TEXT =
  'FROM busybox AS one\nRUN --mount=type=cache,id=apt,target=/c echo kept >/c/f; seq 5000 >/numbers\nFROM busybox\nCOPY --from=one /numbers /n\nRUN seq 9000 >/more\n';

describe.skipIf(NO_SANDBOX !== '')(`the cache of a store${NO_SANDBOX}`, () => {
  let bench: BuildBench;
  const signal = new AbortController().signal;
  beforeEach(async () => {
    bench = await BuildBench.make();
    await bench.build(TEXT, { tags: ['app'] });
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const list = () => listCache(bench.store, signal);
  const shown = (entries: readonly CacheEntry[]) =>
    entries.map(({ kind, description, shared }) => `${kind} ${description}${shared ? ' (shared)' : ''}`).toSorted();
  const blobs = () => readdirSync(join(bench.store.root, 'blobs/sha256')).length;

  it('is listed with kinds, sizes, ages and uses', async () => {
    await bench.build(TEXT, { tags: ['app'] });
    await bench.build(TEXT, { tags: ['app'] });
    const entries = await list();
    expect(shown(entries).filter((line) => !line.startsWith('snapshot'))).toEqual([
      'cache-mount apt',
      'record [one] RUN --mount=type=cache,id=apt,target=/c echo kept >/c/f; seq 5000 >/numbers',
      'record [stage-1] COPY --from=one /numbers /n (shared)',
      'record [stage-1] RUN seq 9000 >/more (shared)',
    ]);
    expect(entries.filter(({ kind }) => kind === 'snapshot').length).toBeGreaterThan(1);
    const [copied] = entries.filter(({ description }) => description.includes('COPY'));
    expect(copied).toMatchObject({ uses: 2 });
    expect(copied?.size).toBeGreaterThan(24_000);
    expect(copied?.lastUsed).toBeGreaterThanOrEqual(copied?.created ?? Number.POSITIVE_INFINITY);
    expect(entries.find(({ kind }) => kind === 'cache-mount')).toMatchObject({
      uses: 1,
      id: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('is pruned as far as no image needs it, and the next build of the image is cached where it was shared', async () => {
    const before = diskUsage(bench.store.root);
    const dry = await pruneCache(bench.store, { all: false, dryRun: true }, signal);
    expect(diskUsage(bench.store.root)).toBe(before);
    const pruned = await pruneCache(bench.store, { all: false }, signal);
    expect(shown(pruned.removed)).toEqual(shown(dry.removed));
    expect(pruned.heldBackBy).toBe(0);
    // The mount, the record of the first stage with its layer, and the snapshot of that layer.
    expect(pruned.removed.map(({ kind }) => kind).toSorted()).toEqual(['cache-mount', 'record', 'snapshot']);
    expect(before - diskUsage(bench.store.root)).toBeGreaterThan(pruned.bytes / 2);
    expect(Math.abs(pruned.bytes - dry.bytes)).toBeLessThan(20_000);
    expect((await list()).every(({ shared }) => shared)).toBe(true);
    expect((await bench.store.layout.resolve('app')).layers).toHaveLength(3);
    const again = await bench.build(TEXT, { tags: ['app'] });
    expect(again.steps).toMatchObject({ total: 3, cached: 2 });
    expect(again.events).toContain('"its record was pruned"');
  });

  it('goes whole with all, and only the images are left', async () => {
    await pruneCache(bench.store, { all: true }, signal);
    expect(await list()).toEqual([]);
    const image = await bench.store.layout.resolve('app');
    const base = await bench.store.layout.resolve('busybox');
    expect(blobs()).toBe(4 + new Set([...image.layers, ...base.layers].map(({ digest }) => digest)).size);
    expect((await bench.build(TEXT)).steps.cached).toBe(0);
  });

  it('keeps what was used last, down to a size', async () => {
    const entries = (await list()).filter(({ shared }) => !shared);
    const total = entries.reduce((sum, { size }) => sum + size, 0);
    expect((await pruneCache(bench.store, { all: false, keepStorage: total }, signal)).removed).toEqual([]);
    const { removed } = await pruneCache(bench.store, { all: false, keepStorage: total - 1 }, signal);
    expect(removed).toEqual([entries.toSorted((a, b) => a.lastUsed - b.lastUsed)[0]]);
  });

  it('goes by kind, id and age', async () => {
    expect((await pruneCache(bench.store, { all: true, unusedFor: 3_600_000 }, signal)).removed).toEqual([]);
    const kinds = ['cache-mount' as const];
    expect((await pruneCache(bench.store, { all: false, kinds, id: 'no' }, signal)).removed).toEqual([]);
    const { removed } = await pruneCache(bench.store, { all: false, kinds }, signal);
    expect(shown(removed)).toEqual(['cache-mount apt']);
    expect((await bench.build(TEXT)).steps.cached).toBe(3);
  });

  it('is left alone while a build runs, and a cache mount while a command has it', async () => {
    const mounts = join(bench.store.root, 'cache-mounts');
    const [place = ''] = readdirSync(mounts).filter((name) => name.length === 64);
    {
      await using _lease = await bench.store.layout.lease();
      using _lock = await FileLock.take(join(mounts, place, '0.lock'), 'shared', signal);
      const before = await list();
      const held = await pruneCache(bench.store, { all: true }, signal);
      expect(held).toEqual({ removed: [], bytes: 0, heldBackBy: 1 });
      expect(await list()).toEqual(before);
    }
    {
      await using _lease = await bench.store.layout.lease();
      const { removed, heldBackBy } = await pruneCache(bench.store, { all: true }, signal);
      expect({ removed: shown(removed), heldBackBy }).toEqual({ removed: ['cache-mount apt'], heldBackBy: 1 });
    }
    expect((await bench.build(TEXT, { noCache: true })).steps.cached).toBe(0);
  });

  it('takes nothing from builds that run at the same time', async () => {
    const builds = Array.from({ length: 4 }, async (_, i) =>
      bench.build(`${TEXT}RUN echo ${i} >/i\n`, { tags: [`app-${i}`] }),
    );
    const prunes = Array.from({ length: 4 }, async () => pruneCache(bench.store, { all: true }, signal));
    await Promise.all([...builds, ...prunes]);
    for (const [i] of builds.entries()) {
      const { layers } = await bench.store.layout.resolve(`app-${i}`);
      for (const { digest } of layers) expect(await bench.store.layout.blobs.has(digest)).toBeDefined();
    }
  });

  it('is cleared of what an interrupted prune has left', async () => {
    const left = join(bench.store.root, 'tmp', 'pruned-0123456789abcdef');
    mkdirSync(join(left, 'folder'), { recursive: true });
    writeFileSync(join(left, 'folder/file'), 'x'.repeat(100_000));
    utimesSync(left, 1, 1);
    const { bytes } = await pruneCache(bench.store, { all: false, id: 'none' }, signal);
    expect(existsSync(left)).toBe(false);
    expect(bytes).toBeGreaterThanOrEqual(100_000);
  });
});
