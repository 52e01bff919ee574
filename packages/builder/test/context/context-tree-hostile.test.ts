import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changed, entry, open, paths, temporaryDirectory, watch, writeTree } from './real-tree.ts';

describe('ContextTree and hostile contexts', () => {
  it('never leaves the root, whatever symlinks say', () => {
    const outside = temporaryDirectory();
    writeFileSync(join(outside, 'secret.txt'), 'canary');
    const root = join(outside, 'context');
    mkdirSync(join(root, 'sub'), { recursive: true });
    symlinkSync(outside, join(root, 'abs'));
    symlinkSync('..', join(root, 'up'));
    symlinkSync('../../secret.txt', join(root, 'sub/file'));
    symlinkSync('/', join(root, 'slash'));
    const tree = open(root);
    const seen = watch(outside);
    const tries = [
      'abs',
      'abs/secret.txt',
      'up/secret.txt',
      'sub/file',
      'slash/secret.txt',
      `slash${outside}/secret.txt`,
      '../secret.txt',
      'sub/../../secret.txt',
      join(outside, 'secret.txt'),
    ];
    for (const path of tries) {
      expect(tree.resolve(path), path).toBeUndefined();
    }
    for (const path of ['abs', 'sub/file', 'slash']) {
      expect(() => tree.open(entry(tree, path)), path).toThrow(changed('is not a regular file'));
    }
    expect(paths(tree)).toEqual(['abs', 'slash', 'sub', 'sub/file', 'up']);
    expect([...seen.lstat, ...seen.readdir, ...seen.open].filter((path) => !path.startsWith('context'))).toEqual([]);
  });

  it('refuses a file whose directory was replaced by a symlink to outside', () => {
    const outside = temporaryDirectory();
    writeTree(outside, 'file canary/f 12345\nfile context/d/f 12345');
    const tree = open(join(outside, 'context'));
    const seen = entry(tree, 'd/f');
    renameSync(join(outside, 'context/d'), join(outside, 'context/old'));
    symlinkSync('../canary', join(outside, 'context/d'));
    expect(() => tree.contentSha256(seen)).toThrow(changed('d/f was replaced'));
  });

  it('keeps names that are not UTF-8, with newlines, and of 255 bytes', () => {
    const root = temporaryDirectory();
    const names = ['\xff\xfe', 'new\nline', '\x01\x7f', 'n'.repeat(255), '\xc3\xa4', '-rf', ' ', '\\', '*'];
    for (const name of names)
      writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name, 'latin1')]), name);
    symlinkSync(Buffer.from('\xfe\xff', 'latin1'), join(root, 'link'));
    const tree = open(root);
    expect(tree.list('').map(({ path }) => path)).toEqual([...names, 'link'].toSorted());
    for (const name of names) {
      expect(tree.lookup(name)?.size, name).toBe(Buffer.byteLength(name));
      expect(tree.contentSha256(entry(tree, name))).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(tree.lookup('link')?.linkPath).toBe('\xfe\xff');
    expect(tree.lookup('n'.repeat(256))).toBeUndefined();
    expect(tree.lookup('a\0b')).toBeUndefined();
  });

  it.skipIf(process.platform !== 'linux')('goes deeper than a path may be long (needs Linux)', () => {
    const root = temporaryDirectory();
    const script =
      'import os,sys\nos.chdir(sys.argv[1])\nfor _ in range(25):\n os.mkdir("d"*250); os.chdir("d"*250)\nopen("f","w").write("deep")';
    execFileSync('python3', ['-c', script, root]);
    const tree = open(root);
    const found = paths(tree);
    const last = found.at(-1) ?? '';
    expect(found.length).toBe(26);
    expect(last.length).toBeGreaterThan(6000);
    expect(tree.contentSha256(entry(tree, last))).toMatch(/^[0-9a-f]{64}$/);
    expect(open(root).lookup(last)).toMatchObject({ type: 'file', size: 4 });
    expect(open(root).lookup(`${last}x`)).toBeUndefined();
    execFileSync('rm', ['-rf', root]);
  });
});
