import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DirectoryBlobStore } from '../../src/blob/directory.ts';
import { SparseFile } from '../../src/blob/sparse-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tsbuild-sparse-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const KIB = 1024;
const zeros = (size: number): Buffer => Buffer.alloc(size);
const text = (size: number): Buffer => Buffer.alloc(size, 'x');

describe('a file written with holes', () => {
  it.each([
    ['none', [text(100), text(70 * KIB)], 0],
    ['in the middle', [text(100), zeros(1024 * KIB), text(5)], 1000],
    ['at the beginning', [zeros(1024 * KIB), text(5)], 1000],
    ['at the end', [text(5), zeros(3 * 1024 * KIB)], 3000],
    ['alone', [zeros(1024 * KIB)], 1000],
    ['too small', [text(5), zeros(KIB), text(5), zeros(10)], 0],
    ['several', [zeros(64 * KIB), text(1), zeros(2048 * KIB), text(100 * KIB), zeros(64 * KIB)], 2000],
  ])('%s', (name, pieces, saved) => {
    const path = join(scratch, name);
    const fd = openSync(path, 'wx');
    const file = new SparseFile(fd);
    for (const piece of pieces) file.write(piece);
    file.finish();
    closeSync(fd);
    expect(readFileSync(path).equals(Buffer.concat(pieces))).toBe(true);
    const { size, blocks } = statSync(path);
    expect(size - blocks * 512).toBeGreaterThanOrEqual(saved * KIB - 8 * KIB - (saved === 0 ? 64 * KIB : 0));
  });

  it('is a blob that reads as it was written, and takes no room for its holes', async () => {
    const blobs = new DirectoryBlobStore(scratch);
    const content = Buffer.concat([text(300), zeros(40 * 1024 * KIB), text(300)]);
    const { digest, size } = await blobs.put(content);
    expect(size).toBe(content.length);
    const pieces: Uint8Array[] = [];
    for await (const piece of blobs.open(digest)) pieces.push(Buffer.from(piece));
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    expect(statSync(blobs.path(digest)).blocks * 512).toBeLessThan(4 * 1024 * KIB);
  });
});
