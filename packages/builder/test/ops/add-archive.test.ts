import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { preimageText } from '../../src/cache/cache-key.ts';
import { gnuLong, makeTar, paxHeader, type RawMember } from '../../../oci/testing/make-tar.ts';
import { MemoryTree } from '../../testing/memory-tree.ts';
import { dir, file, holding, link, symlink, unpacked } from './archive-case.ts';
import { CopyBench, type CopyCase } from './copy-bench.ts';

const SAMPLE = [dir('d/', { mode: 0o750, uid: 7, gid: 8 }), file('d/f', 'hello', { mode: 0o4755, uid: 1, gid: 2 })];
const SAMPLE_LINES = ['directory 755 0:0 dst', 'directory 750 7:8 dst/d', 'file 4755 1:2 dst/d/f'];

describe('what ADD unpacks', () => {
  it.each<[string, RawMember[], string[]]>([
    ['entries with their own owners and modes', SAMPLE, SAMPLE_LINES],
    [
      'folders that no entry names',
      [file('p/q/r', 'x', { uid: 5 })],
      ['directory 755 0:0 dst', 'directory 755 0:0 dst/p', 'directory 755 0:0 dst/p/q', 'file 644 5:0 dst/p/q/r'],
    ],
    [
      'symlinks, devices and fifos',
      [
        symlink('l', 'd/f'),
        { name: 'null', type: '3', devMajor: 1, devMinor: 3 },
        { name: 'loop', type: '4', devMajor: 7, devMinor: 0 },
        { name: 'pipe', type: '6' },
      ],
      [
        'directory 755 0:0 dst',
        'symlink 777 0:0 dst/l -> d/f',
        'block 644 0:0 dst/loop',
        'char 644 0:0 dst/null',
        'fifo 644 0:0 dst/pipe',
      ],
    ],
    [
      'hard links, whose last one says what the file looks like',
      [file('z', 'z', { mode: 0o600 }), link('a', 'z', { mode: 0o640, uid: 3 }), link('m', '/a', { mode: 0o644 })],
      [
        'directory 755 0:0 dst',
        'file 644 0:0 dst/a',
        'hardlink 644 0:0 dst/m -> dst/a',
        'hardlink 644 0:0 dst/z -> dst/a',
      ],
    ],
    [
      'a hard link to a symlink as that symlink',
      [symlink('s', 'x'), link('t', 's')],
      ['directory 755 0:0 dst', 'symlink 777 0:0 dst/s -> x', 'symlink 777 0:0 dst/t -> x'],
    ],
    [
      'the later of two entries with one name',
      [file('a', 'one'), file('b', 'old'), dir('b/'), file('b/c'), file('a', 'two', { mode: 0o600 })],
      ['directory 755 0:0 dst', 'file 600 0:0 dst/a', 'directory 755 0:0 dst/b', 'file 644 0:0 dst/b/c'],
    ],
    [
      'a file over a folder with what was in it',
      [dir('b'), file('b/c'), file('b', 'now a file')],
      ['directory 755 0:0 dst', 'file 644 0:0 dst/b'],
    ],
    [
      'long names',
      [gnuLong('L', `${'n'.repeat(120)}/x`), file('cut'), paxHeader({ path: '\xc3\xbc' }), file('cut')],
      [
        'directory 755 0:0 dst',
        `directory 755 0:0 dst/${'n'.repeat(120)}`,
        `file 644 0:0 dst/${'n'.repeat(120)}/x`,
        'file 644 0:0 dst/\xc3\xbc',
      ],
    ],
    [
      'nothing over the destination itself',
      [dir('./', { mode: 0o700, uid: 9 }), { name: '' }],
      ['directory 755 0:0 dst'],
    ],
  ])('%s', async (_what, members, expected) => {
    expect(await unpacked(members)).toEqual(expected);
  });

  it('keeps times, none of them before 1970, and clamps them to an epoch', async () => {
    const members = [dir('d', { mtime: 50 }), file('d/f', 'x', { mtime: 100 }), file('g', 'x', { mtime: 2000 })];
    const times = async (options: CopyCase): Promise<unknown> => {
      const bench = new CopyBench();
      const add = { sources: ['a.tar'], unpack: true, ...options };
      const layer = await bench.layer(holding(makeTar(members)), undefined, add);
      return layer.map(({ path, mtime }) => `${path} ${mtime.seconds}`);
    };
    expect(await times({})).toEqual(['d 50', 'd/f 100', 'g 2000']);
    expect(await times({ epoch: 1000 })).toEqual(['d 50', 'd/f 100', 'g 1000']);
    expect(await unpacked([paxHeader({ mtime: '-5' }), file('old')])).toContain('file 644 0:0 dst/old');
  });

  it('gives everything to the owner that --chown names', async () => {
    expect(await unpacked([...SAMPLE, file('p/q')], '', { chown: '12:34' })).toEqual([
      'directory 755 12:34 dst',
      'directory 750 12:34 dst/d',
      'file 4755 12:34 dst/d/f',
      'directory 755 0:0 dst/p',
      'file 644 12:34 dst/p/q',
    ]);
  });

  it('keeps capabilities and no other attribute', async () => {
    const bench = new CopyBench();
    const pax = paxHeader({ 'SCHILY.xattr.security.capability': 'CAP', 'SCHILY.xattr.user.note': 'x' });
    const add = { sources: ['a.tar'], unpack: true };
    const [entry] = await bench.layer(holding(makeTar([pax, file('f', 'x')])), undefined, add);
    expect([...(entry?.xattrs ?? [])].map(([name, value]) => `${name}=${Buffer.from(value).toString()}`)).toEqual([
      'security.capability=CAP',
    ]);
  });
});

describe('what ADD finds in the image', () => {
  it('keeps directories and what is in them', async () => {
    expect(
      await unpacked([dir('k', { mode: 0o700, uid: 5 }), file('k/new')], 'dir dst mode=711\nfile dst/k/old x'),
    ).toEqual(['directory 711 0:0 dst', 'directory 700 5:0 dst/k', 'file 644 0:0 dst/k/new']);
  });

  it('replaces what is of another type', async () => {
    const image = 'file dst/file x\nfile dst/folder/in x\nsymlink dst/link -> folder';
    expect(await unpacked([dir('file'), file('folder'), dir('link'), file('link/x')], image)).toEqual([
      'directory 755 0:0 dst',
      'directory 755 0:0 dst/file',
      'file 644 0:0 dst/folder',
      'directory 755 0:0 dst/link',
      'file 644 0:0 dst/link/x',
    ]);
  });

  it('hides what was in a folder that was a file in between', async () => {
    const image = 'file dst/k/old x\nfile dst/k/sub/deep x\nfile dst/k/same x';
    const members = [file('k'), dir('k/'), file('k/same'), dir('k/sub'), file('k/sub/new')];
    expect(await unpacked(members, image)).toEqual([
      'directory 755 0:0 dst',
      'directory 755 0:0 dst/k',
      'file 0 0:0 dst/k/.wh.old',
      'file 644 0:0 dst/k/same',
      'directory 755 0:0 dst/k/sub',
      'file 0 0:0 dst/k/sub/.wh.deep',
      'file 644 0:0 dst/k/sub/new',
    ]);
  });

  it('goes through links of the image, as if the destination were the root', async () => {
    const image =
      'dir dst/real\nsymlink dst/rel -> real\nsymlink dst/abs -> /real\nsymlink dst/up -> ../../etc\nfile etc/x';
    const paths = await unpacked([file('rel/1'), file('abs/2'), file('up/3')], image);
    expect(paths).toEqual([
      'directory 755 0:0 dst',
      'directory 755 0:0 dst/etc',
      'file 644 0:0 dst/etc/3',
      'directory 755 0:0 dst/real',
      'file 644 0:0 dst/real/1',
      'file 644 0:0 dst/real/2',
    ]);
  });

  it('unpacks to where the destination leads', async () => {
    const image = 'dir real\nsymlink l -> /real';
    expect(await unpacked([file('f')], image, { destination: '/l' })).toEqual([
      'directory 755 0:0 real',
      'file 644 0:0 real/f',
    ]);
    await expect(unpacked([file('f')], 'file plain x', { destination: '/plain' })).rejects.toThrow(
      '/plain: not a directory',
    );
    await expect(unpacked([file('p/x')], 'file dst/p x')).rejects.toThrow('/dst/p: not a directory');
  });
});

describe('what counts as an archive', () => {
  const add: CopyCase = { sources: ['file'], destination: '/dst', unpack: true };
  const added = (bytes: Uint8Array, options: CopyCase = add): Promise<string[]> =>
    new CopyBench().copy(holding(bytes, 'file'), undefined, options);

  it('may hold a sparse file, which comes whole', async () => {
    const records = { name: 'sp', size: '2000', numblocks: '2', map: '0,1,1500,2' };
    const pax = Object.entries(records).map(([key, value]) => [`GNU.sparse.${key}`, value]);
    const archive = makeTar([paxHeader(Object.fromEntries(pax)), file('x', 'abc'), file('next', 'n')]);
    const sha256 = createHash('sha256')
      .update(`a${'\0'.repeat(1499)}bc`.padEnd(2000, '\0'))
      .digest('hex');
    for (const bytes of [archive, gzipSync(archive)]) {
      const layer = await new CopyBench().layer(holding(bytes, 'file'), undefined, add);
      expect(layer.find(({ path }) => path === 'dst/sp')).toMatchObject({ size: 2000, contentSha256: sha256 });
    }
  });

  it('is told from the content: gzip too', async () => {
    expect(await added(makeTar(SAMPLE))).toEqual(SAMPLE_LINES);
    expect(await added(gzipSync(makeTar(SAMPLE)))).toEqual(SAMPLE_LINES);
    for (const rest of ['signed: abcdef', '\0'.repeat(4096)]) {
      expect(await added(Buffer.concat([gzipSync(makeTar(SAMPLE)), Buffer.from(rest)]))).toEqual(SAMPLE_LINES);
    }
  });

  for (const program of ['zstd', 'xz', 'bzip2']) {
    const missing = spawnSync(program, ['--version']).error !== undefined;
    it.skipIf(missing)(`${program} too (needs the program)`, async () => {
      expect(await added(execFileSync(program, ['-c'], { input: makeTar(SAMPLE) }))).toEqual(SAMPLE_LINES);
    });
  }

  it.each<[string, Uint8Array]>([
    ['text', Buffer.from('just text')],
    ['a longer text', Buffer.from('x'.repeat(5000))],
    ['nothing at all', Buffer.alloc(0)],
    ['an archive without entries', makeTar([])],
    ['compressed text', gzipSync('text'.repeat(1000))],
    ['damaged gzip', Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3])],
    ['damaged bzip2', Buffer.from('BZh91AY&SY')],
  ])('%s is not', async (_what, bytes) => {
    expect(await added(bytes)).toEqual(['file 644 0:0 dst']);
  });

  it('unless --unpack=false says that nothing is', async () => {
    expect(await added(makeTar(SAMPLE), { ...add, unpack: false })).toEqual(['file 644 0:0 dst']);
  });

  it('not inside a folder that is added', async () => {
    const bench = new CopyBench();
    const tree = MemoryTree.of('dir in').withFile('in/a.tar', makeTar(SAMPLE));
    expect(await bench.copy(tree, undefined, { ...add, sources: ['in'] })).toEqual([
      'directory 755 0:0 dst',
      'file 644 0:0 dst/a.tar',
    ]);
  });

  it('beside files that are none, in one instruction', async () => {
    const bench = new CopyBench();
    const tree = holding(makeTar([symlink('to', '/other'), dir('deep')])).withFile('b.tar', makeTar([file('deep/b')]));
    expect(await bench.copy(tree, undefined, { ...add, sources: ['*.tar', 'other'], destination: '/d/' })).toEqual([
      'directory 755 0:0 d',
      'directory 755 0:0 d/deep',
      'file 644 0:0 d/deep/b',
      'file 644 0:0 d/other',
      'symlink 777 0:0 d/to -> /other',
    ]);
  });
});

describe('the key of ADD', () => {
  const options: CopyCase = { sources: ['a.tar'], unpack: true };

  it('is that of what is unpacked: the packing and the times do not matter', async () => {
    const bench = new CopyBench();
    const keyOf = (bytes: Uint8Array): Promise<string> => bench.key(holding(bytes), undefined, options);
    const key = await keyOf(makeTar(SAMPLE));
    expect(await keyOf(gzipSync(makeTar(SAMPLE)))).toBe(key);
    expect(await keyOf(makeTar(SAMPLE.map((member) => ({ ...member, mtime: 99 }))))).toBe(key);
    expect(await keyOf(makeTar(SAMPLE.map((member) => ({ ...member, gid: 99 }))))).not.toBe(key);
    expect(await keyOf(makeTar([...SAMPLE, file('more')]))).not.toBe(key);
  });

  it('is found the second time without reading the archive', async () => {
    const bench = new CopyBench();
    const tree = holding(gzipSync(makeTar(SAMPLE)));
    const first = await bench.prepareStep(tree, { layers: [] }, options);
    const { layer } = await first.execute();
    const opened = tree.opened.length;
    const second = await bench.prepareStep(tree, { layers: [] }, options);
    expect(preimageText(second.prepared.preimage)).toBe(preimageText(first.prepared.preimage));
    // Its first bytes are looked at, no more.
    expect(tree.opened.length).toBe(opened + 1);
    expect((await second.execute()).layer).toEqual(layer);
  });
});
