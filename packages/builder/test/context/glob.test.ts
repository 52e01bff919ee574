import { describe, expect, it } from 'vitest';
import { hasWildcard, matchGlob } from '../../src/context/glob.ts';
import { MemoryTree } from '../../testing/memory-tree.ts';

const TREE = `
  file package.json
  file package-lock.json
  file README.md
  file src/a.ts
  file src/b.ts
  file src/deep/c.ts
  file src.d/x.ts
  file src-old/a.ts
  file lib/a.ts
  file lib/ä.ts
  file lib/\\xff.ts
  file we[ird/a*b
  file we[ird/axb
  file we[ird/back\\slash
  file q?x
  file docs/a/one.md
  file docs/b/two/three.md
  symlink link -> src
  symlink out -> ../../../lib
  symlink src/loop -> ..
  dir empty
`;

describe('hasWildcard', () => {
  it.each([
    ['a*', true],
    ['a?', true],
    ['[a]', true],
    ['a\\*', false],
    ['a\\\\*', true],
    ['\\[a]', false],
    ['plain/path', false],
    ['a\\', false],
    ['', false],
    ['a]', false],
  ])('%j: %j', (pattern, expected) => {
    expect(hasWildcard(pattern)).toBe(expected);
  });
});

describe('matchGlob', () => {
  const glob = (pattern: string, anyDepth = false): string[] => matchGlob(MemoryTree.of(TREE), pattern, { anyDepth });

  it.each([
    ['package*.json', ['package-lock.json', 'package.json']],
    ['/package*.json', ['package-lock.json', 'package.json']],
    ['./src/*.ts', ['src/a.ts', 'src/b.ts']],
    ['../../src/*.ts', ['src/a.ts', 'src/b.ts']],
    ['*/../src/*.ts', ['src/a.ts', 'src/b.ts']],
    ['src/*', ['src/a.ts', 'src/b.ts', 'src/deep', 'src/loop']],
    ['*/a.ts', ['lib/a.ts', 'src/a.ts', 'src-old/a.ts']],
    ['src*', ['src', 'src-old', 'src.d']],
    ['lib/?.ts', ['lib/a.ts', 'lib/\xc3\xa4.ts', 'lib/\xff.ts']],
    ['lib/[^a].ts', ['lib/\xc3\xa4.ts', 'lib/\xff.ts']],
    ['we[[]ird/a\\*b', ['we[ird/a*b']],
    ['we[[]ird/a[*]b', ['we[ird/a*b']],
    ['q[?]x', ['q?x']],
    ['docs/*/*', ['docs/a/one.md', 'docs/b/two']],
    ['docs/**', ['docs/a', 'docs/b']],
    ['**/a.ts', ['lib/a.ts', 'src/a.ts', 'src-old/a.ts']],
    ['none*', []],
    ['missing/*.ts', []],
    ['package.json/*', []],
    ['empty/*', []],
  ])('%j', (pattern, expected) => {
    // The names of a directory are in byte order, and what is below a directory comes in its place.
    expect(glob(pattern)).toEqual(expected);
  });

  it('follows symlinks in front of the first wildcard, inside the tree, and none behind it', () => {
    expect(glob('link/*.ts')).toEqual(['src/a.ts', 'src/b.ts']);
    expect(glob('out/a*')).toEqual(['lib/a.ts']);
    expect(glob('l*k/*.ts')).toEqual([]);
    expect(glob('src/l*/lib/a.ts')).toEqual([]);
  });

  it('takes a path without wildcards as it is, a backslash included', () => {
    expect(glob('src/a.ts')).toEqual(['src/a.ts']);
    expect(glob('link/a.ts')).toEqual(['src/a.ts']);
    expect(glob('we[[]ird/back*')).toEqual(['we[ird/back\\slash']);
    expect(glob('nowhere')).toEqual([]);
  });

  it('goes any depth for ** when asked to', () => {
    expect(glob('**/*.md', true)).toEqual(['README.md', 'docs/a/one.md', 'docs/b/two/three.md']);
    expect(glob('docs/**/*.md', true)).toEqual(['docs/a/one.md', 'docs/b/two/three.md']);
    expect(glob('docs/**', true)).toEqual(['docs/a', 'docs/b']);
  });

  it('lists only directories in which something can match', () => {
    const tree = MemoryTree.of(TREE);
    const listed: string[] = [];
    const list = tree.list.bind(tree);
    tree.list = (directory) => {
      listed.push(directory);
      return list(directory);
    };
    matchGlob(tree, 'src/*/c.ts');
    expect(listed).toEqual(['src', 'src/deep']);
  });

  it('refuses a malformed pattern', () => {
    expect(() => glob('src/[a')).toThrow(
      expect.objectContaining({ code: 'COPY_FAILED', message: 'syntax error in pattern: "src/[a"' }),
    );
    expect(() => glob('missing/[')).toThrow(expect.objectContaining({ code: 'COPY_FAILED' }));
  });
});
