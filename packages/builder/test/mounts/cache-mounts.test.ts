import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundle } from '../../testing/bundle.ts';
import { CacheMounts, type CacheRequest } from '../../src/mounts/cache-mounts.ts';

const NOTHING = { mode: undefined, uid: undefined, gid: undefined, content: undefined };
const signal = new AbortController().signal;

describe('cache mounts', () => {
  let root: string;
  let caches: CacheMounts;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tsbuild-caches-'));
    caches = new CacheMounts(join(root, 'cache-mounts'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const take = (more: Partial<CacheRequest> = {}, fill = async (_directory: string): Promise<void> => {}) =>
    caches.acquire({ namespace: '', id: 'a', sharing: 'shared', initial: NOTHING, ...more }, fill, signal);

  it('persist, one for each id, namespace and beginning', async () => {
    const seen = new Set<string>();
    const requests: Partial<CacheRequest>[] = [
      {},
      { id: 'b' },
      { id: '../../b' },
      { namespace: 'n' },
      { initial: { ...NOTHING, mode: 0o700 } },
      { initial: { ...NOTHING, content: `sha256:${'1'.repeat(64)}` } },
    ];
    for (const request of requests) {
      using first = await take(request);
      seen.add(first.directory);
      expect(first.directory.startsWith(join(root, 'cache-mounts/'))).toBe(true);
      using again = await take(request);
      expect(again.directory).toBe(first.directory);
    }
    expect(seen.size).toBe(requests.length);
    expect(new Set(caches.list().map(({ id }) => id))).toEqual(new Set(['a', 'b', '../../b']));
  });

  it('begin with mode 0755 or what is asked for, and are filled once', async () => {
    let filled = 0;
    const fill = async (directory: string): Promise<void> => {
      filled += 1;
      writeFileSync(join(directory, 'seed'), 'x');
    };
    using plain = await take();
    expect(statSync(plain.directory).mode & 0o7777).toBe(0o755);
    const initial = { ...NOTHING, mode: 0o2770 };
    await Promise.all([1, 2, 3].map(() => take({ initial }, fill)));
    using cache = await take({ initial }, fill);
    expect(filled).toBe(1);
    expect(statSync(cache.directory).mode & 0o7777).toBe(0o2770);
  });

  it('are not there when filling them failed', async () => {
    await expect(take({}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(caches.list()).toEqual([]);
    using again = await take();
    expect(statSync(again.directory).isDirectory()).toBe(true);
  });

  it('are shared, or have one user at a time, or one instance for each user', async () => {
    const one = await take({ sharing: 'locked' });
    let got = false;
    const waiting = take({ sharing: 'locked' }).then((lease) => {
      got = true;
      return lease;
    });
    using other = await take({ sharing: 'private' });
    expect(other.directory).not.toBe(one.directory);
    await sleep(100);
    expect(got).toBe(false);
    one[Symbol.dispose]();
    using two = await waiting;
    expect(two.directory).toBe(one.directory);
    expect(caches.list()[0]?.directories).toHaveLength(2);
  });

  it('are waited for only until the build is stopped', async () => {
    using _one = await take({ sharing: 'locked' });
    const controller = new AbortController();
    const request: CacheRequest = { namespace: '', id: 'a', sharing: 'locked', initial: NOTHING };
    const waiting = caches.acquire(request, async () => {}, controller.signal);
    setTimeout(() => controller.abort(new Error('stop')), 50);
    await expect(waiting).rejects.toThrow('stop');
  });

  it('are free within a second when the process that had them is killed', async () => {
    const program = join(root, 'holder.mjs');
    bundle(fileURLToPath(new URL('../../testing/cache-mount-holder.ts', import.meta.url)), program);
    const holder = spawn(process.execPath, [program, join(root, 'cache-mounts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    setTimeout(() => holder.kill('SIGKILL'), 100);
    const started = performance.now();
    using _lease = await take({ sharing: 'locked' });
    expect(performance.now() - started).toBeGreaterThan(50);
  });
});
