import { execFileSync } from 'node:child_process';
import { renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StatCache } from '../../src/context/stat-cache.ts';
import { entry, open, temporaryDirectory, unwatch, watch } from './real-tree.ts';

describe('ContextTree and digests', () => {
  const hello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
  /** Long enough ago for its digest to be kept. ctime is the present all the same, so tests wait a moment. */
  const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 45));

  async function hashed(): Promise<{ root: string; file: string; cache: string }> {
    const root = temporaryDirectory();
    const cache = join(temporaryDirectory(), 'cache');
    const file = join(root, 'f');
    writeFileSync(file, 'hello');
    utimesSync(file, 1_600_000_000.5, 1_600_000_000.5);
    await settle();
    expect(build(root, cache)).toEqual({ sha256: hello, reads: 1 });
    expect(build(root, cache)).toEqual({ sha256: hello, reads: 0 });
    return { root, file, cache };
  }

  function build(root: string, cacheFile: string): { sha256: string; reads: number } {
    const cache = StatCache.open(root, cacheFile);
    const seen = watch(root);
    const tree = open(root, undefined, cache);
    const sha256 = tree.contentSha256(entry(tree, 'f'));
    expect(cache.save()).toBeUndefined();
    unwatch();
    return { sha256, reads: seen.open.length };
  }

  it('reads a file once, then never while it stays', async () => {
    const { root, cache } = await hashed();
    expect(build(root, cache).reads).toBe(0);
  });

  it('reads a touched file again and finds the same content', async () => {
    const { root, file, cache } = await hashed();
    utimesSync(file, 1_600_000_001.5, 1_600_000_001.5);
    await settle();
    expect(build(root, cache)).toEqual({ sha256: hello, reads: 1 });
    expect(build(root, cache).reads).toBe(0);
  });

  it('sees a change that kept size and mtime', async () => {
    const { root, file, cache } = await hashed();
    writeFileSync(file, 'jello');
    utimesSync(file, 1_600_000_000.5, 1_600_000_000.5);
    expect(build(root, cache)).toMatchObject({ reads: 1, sha256: expect.not.stringMatching(hello) });
  });

  it('sees a file replaced by another of the same size and mtime', async () => {
    const { root, file, cache } = await hashed();
    writeFileSync(join(root, 'other'), 'jello');
    utimesSync(join(root, 'other'), 1_600_000_000.5, 1_600_000_000.5);
    renameSync(join(root, 'other'), file);
    expect(build(root, cache)).toMatchObject({ reads: 1, sha256: expect.not.stringMatching(hello) });
  });

  it('reads a file again that was written just before the last build', () => {
    const root = temporaryDirectory();
    const cache = join(temporaryDirectory(), 'cache');
    writeFileSync(join(root, 'f'), 'hello');
    expect(build(root, cache).reads).toBe(1);
    expect(build(root, cache)).toEqual({ sha256: hello, reads: 1 });
  });

  it('hashes within one build once, fresh or not', () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'f'), 'hello');
    const tree = open(root);
    const seen = watch(root);
    expect([tree.contentSha256(entry(tree, 'f')), tree.knownSha256(entry(tree, 'f'))]).toEqual([hello, hello]);
    expect(tree.contentSha256({ ...entry(tree, 'f') })).toBe(hello);
    expect(seen.open).toEqual(['f']);
  });

  it.each([0, 1, 262_143, 262_144, 262_145, 700_000])('hashes a file of %i bytes', (size) => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'f'), Buffer.alloc(size, 'abc'));
    const tree = open(root);
    const expected = execFileSync('sha256sum', [join(root, 'f')])
      .toString()
      .split(' ')[0];
    expect(tree.contentSha256(entry(tree, 'f'))).toBe(expected);
  });
});
