import { describe, expect, it } from 'vitest';
import { RootfsTree } from '../../src/layer/rootfs-tree.ts';
import { show, tree } from './layer-dsl.ts';

const merges: readonly [string, readonly string[], readonly string[]][] = [
  ['no layers', [], []],
  ['one layer', ['dir etc 755\nfile etc/a x'], ['etc/', 'etc/a (1)']],
  ['a file changed', ['dir etc\nfile etc/a x\nfile etc/b x', 'file etc/a longer'], ['etc/', 'etc/a (6)', 'etc/b (1)']],
  ['a file removed', ['dir etc\nfile etc/a x\nfile etc/b x', 'whiteout etc/a'], ['etc/', 'etc/b (1)']],
  ['a file removed and added again', ['file a x', 'whiteout a', 'file a xxx'], ['a (3)']],
  [
    'a whiteout before its name in one layer',
    ['dir d\nfile d/old x', 'whiteout d\ndir d\nfile d/new x'],
    ['d/', 'd/new (1)'],
  ],
  ['a whiteout of nothing', ['file a x', 'whiteout b\nwhiteout dne/c'], ['a (1)', 'dne/']],
  ['a directory removed', ['dir d\nfile d/a x\ndir d/e\nfile d/e/f x\nfile d-e x', 'whiteout d'], ['d-e (1)']],
  [
    'a directory that sorts apart from its content',
    ['dir d\nfile d/a x\nfile d-e x', 'file d/b x'],
    ['d/', 'd/a (1)', 'd/b (1)', 'd-e (1)'],
  ],
  ['an opaque directory', ['dir d\nfile d/a x', 'dir d 700\nopaque d\nfile d/b x'], ['d/', 'd/b (1)']],
  ['opaque after its siblings', ['dir d\nfile d/a x', 'dir d\nfile d/b x\nopaque d'], ['d/', 'd/b (1)']],
  ['opaque without an entry of its own', ['dir d 700\nfile d/a x', 'opaque d'], ['d/']],
  ['an opaque root', ['file a x', 'opaque .\nfile b x'], ['b (1)']],
  ['opaque, then filled above', ['dir d\nfile d/a x', 'dir d\nopaque d', 'file d/c x'], ['d/', 'd/c (1)']],
  ['opaque hides deep content', ['dir d\ndir d/e\nfile d/e/f x', 'dir d\nopaque d\ndir d/e'], ['d/', 'd/e/']],
  ['a directory replaced by a file', ['dir d\nfile d/a x', 'file d x'], ['d (1)']],
  [
    'a directory replaced by a file and a directory',
    ['dir d\nfile d/a x', 'file d x', 'dir d\nfile d/b x'],
    ['d/', 'd/b (1)'],
  ],
  ['a directory replaced by a symlink', ['dir d\nfile d/a x', 'symlink d e'], ['d -> e']],
  ['a file replaced by a directory', ['file d x', 'dir d\nfile d/a x'], ['d/', 'd/a (1)']],
  [
    'a symlink replaced by a directory',
    ['dir e\nfile e/a x\nsymlink d e', 'dir d\nfile d/b x'],
    ['d/', 'd/b (1)', 'e/', 'e/a (1)'],
  ],
  ['a whiteout of a symlink removes the link', ['dir e\nfile e/a x\nsymlink d e', 'whiteout d'], ['e/', 'e/a (1)']],
  ['missing parents', ['file a/b/c x'], ['a/', 'a/b/', 'a/b/c (1)']],
  ['missing parents that a lower layer has', ['dir a 700', 'file a/b x'], ['a/', 'a/b (1)']],
  ['missing parents of what was removed', ['dir a 700\nfile a/old x', 'whiteout a\nfile a/b x'], ['a/', 'a/b (1)']],
  ['names with ./ and /', ['dir ./\ndir ./etc/\nfile ./etc/a x\nfile /etc/b x'], ['etc/', 'etc/a (1)', 'etc/b (1)']],
  [
    'a name like a whiteout of a directory',
    ['dir etc', 'file .wh.etc/somefile x'],
    ['.wh.etc/', '.wh.etc/somefile (1)', 'etc/'],
  ],
  ['three layers of removals', ['dir d\nfile d/a x\nfile d/b x', 'whiteout d/a', 'whiteout d/b'], ['d/']],
  [
    'a tree moved by a type change and back',
    ['dir a\ndir a/b\nfile a/b/c x', 'whiteout a', 'dir a\ndir a/b'],
    ['a/', 'a/b/'],
  ],
];

describe('merges', () => {
  it.each(merges)('%s', async (_, layers, expected) => {
    expect(show(await tree(...layers)).toSorted()).toEqual(expected.toSorted());
  });

  it.each(merges)('%s: lookup finds just what list shows', async (_, layers) => {
    const listed = new Map(flat(await tree(...layers)).map((entry) => [entry.path, entry]));
    const fresh = await tree(...layers);
    for (const [path, entry] of listed) expect(fresh.lookup(path)).toEqual(entry);
    for (const path of ['a', 'b', 'd', 'd/a', 'd/b', 'd/e/f', 'etc/a', 'a/old', '.wh.a', 'd/.wh..wh..opq']) {
      expect(fresh.lookup(path)?.path).toBe(listed.get(path)?.path);
    }
  });
});

describe('entries', () => {
  it('tell the layer that they are in, and directories their topmost mode', async () => {
    const root = await tree('dir d 700\nfile d/a x', 'dir d 711\nfile d/b x');
    const layers = [root.lookup('d/a'), root.lookup('d/b'), root.lookup('d')].map((entry) => entry?.layer);
    expect(layers[1]).not.toBe(layers[0]);
    expect(layers[2]).toBe(layers[1]);
    expect(root.lookup('d')?.mode).toBe(0o711);
  });

  it('keep the mode of a lower directory under missing parents', async () => {
    expect((await tree('dir d 700', 'file d/a x')).lookup('d')?.mode).toBe(0o700);
    expect((await tree('dir d 700', 'dir d 700\nopaque d\nfile d/a x')).lookup('d')?.mode).toBe(0o700);
    expect((await tree('dir d 700', 'opaque d')).lookup('d')?.mode).toBe(0o700);
    expect((await tree('dir d 700', 'whiteout d', 'file d/a x')).lookup('d')).toMatchObject({ mode: 0o755, uid: 0 });
  });

  it('of the root: a directory, also without layers', async () => {
    expect(new RootfsTree([]).lookup('')).toMatchObject({ path: '', type: 'directory', mode: 0o755 });
    expect((await tree('file a x')).lookup('')).toMatchObject({ path: '', type: 'directory' });
  });

  it('of the root: what the topmost layer says that says something', async () => {
    const root = await tree('dir ./ 700\nfile a x', 'dir ./ 711\nfile b x', 'file c x');
    expect(root.lookup('')).toMatchObject({ path: '', type: 'directory', mode: 0o711 });
    expect(show(root)).toEqual(['a (1)', 'b (1)', 'c (1)']);
  });

  it('below a file or a missing directory are not there', async () => {
    const root = await tree('file a x');
    expect(root.lookup('a/b')).toBeUndefined();
    expect(root.lookup('no/b')).toBeUndefined();
    expect(root.list('a')).toEqual([]);
    expect(root.list('no')).toEqual([]);
  });

  it('are not found through symlinks', async () => {
    expect((await tree('dir d\nfile d/a x\nsymlink l d')).lookup('l/a')).toBeUndefined();
  });
});

describe('hard links', () => {
  it('come back as their file, all names with one key', async () => {
    const root = await tree('dir d\nfile d/a content\nlink z d/a\nlink y z\nfile other x');
    const target = root.lookup('d/a');
    expect(target?.hardLinkKey).toMatch(/^sha256:[0-9a-f]{64}:d\/a$/);
    for (const name of ['z', 'y']) expect(root.lookup(name)).toEqual({ ...target, path: name });
    expect(root.lookup('other')?.hardLinkKey).toBeUndefined();
  });

  it('into layers below are the file there, with one key', async () => {
    const root = await tree('dir d\nfile d/a old\nsymlink e d', 'link b e/a\nlink c d/a\nfile d/x', 'file y');
    const target = root.lookup('d/a');
    expect(target?.hardLinkKey).toMatch(/^sha256:[0-9a-f]{64}:d\/a$/);
    for (const name of ['b', 'c']) expect(root.lookup(name)).toEqual({ ...target, path: name });
    expect(root.list('').map(({ path }) => path)).toEqual(['b', 'c', 'd', 'e', 'y']);
  });

  it('into layers below keep what was there before, whatever their own layer does to it', async () => {
    const root = await tree('file a old\nfile g 1', 'link b a\nfile a newer\nlink h g', 'whiteout g\nlink c b');
    expect(show(root)).toEqual(['a (5)', 'b (3)', 'c (3)', 'h (1)']);
    expect(root.lookup('c')?.hardLinkKey).toBe(root.lookup('b')?.hardLinkKey);
    expect(root.lookup('a')?.hardLinkKey).toBeUndefined();
  });

  it('into layers below may mean what is no file, but no directory', async () => {
    const root = await tree('symlink s x\nfifo f\ndir d', 'link t s\nlink g f\nlink e d');
    expect(root.lookup('t')).toMatchObject({ type: 'symlink', linkPath: 'x' });
    expect(root.lookup('g')).toMatchObject({ type: 'fifo' });
    expect(() => root.lookup('e')).toThrow(/layer entry 'e': a hard link whose target is not in a lower layer/);
  });

  it.each([
    ['is not there', 'link b a'],
    ['is only in their own layer, later', 'link b a\nfile a x'],
    ['would be outside of the root', 'link b ../../etc/passwd'],
    ['lies behind a symlink out of the root', 'link b out/passwd'],
  ])('whose target %s are refused', async (_, layer) => {
    const broken = tree('symlink out ../../../../etc', layer);
    await expect(broken.then((root) => root.list(''))).rejects.toThrow(/layer entry 'b': a hard link whose target is/);
  });

  it('take time in proportion to their number, also from layer to layer', async () => {
    const linesOf = (layer: number, number: number) =>
      layer === 0 ? `file 0-${number} x` : `link ${layer}-${number} ${(layer * 7 + number) % layer}-${number}`;
    const numbers = Array.from({ length: 20 }, (_, number) => number);
    const layers = Array.from({ length: 60 }, (_, layer) => numbers.map((number) => linesOf(layer, number)).join('\n'));
    expect((await tree(...layers)).list('')).toHaveLength(1200);
  });

  it('keep their content when the target is replaced above', async () => {
    const root = await tree('file a old\nlink b a', 'file a newer');
    expect(root.lookup('b')).toMatchObject({ type: 'file', size: 3 });
    expect(root.lookup('a')?.hardLinkKey).toBeUndefined();
  });

  it('keep their content when the target is removed above', async () => {
    expect(show(await tree('file a old\nlink b a', 'whiteout a'))).toEqual(['b (3)']);
  });
});

describe('resolve', () => {
  const links = `
    dir etc
    file etc/passwd x
    dir usr
    dir usr/lib
    file usr/lib/x x
    symlink lib usr/lib
    symlink abs /usr/lib
    symlink up ../../../etc
    symlink etc/self .
    symlink etc/up ..
    symlink loop loop
    symlink ping pong
    symlink pong ping
    symlink dangling usr/no/where
    symlink chain1 chain2
    symlink chain2 lib/
    symlink deep chain1/x`;

  it.each([
    ['etc/passwd', 'etc/passwd'],
    ['/etc//./passwd', 'etc/passwd'],
    ['', ''],
    ['/', ''],
    ['..', ''],
    ['../../etc', 'etc'],
    ['lib/x', 'usr/lib/x'],
    ['abs/x', 'usr/lib/x'],
    ['up/passwd', 'etc/passwd'],
    ['lib/../lib/x', 'usr/lib/x'],
    ['etc/self/self/passwd', 'etc/passwd'],
    ['etc/up/usr', 'usr'],
    ['deep', 'usr/lib/x'],
    ['lib', 'usr/lib'],
    ['loop', undefined],
    ['ping/x', undefined],
    ['dangling', undefined],
    ['no', undefined],
    ['etc/passwd/x', undefined],
    ['no/../etc', 'etc'],
  ])('%j leads to %j', async (path, expected) => {
    expect((await tree(links)).resolve(path)).toBe(expected);
  });

  it.each([
    ['lib/new/file', 'usr/lib/new/file'],
    ['new/file', 'new/file'],
    ['dangling', 'usr/no/where'],
    ['dangling/x', 'usr/no/where/x'],
    ['up/new', 'etc/new'],
    ['abs', 'usr/lib'],
    ['new/../etc/self/x', 'etc/x'],
    ['../../x', 'x'],
    ['etc/passwd/x', 'etc/passwd/x'],
  ])('for writing: %j leads to %j', async (path, expected) => {
    expect((await tree(links)).resolveForWrite(path)).toBe(expected);
  });

  it('for writing refuses a loop', async () => {
    const root = await tree(links);
    expect(() => root.resolveForWrite('ping/x')).toThrow(/layer entry 'ping\/x': more than 255 symlinks/);
    expect(() => root.resolveForWrite('loop')).toThrow(expect.objectContaining({ code: 'LAYER_INVALID' }));
  });

  it('follows 255 symlinks and no more', async () => {
    const chain = Array.from({ length: 256 }, (_, i) => `symlink l${i} l${i + 1}`).join('\n');
    const root = await tree(`${chain}\nfile l256 x`);
    expect(root.resolve('l1')).toBe('l256');
    expect(root.resolve('l0')).toBeUndefined();
  });

  it('sees the symlinks of every layer', async () => {
    const root = await tree('dir a\nfile a/x x\nsymlink l a', 'dir b\nfile b/y x', 'symlink l b');
    expect([root.resolve('l/y'), root.resolve('l/x')]).toEqual(['b/y', undefined]);
  });
});

describe('entries below a symlink', () => {
  const lower = 'dir usr\ndir usr/lib\nsymlink lib usr/lib';

  it.each([
    [
      'of a lower layer',
      [lower, 'file lib/x x'],
      /layer sha256:[0-9a-f]{64} has entries below it, but it is a symlink/,
    ],
    ['file of a lower layer', ['file lib x', 'file lib/x x'], /but it is a file/],
  ])('%s are refused when they are looked at', async (_, layers, message) => {
    const root = await tree(...layers);
    expect(root.lookup('lib')?.path).toBe('lib');
    expect(() => root.lookup('lib/x')).toThrow(message);
    expect(() => root.list('')).toThrow(/layer entry 'lib': /);
    expect(() => root.list('lib')).toThrow(message);
  });

  it('do not hurt the rest of the image', async () => {
    const root = await tree(`${lower}\ndir etc\nfile etc/a x`, 'file lib/x x');
    expect(root.resolve('etc/a')).toBe('etc/a');
    expect(show(root, 'etc')).toEqual(['etc/a (1)']);
  });

  it('of the same layer lie where it leads', async () => {
    expect(show(await tree('dir usr/lib', 'symlink lib usr/lib\nfile lib/x x'))).toEqual([
      'lib -> usr/lib',
      'usr/',
      'usr/lib/',
      'usr/lib/x (1)',
    ]);
  });
});

function flat(root: RootfsTree, directory = ''): ReturnType<RootfsTree['list']> {
  return root
    .list(directory)
    .flatMap((entry) => (entry.type === 'directory' ? [entry, ...flat(root, entry.path)] : [entry]));
}
