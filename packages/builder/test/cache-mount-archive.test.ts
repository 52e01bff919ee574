import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exportCacheMount, importCacheMount } from '../src/store/cache-mount-archive.ts';
import { CacheMounts, type CacheRequest } from '../src/mounts/cache-mounts.ts';
import { Store } from '../src/store/store.ts';

const signal = new AbortController().signal;
const REQUEST: CacheRequest = {
  namespace: '',
  id: '/root/.cache',
  sharing: 'shared',
  initial: { mode: 0o700, uid: undefined, gid: undefined, content: undefined },
};

describe('archives of cache mounts', () => {
  let directory: string;
  let store: Store;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tsbuild-cache-archive-'));
    store = await Store.open(join(directory, 'store'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const acquire = async (of: Store, request = REQUEST): Promise<string> => {
    using lease = await new CacheMounts(of.directory('cache-mounts')).acquire(request, async () => {}, signal);
    return lease.directory;
  };
  const exported = async (id = REQUEST.id): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    await exportCacheMount({ id }, store, async (chunk) => void chunks.push(chunk), signal);
    return Buffer.concat(chunks);
  };
  const from = (...chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> =>
    (async function* () {
      yield* chunks;
    })();

  it('go to another store, into caches that are not there yet or are', async () => {
    const cache = await acquire(store);
    mkdirSync(join(cache, 'd'));
    writeFileSync(join(cache, 'd/f'), 'content', { mode: 0o640 });
    symlinkSync('d/f', join(cache, 'l'));
    const archive = await exported();
    expect(execFileSync('tar', ['-tf', '-'], { input: archive, encoding: 'utf8' })).toBe('d/\nd/f\nl\n');
    expect(await exported()).toEqual(archive);

    const other = await Store.open(join(directory, 'other'));
    await importCacheMount({ id: REQUEST.id }, from(gzipSync(archive)), other, signal);
    const there = await acquire(other);
    expect(readFileSync(join(there, 'l'), 'utf8')).toBe('content');
    expect(statSync(join(there, 'd/f')).mode & 0o777).toBe(0o640);
    expect(statSync(there).mode & 0o777).toBe(0o700);
    writeFileSync(join(there, 'd/f'), 'changed');
    writeFileSync(join(there, 'own'), 'stays');
    await importCacheMount({ id: REQUEST.id }, from(archive), other, signal);
    expect(readFileSync(join(there, 'd/f'), 'utf8')).toBe('content');
    expect(readFileSync(join(there, 'own'), 'utf8')).toBe('stays');
    // A cache of the same name that begins otherwise is another.
    expect(await acquire(other, { ...REQUEST, namespace: 'n' })).not.toBe(there);
  });

  it('never lead out of the cache', async () => {
    const outside = join(directory, 'outside');
    mkdirSync(outside);
    const evil = join(directory, 'evil');
    mkdirSync(evil);
    writeFileSync(join(evil, 'x'), 'x');
    const archive = execFileSync(
      'tar',
      ['-cf', '-', '-P', '--transform', `s,^x,${outside}/../../../../..${outside}/x,`, 'x'],
      { cwd: evil },
    );
    await importCacheMount({ id: 'a' }, from(archive), store, signal).catch(() => {});
    const cache = await acquire(store, { ...REQUEST, id: 'b' });
    symlinkSync(outside, join(cache, 'l'));
    const through = execFileSync('tar', ['-cf', '-', '--transform', 's,^x,l/x,', 'x'], { cwd: evil });
    await importCacheMount({ id: 'b' }, from(through), store, signal).catch(() => {});
    expect(execFileSync('ls', ['-A', outside], { encoding: 'utf8' })).toBe('');
  });

  it('are of caches that are there', async () => {
    await expect(exported('none')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: 'there is no cache mount "none" in the store',
    });
    await acquire(store);
    await expect(exported('none')).rejects.toMatchObject({ hint: 'Existing cache mounts: /root/.cache.' });
    await expect(
      importCacheMount({ id: 'x' }, from(Buffer.from('no tar'.repeat(200))), store, signal),
    ).rejects.toMatchObject({ name: 'OciError' });
    expect(await acquire(store, { ...REQUEST, id: 'x' })).toBeTruthy();
  });
});
