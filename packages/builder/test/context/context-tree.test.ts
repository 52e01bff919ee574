import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entry, open, paths, temporaryDirectory, watch, writeTree } from './real-tree.ts';

describe('ContextTree.open', () => {
  it('refuses what is no directory', () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'file'), '');
    symlinkSync('loop', join(root, 'loop'));
    const invalid = (message: string) =>
      expect.objectContaining({
        code: 'CONTEXT_INVALID',
        message: expect.stringContaining(message),
        hint: expect.stringMatching(/directory/),
      });
    expect(() => open(join(root, 'missing'))).toThrow(invalid('missing does not exist'));
    expect(() => open(join(root, 'file'))).toThrow(invalid('file is not a directory'));
    expect(() => open(join(root, 'file/x'))).toThrow(invalid('x is not a directory'));
    expect(() => open(join(root, 'loop'))).toThrow(invalid('cannot be opened'));
  });

  it('takes a root that is a symlink, or whose path is not ASCII', () => {
    const base = temporaryDirectory();
    writeTree(base, 'file ä/f hello\nsymlink link -> ä');
    for (const root of [join(base, 'ä'), join(base, 'link'), join(base, 'link/')]) {
      const tree = open(root);
      expect(paths(tree)).toEqual(['f']);
      expect(tree.contentSha256(entry(tree, 'f'))).toMatch(/^2cf24dba/);
    }
  });
});

describe('ContextTree and ignore patterns', () => {
  const TREE = `
    file Dockerfile FROM scratch
    file .dockerignore x
    file README.md r
    file src/a.ts a
    file src/a.test.ts t
    file src/deep/b.ts b
    file node_modules/dep/index.js d
    file node_modules/dep/keep.md k
    file node_modules/other/index.js o
    file dist/out.js o
  `;

  it('leaves out what is ignored', () => {
    const root = temporaryDirectory();
    writeTree(root, TREE);
    const tree = open(root, ['node_modules', 'dist', '**/*.test.ts', '.dockerignore']);
    expect(paths(tree)).toEqual(['Dockerfile', 'README.md', 'src', 'src/a.ts', 'src/deep', 'src/deep/b.ts']);
    for (const path of [
      'node_modules',
      'node_modules/dep',
      'node_modules/dep/index.js',
      'dist/out.js',
      'src/a.test.ts',
    ]) {
      expect(tree.lookup(path), path).toBeUndefined();
      expect(tree.resolve(path), path).toBeUndefined();
      expect(tree.list(path), path).toEqual([]);
    }
  });

  it('keeps an ignored directory for what an exception takes back in it, and only then', () => {
    const root = temporaryDirectory();
    writeTree(root, TREE);
    const tree = open(root, ['*', '!**/*.md']);
    expect(paths(tree)).toEqual(['README.md', 'node_modules', 'node_modules/dep', 'node_modules/dep/keep.md']);
    expect(tree.lookup('src')).toBeUndefined();
    expect(tree.lookup('node_modules/other')).toBeUndefined();
    expect(tree.resolve('node_modules/dep/keep.md')).toBe('node_modules/dep/keep.md');
  });

  it('answers a lookup the same before and after the directory was listed', () => {
    const root = temporaryDirectory();
    writeTree(root, TREE);
    for (const patterns of [
      undefined,
      ['*', '!**/*.md'],
      ['src', '!src/deep'],
      ['node_modules/*', '!node_modules/dep'],
    ]) {
      const listed = open(root, patterns);
      const all = paths(open(root));
      paths(listed);
      const single = open(root, patterns);
      for (const path of all) expect(single.lookup(path)?.path, `${patterns}: ${path}`).toBe(listed.lookup(path)?.path);
    }
  });

  it('hides an ignored target of a symlink', () => {
    const root = temporaryDirectory();
    writeTree(root, 'file secret/key k\nsymlink link -> secret/key\nsymlink dir -> secret');
    const tree = open(root, ['secret']);
    expect(tree.lookup('link')).toMatchObject({ type: 'symlink' });
    expect(tree.resolve('link')).toBeUndefined();
    expect(tree.resolve('dir/key')).toBeUndefined();
  });

  it('lists no ignored directory, stats no ignored file and opens none', () => {
    const root = temporaryDirectory();
    writeTree(root, TREE);
    const seen = watch(root);
    const tree = open(root, ['node_modules', 'dist', '*.md', '!src/x']);
    for (const path of paths(tree)) if (entry(tree, path).type === 'file') tree.contentSha256(entry(tree, path));
    expect(seen.readdir).toEqual(['', 'src', 'src/deep']);
    expect(seen.lstat).toEqual([
      '.dockerignore',
      'Dockerfile',
      'src',
      'src/a.test.ts',
      'src/a.ts',
      'src/deep',
      'src/deep/b.ts',
    ]);
    expect(seen.open).toEqual(['.dockerignore', 'Dockerfile', 'src/a.test.ts', 'src/a.ts', 'src/deep/b.ts']);
  });

  it('looks at a single path without listing its directory, and at nothing twice', () => {
    const root = temporaryDirectory();
    writeTree(root, TREE);
    const seen = watch(root);
    const tree = open(root, ['dist']);
    for (let i = 0; i < 3; i++) {
      expect(tree.resolve('src/a.ts')).toBe('src/a.ts');
      expect(tree.lookup('src/missing')).toBeUndefined();
      expect(tree.lookup('dist/out.js')).toBeUndefined();
    }
    expect(seen).toEqual({ lstat: ['src', 'src/a.ts', 'src/missing'], readdir: [], open: [] });
    expect(tree.list('src').map(({ path }) => path)).toEqual(['src/a.test.ts', 'src/a.ts', 'src/deep']);
    expect(seen.lstat.length).toBe(5);
  });
});
