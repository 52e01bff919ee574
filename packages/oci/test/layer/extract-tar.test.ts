import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractTar } from '../../src/disk/extract-tar.ts';
import type { TarEntry } from '../../src/tar/entry.ts';
import { encodeTarHeader, END_OF_ARCHIVE } from '../../src/tar/writer.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'extract-tar-'));
  mkdirSync(join(root, 'in'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const member = (path: string, more: Partial<TarEntry> = {}): TarEntry => ({
  path,
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 981_173_106, nanoseconds: 0 },
  linkPath: '',
  devMajor: 0,
  devMinor: 0,
  ...more,
});

async function* archive(...entries: readonly TarEntry[]): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    yield encodeTarHeader(entry);
    if (entry.size > 0) yield new Uint8Array(512).fill(0x78);
  }
  yield END_OF_ARCHIVE;
}

const extract = (...entries: readonly TarEntry[]): Promise<void> =>
  extractTar(archive(...entries), join(root, 'in'), { owner: () => undefined });

describe('extractTar', () => {
  it('joins directories, replaces files, and takes whiteouts for plain files', async () => {
    writeFileSync(join(root, 'in/file'), 'old and longer');
    mkdirSync(join(root, 'in/dir'));
    writeFileSync(join(root, 'in/dir/kept'), '');
    await extract(
      member('./', { type: 'directory', mode: 0o700 }),
      member('file', { size: 3 }),
      member('dir', { type: 'directory' }),
      member('dir/.wh.kept'),
      member('hard', { type: 'hardlink', linkPath: 'file' }),
    );
    expect(readFileSync(join(root, 'in/hard'), 'utf8')).toBe('xxx');
    expect(readdirSync(join(root, 'in/dir')).toSorted()).toEqual(['.wh.kept', 'kept']);
  });

  it.each([
    ['..', [member('../out')]],
    ['.. further down', [member('a/../../out')]],
    ['a hard link', [member('x', { type: 'hardlink', linkPath: '../secret' })]],
    ['a symlink of its own', [member('l', { type: 'symlink', linkPath: '..' }), member('l/out')]],
    ['a symlink that is there', [member('there/out')]],
  ])('refuses what leads out by %s', async (_, entries) => {
    writeFileSync(join(root, 'secret'), '');
    symlinkSync('..', join(root, 'in/there'));
    await expect(extract(...entries)).rejects.toThrow(/points outside|not a directory/);
    expect(readdirSync(root).toSorted()).toEqual(['in', 'secret']);
  });

  it('puts neither a file over a directory nor a directory over a file', async () => {
    mkdirSync(join(root, 'in/dir'));
    writeFileSync(join(root, 'in/file'), 'kept');
    await expect(extract(member('dir'))).rejects.toThrow("cannot overwrite directory '/dir' with non-directory 'dir'");
    await expect(extract(member('file', { type: 'directory' }))).rejects.toThrow('cannot overwrite non-directory');
    expect(readFileSync(join(root, 'in/file'), 'utf8')).toBe('kept');
  });

  it('leaves the old file, and no other, when the archive ends too early', async () => {
    writeFileSync(join(root, 'in/file'), 'old');
    const cut = async function* (): AsyncGenerator<Uint8Array> {
      yield encodeTarHeader(member('file', { size: 4000 }));
      yield new Uint8Array(512);
    };
    await expect(extractTar(cut(), join(root, 'in'), { owner: () => undefined })).rejects.toThrow('unexpected end');
    expect(readdirSync(join(root, 'in'))).toEqual(['file']);
    expect(readFileSync(join(root, 'in/file'), 'utf8')).toBe('old');
  });
});
