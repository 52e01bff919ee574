import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatCache } from '../../src/context/stat-cache.ts';
import { decodeTable, encodeTable, type KnownFile } from '../../src/context/stat-cache-file.ts';
import { temporaryDirectory } from './real-tree.ts';

const identity = {
  size: 5,
  mtimeMs: 1_700_000_000_123.25,
  ctimeMs: 1_700_000_000_456.5,
  ino: 4_294_967_299,
  dev: 65_024,
};
const A = 'aa'.repeat(32);
const B = 'bb'.repeat(32);

/** A context with these files, and where its cache goes. */
function context(...files: string[]): { root: string; file: string } {
  const root = temporaryDirectory();
  for (const name of files) writeFileSync(join(root, name), '');
  return { root, file: join(temporaryDirectory(), 'contexts/one') };
}

describe('StatCache', () => {
  it('keeps digests from build to build', () => {
    const { root, file } = context('a', 'b');
    const first = StatCache.open(root, file);
    expect(first.get('a', identity)).toBeUndefined();
    first.set('b', identity, B, true);
    first.set('a', identity, A, true);
    expect(first.save()).toBeUndefined();
    const second = StatCache.open(root, file);
    expect([second.get('a', identity), second.get('b', identity), second.get('c', identity)]).toEqual([
      A,
      B,
      undefined,
    ]);
    expect(second.get('a', identity)).toBe(A);
  });

  it.each([
    ['size', { ...identity, size: 6 }],
    ['mtime', { ...identity, mtimeMs: identity.mtimeMs + 0.25 }],
    ['ctime', { ...identity, ctimeMs: identity.ctimeMs + 0.25 }],
    ['inode', { ...identity, ino: 7 }],
    ['device', { ...identity, dev: 7 }],
  ])('forgets a file whose %s is another, in this build and the next', (_, other) => {
    const { root, file } = context('a');
    const first = StatCache.open(root, file);
    first.set('a', identity, A, true);
    expect(first.get('a', other)).toBeUndefined();
    first.save();
    const second = StatCache.open(root, file);
    expect(second.get('a', other)).toBeUndefined();
    second.set('a', other, B, true);
    second.save();
    expect(decodeTable(readFileSync(file), root).length).toBe(1);
    expect(StatCache.open(root, file).get('a', other)).toBe(B);
    expect(StatCache.open(root, file).get('a', identity)).toBeUndefined();
  });

  it('does not keep a digest that is not lasting', () => {
    const { root, file } = context('a', 'b');
    const cache = StatCache.open(root, file);
    cache.set('a', identity, A, false);
    cache.set('b', identity, B, true);
    expect(cache.get('a', identity)).toBe(A);
    cache.save();
    const next = StatCache.open(root, file);
    expect([next.get('a', identity), next.get('b', identity)]).toEqual([undefined, B]);
  });

  it('writes only when something was learnt', () => {
    const { root, file } = context('a');
    expect(StatCache.open(root, file).save()).toBeUndefined();
    expect(() => statSync(file)).toThrow('ENOENT');
    const cache = StatCache.open(root, file);
    cache.set('a', identity, A, true);
    cache.save();
    const before = statSync(file, { bigint: true });
    const again = StatCache.open(root, file);
    again.get('a', identity);
    expect(again.save()).toBeUndefined();
    expect(cache.save()).toBeUndefined();
    expect(statSync(file, { bigint: true }).ino).toBe(before.ino);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(file, '..'))).toEqual(['one']);
  });

  it('drops files that vanished and keeps those that this build had no use for', () => {
    const { root, file } = context('used', 'unused');
    const first = StatCache.open(root, file);
    for (const path of ['used', 'unused', 'gone', 'gone/too']) first.set(path, identity, A, true);
    first.save();
    const second = StatCache.open(root, file);
    second.get('used', identity);
    second.set('new', identity, B, true);
    second.save();
    const third = StatCache.open(root, file);
    const known = ['used', 'unused', 'gone', 'gone/too', 'new'].map((path) => third.get(path, identity));
    expect(known).toEqual([A, A, undefined, undefined, B]);
  });

  it('is empty without a file, and keeps nothing', () => {
    const cache = StatCache.open('/nowhere');
    cache.set('a', identity, A, true);
    expect(cache.get('a', identity)).toBe(A);
    expect(cache.save()).toBeUndefined();
  });

  it('is empty when its file is damaged anywhere, cut short, or of another context', () => {
    const { root, file } = context('a');
    const cache = StatCache.open(root, file);
    cache.set('a', identity, A, true);
    cache.save();
    const good = readFileSync(file);
    expect(StatCache.open(root, file).get('a', identity)).toBe(A);
    expect(StatCache.open(`${root}x`, file).get('a', identity)).toBeUndefined();
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x41;
      expect(() => decodeTable(bad, root), `byte ${at}`).toThrow(/stat cache/);
      expect(() => decodeTable(good.subarray(0, at), root), `${at} bytes`).toThrow(/stat cache/);
    }
    writeFileSync(file, good.subarray(0, 50));
    expect(StatCache.open(root, file).get('a', identity)).toBeUndefined();
    mkdirSync(`${file}.d`);
    expect(StatCache.open(root, `${file}.d`).get('a', identity)).toBeUndefined();
  });

  it('tells what went wrong when it cannot be written, and leaves nothing behind', () => {
    const { root, file } = context('a');
    mkdirSync(join(file, 'in-the-way'), { recursive: true });
    const cache = StatCache.open(root, file);
    cache.set('a', identity, A, true);
    expect(cache.save()).toMatchObject({ code: 'CACHE_INVALID', message: expect.stringContaining('cannot save') });
    expect(readdirSync(join(file, '..'))).toEqual(['one']);
    const below = StatCache.open(root, join(root, 'a/cache'));
    below.set('a', identity, A, true);
    expect(below.save()).toMatchObject({ code: 'CACHE_INVALID' });
  });

  it('gives back whatever records it packs', () => {
    const record = fc.record({
      path: fc.string({
        unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
        minLength: 1,
      }),
      size: fc.maxSafeNat(),
      mtimeMs: fc.double({ noNaN: true }),
      ctimeMs: fc.double({ noNaN: true }),
      ino: fc.double({ min: 0, max: 2 ** 64, noNaN: true }),
      dev: fc.maxSafeNat(),
      sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    });
    fc.assert(
      fc.property(fc.uniqueArray(record, { selector: ({ path }) => path, maxLength: 40 }), (files: KnownFile[]) => {
        const table = decodeTable(encodeTable('/ä', files), '/ä');
        expect(table.length).toBe(files.length);
        for (const file of files) {
          expect(table.at(table.find(file.path))).toEqual(file);
          expect(table.sha256(table.find(file.path), file)).toBe(file.sha256);
        }
        expect(table.find('\0')).toBe(-1);
      }),
      { numRuns: 200 },
    );
  });
});
