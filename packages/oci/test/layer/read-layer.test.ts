import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LayerIndex } from '../../src/layer/layer-index.ts';
import { indexLayer } from '../../src/layer/read-layer.ts';
import { readTar } from '../../src/tar/reader.ts';
import { chunked, makeTar, paxHeader, type RawMember } from '../../testing/make-tar.ts';
import { indexed, layerTar } from './layer-dsl.ts';

const sha256 = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');
const read = (members: readonly RawMember[]) => indexLayer(chunked(makeTar(members)));
const paths = async (text: string) => [...(await indexed(text)).index.entries()].map(({ path }) => path);

describe('one pass', () => {
  it.each([1, 511, 512, 4096, 1_000_000])(
    'tells digests, size and places, in chunks of %i bytes',
    async (chunkSize) => {
      const big = 'b'.repeat(3000);
      const archive = layerTar(`dir etc 700\nfile etc/a hello\nfile big ${big}\nfile empty`);
      const layer = await indexLayer(chunked(archive, chunkSize));
      expect(layer).toMatchObject({ diffID: `sha256:${sha256(archive)}`, size: archive.length });
      expect(layer.index.get('etc')).toMatchObject({ type: 'directory', mode: 0o700, offset: 0 });
      expect(layer.index.get('etc')?.contentSha256).toBeUndefined();
      const hello = layer.index.get('etc/a');
      expect(hello).toMatchObject({ size: 5, contentSha256: sha256('hello') });
      expect(Buffer.from(archive).toString('latin1', hello?.offset, (hello?.offset ?? 0) + 5)).toBe('hello');
      expect(layer.index.get('big')?.contentSha256).toBe(sha256(big));
      expect(layer.index.get('empty')).toMatchObject({ size: 0, contentSha256: sha256('') });
    },
  );

  it('covers what lies behind the end of the archive', async () => {
    const archive = Buffer.concat([layerTar('file a x'), Buffer.from('trailing'), Buffer.alloc(5000)]);
    expect(await indexLayer(chunked(archive, 100))).toMatchObject({
      diffID: `sha256:${sha256(archive)}`,
      size: archive.length,
    });
  });

  it('knows the empty layer', async () => {
    const layer = await read([]);
    expect(layer.diffID).toBe('sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef');
    expect(layer.index.length).toBe(0);
  });

  it('keeps limits', async () => {
    const archive = layerTar('file a x\nfile b x\nfile c x');
    await expect(indexLayer(chunked(archive), { maxEntries: 2 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await expect(indexLayer(chunked(archive), { maxBytes: 2000 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect((await indexLayer(chunked(archive), { maxEntries: 3, maxBytes: archive.length })).index.length).toBe(3);
  });
});

describe('what the entries of a layer take in memory', () => {
  const long = `${'n'.repeat(200)}/`.repeat(15);
  const kinds: readonly [string, (n: number) => RawMember[]][] = [
    ['long names', (n) => [paxHeader({ path: `${long}${n}` }), { name: 'x' }]],
    ['long targets', (n) => [paxHeader({ linkpath: long }), { name: `link${n}`, type: '2' }]],
    ['copies of a long target', (n) => [...(n === 0 ? [paxHeader({ linkpath: long })] : []), copyOfLink(n)]],
    ['large attributes', (n) => [paxHeader({ 'SCHILY.xattr.user.a': long }), { name: `file${n}` }]],
    ['many attributes', (n) => [paxHeader(Object.fromEntries(tiny)), { name: `file${n}` }]],
  ];
  const copyOfLink = (n: number): RawMember =>
    n === 0 ? { name: 'link', type: '2' } : { name: `copy${n}`, type: '1', linkName: 'link' };
  const tiny = Array.from({ length: 12 }, (_, n) => [`SCHILY.xattr.user.${n}`, '']);
  const layer = (make: (n: number) => RawMember[], count: number) =>
    chunked(makeTar(Array.from({ length: count }, (_, n) => make(n)).flat()));

  it.each(kinds)('is bounded: %s', async (_, make) => {
    const limit = { maxIndexBytes: 8 * 3400 };
    expect((await indexLayer(layer(make, 8), limit)).index.length).toBe(8);
    const failure = indexLayer(layer(make, 10), limit);
    await expect(failure).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message:
        'the names, link targets and attributes of its entries take more than 27200 bytes, the limit for one layer',
    });
  });

  it('does not hold on to the header that an attribute came in', async () => {
    const members = [paxHeader({ comment: 'c'.repeat(100_000), 'SCHILY.xattr.user.a': 'v' }), { name: 'x' }];
    for await (const { entry } of readTar(chunked(makeTar(members)))) {
      expect(entry.xattrs?.get('user.a')?.buffer.byteLength).toBe(1);
    }
  });
});

describe('names', () => {
  it('of the root give it its attributes, the last of them', async () => {
    const { index } = await indexed('dir ./ 700\nfile a x\ndir / 555');
    expect(index.root).toMatchObject({ path: '', type: 'directory', mode: 0o555 });
    expect([...index.entries()].map(({ path }) => path)).toEqual(['a']);
    expect([...index.children('')].map(({ name }) => name)).toEqual(['a']);
    expect(LayerIndex.decode(index.encode()).root).toEqual(index.root);
    const bare = (await indexed('dir ./')).index;
    expect([bare.hasBelow(''), [...bare.entries()]]).toEqual([false, []]);
    expect((await indexed('file a x')).index.root).toBeUndefined();
  });

  it('are cleaned', async () => {
    expect(await paths('dir ./\ndir /\ndir ./etc/\nfile /etc/a x\nfile etc//./b x')).toEqual(['etc', 'etc/a', 'etc/b']);
  });

  it('keep bytes, newlines and backslashes', async () => {
    const names = ['\xff\xfe', 'new\nline', 'back\\slash', 'CASE', 'case', 'e\xcc\x81', '\xc3\xa9'];
    const { index } = await read(names.map((name) => ({ name })));
    expect([...index.entries()].map(({ path }) => path)).toEqual(names.toSorted());
  });

  it('go where symlinks of the layer lead that came before them', async () => {
    expect(await paths('dir usr/lib\nsymlink lib usr/lib\nfile lib/a x\nwhiteout lib/b\nopaque lib/d')).toEqual([
      'lib',
      'usr/lib',
      'usr/lib/.wh.b',
      'usr/lib/a',
      'usr/lib/d/.wh..wh..opq',
    ]);
    expect(await paths('symlink l ../../d/./e/..\nsymlink m l\nfile m/a x')).toEqual(['d/a', 'l', 'm']);
    expect(await paths('symlink l /\nfile l/a x')).toEqual(['a', 'l']);
    expect(await paths('dir l\nfile l/a x\nsymlink l d\nfile l/b x')).toEqual(['d/b', 'l']);
    expect(await paths('symlink l d\ndir l\nfile l/a x')).toEqual(['l', 'l/a']);
    expect(await paths('symlink d/l e\nfile d x\ndir d\nfile d/l/a x')).toEqual(['d', 'd/l/a']);
  });

  it('of AUFS are passed over', async () => {
    expect(await paths('file .wh..wh.aufs\ndir .wh..wh.plnk\nfile .wh..wh.plnk/1 x\nfile a x')).toEqual(['a']);
  });

  it('may be whiteouts', async () => {
    expect(await paths('whiteout a\nopaque d\nwhiteout d/b')).toEqual(['.wh.a', 'd/.wh..wh..opq', 'd/.wh.b']);
  });
});

describe('a path that comes twice', () => {
  it.each([
    ['a file: the later counts', 'file a x\nfile a yyy', ['a 3']],
    ['a file, then a directory', 'file a x\ndir a\nfile a/b x', ['a 0', 'a/b 1']],
    ['a directory, then a file', 'dir a\nfile a/b x\ndir a/c\nfile a/c/d x\nfile a xx', ['a 2']],
    ['a directory, a file and a directory', 'dir a\nfile a/old x\nfile a x\ndir a\nfile a/new x', ['a 0', 'a/new 1']],
    ['a directory twice keeps its content', 'dir a\nfile a/b x\ndir a', ['a 0', 'a/b 1']],
  ])('%s', async (_, text, expected) => {
    expect([...(await indexed(text)).index.entries()].map(({ path, size }) => `${path} ${size}`)).toEqual(expected);
  });

  it('leaves its hard links the content that they had', async () => {
    const { index } = await indexed('file a old\nlink b a\nlink c a\nfile a newer');
    expect(index.get('a')).toMatchObject({ type: 'file', size: 5 });
    expect(index.get('b')).toMatchObject({ type: 'file', size: 3, contentSha256: sha256('old') });
    expect(index.get('c')).toMatchObject({ type: 'hardlink', linkPath: 'b' });
  });
});

describe('hard links', () => {
  it('point to the file itself', async () => {
    const { index } = await indexed('dir d\nfile d/a x\nlink b ./d/a\nlink c /b');
    expect([index.get('b')?.linkPath, index.get('c')?.linkPath]).toEqual(['d/a', 'd/a']);
  });

  it('may mean a file that AUFS kept for its names', async () => {
    const { index } = await indexed('file .wh..wh.plnk/1.2 abc\nlink a .wh..wh.plnk/1.2\nlink b /.wh..wh.plnk/1.2');
    expect([...index.entries()].map(({ path }) => path)).toEqual(['a', 'b']);
    expect(index.get('a')).toMatchObject({ type: 'file', size: 3, contentSha256: sha256('abc') });
    expect(index.get('b')).toMatchObject({ type: 'hardlink', linkPath: 'a' });
  });

  it('to what this layer does not have are into the layers below', async () => {
    const { index } = await indexed('dir usr/lib\nsymlink lib usr/lib\nlink a /lib/x\nlink b a\nfile usr/lib/x new');
    for (const name of ['a', 'b']) {
      expect(index.get(name)).toMatchObject({ type: 'hardlink', linkPath: 'usr/lib/x', linksBelow: true });
    }
    expect(index.linksBelow).toBe(2);
    expect(LayerIndex.decode(index.encode()).get('a')).toEqual(index.get('a'));
  });

  it.each([
    ['removed', 'whiteout d\nlink a d/x'],
    ['in a directory that hides what is below', 'opaque d\nlink a d/e/x'],
    ['below a file', 'file d x\nlink a d/x'],
    ['hidden by a file that came between', 'file d/x x\nfile d x\nlink a d/x'],
    ['a file of AUFS that is not there', 'link a .wh..wh.plnk/1'],
  ])('to what is %s are refused', async (_, text) => {
    await expect(indexed(text)).rejects.toThrow(/layer entry 'a': a hard link whose target is removed or missing/);
  });

  it.each(['link a x\nfile a', 'link d/a x\nfile d'])(
    'into layers below are refused when they are replaced: %s',
    async (text) => {
      await expect(indexed(text)).rejects.toThrow(/a hard link whose target is not an earlier entry of this layer and/);
    },
  );

  it('to what is no file are copies', async () => {
    const { index } = await indexed('symlink s target\nlink t s\nfifo f\nlink g f');
    expect(index.get('t')).toMatchObject({ type: 'symlink', linkPath: 'target' });
    expect(index.get('g')).toMatchObject({ type: 'fifo', linkPath: '' });
  });
});

it('drops the attributes of overlayfs and keeps others', async () => {
  const { index } = await read([
    paxHeader({
      'SCHILY.xattr.trusted.overlay.opaque': 'y',
      'SCHILY.xattr.user.overlay.redirect': '/etc',
      'SCHILY.xattr.security.capability': '\x01\0',
    }),
    { name: 'd', type: '5' },
    paxHeader({ 'SCHILY.xattr.trusted.overlay.opaque': 'y' }),
    { name: 'e', type: '5' },
  ]);
  expect(index.get('d')?.xattrs).toEqual(new Map([['security.capability', new Uint8Array([1, 0])]]));
  expect(index.get('e')?.xattrs).toBeUndefined();
});

it.each<[string, readonly RawMember[], RegExp]>([
  ['.. in a name', [{ name: '../x' }], /layer entry '\.\.\/x': the name has a \.\. component/],
  ['.. inside a name', [{ name: 'a/../../x' }], /\.\. component/],
  ['.. as a whiteout', [{ name: 'dne/../.wh.etc' }], /\.\. component/],
  [
    'umoci CVE-2021-29136: a symlink as the root',
    [{ name: './', type: '2', linkName: '/' }],
    /a symlink in place of the root/,
  ],
  ['a file as the root', [{ name: '/' }], /a file in place of the root/],
  ['a whiteout of nothing', [{ name: 'd/.wh.' }], /'d\/\.wh\.': a whiteout that names nothing/],
  ['a whiteout of the directory', [{ name: 'd/.wh..' }], /names nothing inside its directory/],
  ['a whiteout of the parent', [{ name: '.wh...' }], /names nothing inside its directory/],
  ['a whiteout that is a directory', [{ name: '.wh.a/', type: '5' }], /a directory as a whiteout/],
  ['a whiteout after its name', [{ name: 'x' }, { name: '.wh.x' }], /layer entry 'x': its whiteout comes after it/],
  [
    'a whiteout after what it holds',
    [{ name: 'x/y' }, { name: '.wh.x' }],
    /layer entry 'x': its whiteout comes after it/,
  ],
  ['a 0:0 device', [{ name: 'c', type: '3' }], /a 0:0 character device/],
  ['a symlink to nothing', [{ name: 's', type: '2' }], /a symlink without a target/],
  ['a hard link to itself', [{ name: 'h', type: '1', linkName: './h' }], /whose target is not an earlier file/],
  [
    'CVE-2026-24842: a hard link out of the root',
    [{ name: 'h', type: '1', linkName: '../../etc/passwd' }],
    /whose target is/,
  ],
  ['a hard link to the root', [{ name: 'h', type: '1', linkName: '/' }], /whose target is not an earlier file/],
  [
    'an entry through a loop of symlinks',
    [{ name: 'a', type: '2', linkName: 'b' }, { name: 'b', type: '2', linkName: 'a' }, { name: 'a/x' }],
    /layer entry 'a\/x': more than 255 symlinks on the way, or a loop/,
  ],
  [
    'an entry through a symlink to a file',
    [{ name: 'f' }, { name: 'l', type: '2', linkName: 'f' }, { name: 'l/x' }],
    /'f\/x': it is below a file/,
  ],
  [
    'a path that symlinks make too long',
    [
      paxHeader({ linkpath: 'd/'.repeat(2040) }),
      { name: 'l', type: '2', linkName: 'd' },
      { name: `l/${'x/'.repeat(20)}y` },
    ],
    /a path of more than 4095 bytes/,
  ],
  [
    'a hard link to a directory',
    [
      { name: 'd', type: '5' },
      { name: 'h', type: '1', linkName: 'd' },
    ],
    /a hard link to a dir/,
  ],
  ['a hard link to a whiteout', [{ name: '.wh.x' }, { name: 'h', type: '1', linkName: '.wh.x' }], /whose target is/],
  ['an entry below a file', [{ name: 'f' }, { name: 'f/x' }], /layer entry 'f\/x': it is below a file/],
  ['an entry deep below a fifo', [{ name: 'f', type: '6' }, { name: 'f/x/y' }], /'f\/x\/y': it is below a fifo/],
  ['a name of 256 bytes', [paxHeader({ path: 'n'.repeat(256) }), { name: 'n' }], /a name of more than 255 bytes/],
  ['a path of 4200 bytes', [paxHeader({ path: 'dir/'.repeat(1050) }), { name: 'n' }], /a path of more than 4095 bytes/],
  ['depth 3000', [paxHeader({ path: 'a/'.repeat(3000) }), { name: 'n' }], /a path of more than 4095 bytes/],
])('refuses %s', async (_, members, message) => {
  await expect(read(members)).rejects.toThrow(message);
  await expect(read(members)).rejects.toMatchObject({ code: 'LAYER_INVALID' });
});

it('lets errors of the archive through', async () => {
  await expect(indexLayer(chunked(layerTar('file a xxx').subarray(0, 514)))).rejects.toMatchObject({
    code: 'TAR_INVALID',
  });
});
