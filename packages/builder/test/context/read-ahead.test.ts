import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ContextEntry } from '../../src/context/context-entry.ts';
import { ContextTree } from '../../src/context/context-tree.ts';
import { ReadAhead } from '../../src/context/read-ahead.ts';
import { StatCache } from '../../src/context/stat-cache.ts';

const top = mkdtempSync(join(tmpdir(), 'tsbuild-ahead-'));
afterAll(() => rmSync(top, { recursive: true }));

const MIB = 1024 * 1024;

/** A folder with these files, and its entries in byte order. */
function folderOf(name: string, files: Readonly<Record<string, Buffer>>) {
  const root = join(top, name);
  mkdirSync(root);
  for (const [file, content] of Object.entries(files)) writeFileSync(join(root, file), content);
  const list = () => ContextTree.open(root, undefined, StatCache.open(root)).list('') as readonly ContextEntry[];
  return { root, entries: list() };
}

/** What comes, file by file, until there is no more. */
async function readAll(root: string, entries: readonly ContextEntry[]) {
  const ahead = await ReadAhead.start(Buffer.from(root).toString('latin1'), entries);
  const got = new Map<string, { content: Buffer; sha256: string | undefined }>();
  try {
    while (await ahead.ready()) {
      const { entry, bytes, sha256 } = ahead.take();
      const before = got.get(entry.path)?.content ?? Buffer.alloc(0);
      got.set(entry.path, { content: Buffer.concat([before, bytes]), sha256 });
    }
  } finally {
    ahead.close();
  }
  return got;
}

describe('reading ahead', () => {
  it('brings every byte of small files, empty ones and ones larger than all slots, with their digests', async () => {
    const big = Buffer.alloc(11 * MIB + 77, 'no two mebibytes of this are alike ');
    for (let at = 0; at < big.length; at += MIB) big.writeUInt32LE(at, at);
    const files: Record<string, Buffer> = { big, empty: Buffer.alloc(0), exact: Buffer.alloc(2 * MIB, 1) };
    for (let i = 0; i < 3000; i++) files[`small-${i}`] = Buffer.alloc(i * 3, i);
    const { root, entries } = folderOf('many', files);
    const got = await readAll(root, entries);
    expect(got.size).toBe(entries.length);
    for (const [name, content] of Object.entries(files)) {
      const read = got.get(name);
      expect(read?.content.equals(content), name).toBe(true);
      expect(read?.sha256, name).toBe(createHash('sha256').update(content).digest('hex'));
    }
  });

  it.each([
    ['grew', (path: string) => appendFileSync(path, 'x')],
    ['is gone', (path: string) => unlinkSync(path)],
    ['is a link now', (path: string) => (unlinkSync(path), symlinkSync('a', path))],
  ])('ends before a file that %s since it was seen', async (name, spoil) => {
    const { root, entries } = folderOf(name, { a: Buffer.from('a'), b: Buffer.from('b'), c: Buffer.from('c') });
    spoil(join(root, 'b'));
    const got = await readAll(root, entries);
    expect([...got.keys()]).toEqual(['a']);
  });

  it('can be closed in the middle', async () => {
    const { root, entries } = folderOf('closed', { big: Buffer.alloc(40 * MIB) });
    const ahead = await ReadAhead.start(root, entries);
    expect(await ahead.ready()).toBe(true);
    ahead.close();
  });
});
