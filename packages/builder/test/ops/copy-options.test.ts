import { describe, expect, it } from 'vitest';
import type { CopySource } from '../../src/ops/copy/copy-request.ts';
import { CopyBench, type CopyCase } from './copy-bench.ts';

const SOURCE = `
  dir x mode=700
  file x/a.txt a
  dir x/y mode=750
  file x/y/a.txt a
  file x/y/b.txt b
  file x/z/a.txt a
  file x/z/c/b.md b
  symlink x/to-y -> y
  file y/a.txt a
  file y/b.txt b
  file home.txt h
  file home.md h`;

async function paths(options: CopyCase, source = SOURCE): Promise<string[]> {
  return (await new CopyBench().copy(source, undefined, { destination: '/d/', ...options })).map(
    (line) => line.split(' ')[3] ?? '',
  );
}

describe('--exclude', () => {
  it.each<[string, CopyCase, string[]]>([
    ['names in the folder that is copied', { sources: ['y'], excludes: ['a.txt'] }, ['d', 'd/b.txt']],
    [
      'relative to it, not to the context',
      { sources: ['x'], excludes: ['x/a.txt', 'z', 'to-y', 'y'] },
      ['d', 'd/a.txt'],
    ],
    [
      'at any depth with **',
      { sources: ['x'], excludes: ['**/*.txt', 'to-y'] },
      ['d', 'd/y', 'd/z', 'd/z/c', 'd/z/c/b.md'],
    ],
    [
      'and ! takes back, with the folders on the way',
      { sources: ['x'], excludes: ['*', '!z/c/b.md', '!y/b.txt'] },
      ['d', 'd/y', 'd/y/b.txt', 'd/z', 'd/z/c', 'd/z/c/b.md'],
    ],
    ['but no folder in which nothing is taken back', { sources: ['x'], excludes: ['*', '!y/nope'] }, ['d']],
    ['files that a wildcard found', { sources: ['hom*'], excludes: ['*.md'] }, ['d', 'd/home.txt']],
    ['folders that a wildcard found', { sources: ['?'], excludes: ['x', 'a.txt'] }, ['d', 'd/b.txt']],
    ['not the folder itself that is named', { sources: ['y'], excludes: ['y'] }, ['d', 'd/a.txt', 'd/b.txt']],
    ['several sources', { sources: ['y', 'home.txt'], excludes: ['b.txt', 'home*'] }, ['d', 'd/a.txt']],
  ])('takes out %s', async (_what, options, expected) => {
    expect(await paths(options)).toEqual(expected);
  });

  it('refuses a pattern that is none', async () => {
    await expect(paths({ sources: ['y'], excludes: ['[a'] })).rejects.toMatchObject({
      code: 'COPY_FAILED',
      message: expect.stringContaining('syntax error in pattern'),
    });
  });

  it('enters the key by what it leaves', async () => {
    const bench = new CopyBench();
    const key = (excludes: string[]): Promise<string> => bench.key(SOURCE, undefined, { excludes });
    expect(await key(['nothing-there'])).toBe(await key([]));
    expect(await key(['home.md'])).not.toBe(await key([]));
  });
});

describe('--parents', () => {
  it.each<[string, CopyCase, string[]]>([
    ['of files', { sources: ['./x/a.txt', 'y/a.txt'] }, ['d', 'd/x', 'd/x/a.txt', 'd/y', 'd/y/a.txt']],
    ['of a folder', { sources: ['./x/y/'] }, ['d', 'd/x', 'd/x/y', 'd/x/y/a.txt', 'd/x/y/b.txt']],
    ['from the pivot on', { sources: ['./x/./y/a.txt'] }, ['d', 'd/y', 'd/y/a.txt']],
    [
      'from the pivot on, by wildcard',
      { sources: ['./x/./*'], excludes: ['z'] },
      ['d', 'd/a.txt', 'd/to-y', 'd/y', 'd/y/a.txt', 'd/y/b.txt'],
    ],
    ['by **', { sources: ['x/**/b.*'] }, ['d', 'd/x', 'd/x/y', 'd/x/y/b.txt', 'd/x/z', 'd/x/z/c', 'd/x/z/c/b.md']],
    ['by a pivot with a wildcard', { sources: ['?/./a.txt'] }, ['d', 'd/a.txt']],
    ['of everything', { sources: ['.'], excludes: ['x', 'home*'] }, ['d', 'd/y', 'd/y/a.txt', 'd/y/b.txt']],
    ['of nothing, by a wildcard', { sources: ['nope/*'] }, ['d']],
  ])('keeps the folders %s', async (_what, options, expected) => {
    expect(await paths({ parents: true, ...options })).toEqual(expected);
  });

  it('copies folders on the way with their modes', async () => {
    const bench = new CopyBench();
    expect(await bench.copy(SOURCE, undefined, { parents: true, sources: ['x/y/a.txt'], destination: '/d' })).toEqual([
      'directory 755 0:0 d',
      'directory 700 0:0 d/x',
      'directory 750 0:0 d/x/y',
      'file 644 0:0 d/x/y/a.txt',
    ]);
  });

  it('wants a literal path to be there', async () => {
    for (const source of ['x/nope', 'nope/./x', './x/./nope.txt']) {
      await expect(paths({ parents: true, sources: [source] })).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    }
  });
});

describe('--link', () => {
  const image = 'dir ex mode=711\nsymlink lnk -> /ex\nfile plain x\nfile etc/passwd node:x:1000:1001::/:/bin/sh';
  const copy = async (options: CopyCase): Promise<string[]> => {
    const bench = new CopyBench();
    return bench.copy('file f x', await bench.rootfs(image), { sources: ['f'], link: true, ...options });
  };

  it('knows nothing of what is there: folders are new, links and files are replaced', async () => {
    expect(await copy({ destination: '/ex/f' })).toEqual(['directory 755 0:0 ex', 'file 644 0:0 ex/f']);
    expect(await copy({ destination: '/lnk/' })).toEqual(['directory 755 0:0 lnk', 'file 644 0:0 lnk/f']);
    expect(await copy({ destination: '/plain/' })).toEqual(['directory 755 0:0 plain', 'file 644 0:0 plain/f']);
    expect(await copy({ destination: '/ex' })).toEqual(['file 644 0:0 ex']);
  });

  it('still knows the names of users', async () => {
    expect(await copy({ destination: '/n/', chown: 'node' })).toEqual([
      'directory 755 1000:1001 n',
      'file 644 1000:1001 n/f',
    ]);
  });

  it('has a key that does not depend on the image', async () => {
    const bench = new CopyBench();
    const key = async (parent: string): Promise<string> =>
      bench.key('file f x', await bench.rootfs(parent), { sources: ['f'], destination: '/a/b/', link: true });
    expect(await key('symlink a -> /elsewhere')).toBe(await key('dir a mode=700'));
  });
});

describe('heredocs', () => {
  const heredoc = (name: string, text: string): CopySource => ({ kind: 'heredoc', name, text });

  it('are files, named after the word in a folder', async () => {
    const bench = new CopyBench();
    const sources = ['f', heredoc('a.txt', 'one'), heredoc('b', 'two')];
    expect(await bench.copy('file f x', undefined, { sources, destination: '/d/', chown: '3:4' })).toEqual([
      'directory 755 3:4 d',
      'file 644 3:4 d/a.txt',
      'file 644 3:4 d/b',
      'file 644 3:4 d/f',
    ]);
    expect(await bench.copy('', undefined, { sources: [heredoc('E', '')], destination: '/x' })).toEqual([
      'file 644 0:0 x',
    ]);
  });

  it('are in the key with their text and mode, and never unpacked', async () => {
    const bench = new CopyBench();
    const key = (text: string, chmod?: string): Promise<string> =>
      bench.key('', undefined, { sources: [heredoc('E', text)], destination: '/x', ...(chmod && { chmod }) });
    expect(await key('a')).toBe(await key('a'));
    expect(await key('a')).not.toBe(await key('b'));
    expect(await key('a')).not.toBe(await key('a', '600'));
  });

  it('are as new as the build, or as old as the epoch', async () => {
    const bench = new CopyBench();
    const time = async (epoch?: number): Promise<number | undefined> => {
      const options = { sources: [heredoc('E', 'x')], destination: '/x', ...(epoch !== undefined && { epoch }) };
      const { MemoryTree } = await import('../../testing/memory-tree.ts');
      return (await bench.layer(MemoryTree.of(''), undefined, options))[0]?.mtime.seconds;
    };
    expect(await time()).toBeGreaterThan(Date.now() / 1000 - 100);
    expect(await time(12)).toBe(12);
  });
});

describe('--chmod with symbols', () => {
  it('changes each file as it is', async () => {
    const bench = new CopyBench();
    const tree = 'file run mode=744 x\nfile text mode=600 x\ndir sub mode=700\nsymlink l -> run';
    expect(await bench.copy(tree, undefined, { destination: '/n', chmod: 'u=rwX,go=rX' })).toEqual([
      'directory 755 0:0 n',
      'symlink 777 0:0 n/l -> run',
      'file 755 0:0 n/run',
      'directory 755 0:0 n/sub',
      'file 644 0:0 n/text',
    ]);
  });
});
