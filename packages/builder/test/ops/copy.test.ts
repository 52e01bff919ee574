import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { preimageText } from '../../src/cache/cache-key.ts';
import { MemoryTree } from '../../testing/memory-tree.ts';
import { open, temporaryDirectory } from '../context/real-tree.ts';
import { CopyBench, type CopyCase } from './copy-bench.ts';

const SOURCE = `
  dir d mode=700 mtime=1000
  file d/x mtime=2000 in x
  dir d/sub mode=750 mtime=3000
  file d/sub/y mtime=4000 in y
  symlink d/l -> x
  file f mode=4755 mtime=5000 in f
  file g mtime=6000 in g
  symlink to-d -> d`;

const PARENT = `
  dir ex mode=711 mtime=10
  dir ex/sub mode=711
  file ex/old here
  symlink lnk -> /ex
  symlink dangling -> /nowhere/x
  symlink up -> ../../../ex
  file plain text
  file etc/passwd node:x:1000:1001:node:/home/node:/bin/sh
  file etc/group staff:x:50:`;

async function copied(options: CopyCase, parent = PARENT): Promise<string[]> {
  const bench = new CopyBench();
  return bench.copy(SOURCE, await bench.rootfs(parent), options);
}

describe('what COPY copies where', () => {
  it.each<[string, CopyCase, string[]]>([
    ['a file under a new name', { sources: ['g'], destination: '/n' }, ['file 644 0:0 n']],
    [
      'a file into a folder that exists',
      { sources: ['g'], destination: '/ex' },
      ['directory 711 0:0 ex', 'file 644 0:0 ex/g'],
    ],
    [
      'a file into a folder that a slash asks for',
      { sources: ['g'], destination: '/n/' },
      ['directory 755 0:0 n', 'file 644 0:0 n/g'],
    ],
    [
      'with every folder on the way',
      { sources: ['g'], destination: '/a/b/c' },
      ['directory 755 0:0 a', 'directory 755 0:0 a/b', 'file 644 0:0 a/b/c'],
    ],
    [
      'relative to the working directory',
      { sources: ['g'], destination: '.', workingDirectory: '/ex/sub' },
      ['directory 711 0:0 ex', 'directory 711 0:0 ex/sub', 'file 644 0:0 ex/sub/g'],
    ],
    ['setuid bits too', { sources: ['f'], destination: '/' }, ['file 4755 0:0 f']],
    [
      'the contents of a directory, whose own mode stays behind',
      { sources: ['d'], destination: '/n' },
      [
        'directory 755 0:0 n',
        'symlink 777 0:0 n/l -> x',
        'directory 750 0:0 n/sub',
        'file 644 0:0 n/sub/y',
        'file 644 0:0 n/x',
      ],
    ],
    [
      'folders inside it over folders that exist',
      { sources: ['d'], destination: '/ex' },
      [
        'directory 711 0:0 ex',
        'symlink 777 0:0 ex/l -> x',
        'directory 750 0:0 ex/sub',
        'file 644 0:0 ex/sub/y',
        'file 644 0:0 ex/x',
      ],
    ],
    [
      'through a link in the image',
      { sources: ['g'], destination: '/lnk/n' },
      ['directory 711 0:0 ex', 'file 644 0:0 ex/n'],
    ],
    [
      'through a link that climbs, inside the image',
      { sources: ['g'], destination: '/up/n' },
      ['directory 711 0:0 ex', 'file 644 0:0 ex/n'],
    ],
    [
      'to where a dangling link points',
      { sources: ['g'], destination: '/dangling' },
      ['directory 755 0:0 nowhere', 'file 644 0:0 nowhere/x'],
    ],
    ['what a named link points to', { sources: ['to-d/l'], destination: '/n' }, ['file 644 0:0 n']],
    [
      'a folder behind a link',
      { sources: ['to-d'], destination: '/n' },
      [
        'directory 755 0:0 n',
        'symlink 777 0:0 n/l -> x',
        'directory 750 0:0 n/sub',
        'file 644 0:0 n/sub/y',
        'file 644 0:0 n/x',
      ],
    ],
    [
      'several sources',
      { sources: ['f', 'g'], destination: '/n/' },
      ['directory 755 0:0 n', 'file 4755 0:0 n/f', 'file 644 0:0 n/g'],
    ],
    ['the last of several files without a folder', { sources: ['f', 'g'], destination: '/n' }, ['file 644 0:0 n']],
    [
      'what a pattern matches',
      { sources: ['?'], destination: '/n/' },
      [
        'directory 755 0:0 n',
        'file 4755 0:0 n/f',
        'file 644 0:0 n/g',
        'symlink 777 0:0 n/l -> x',
        'directory 750 0:0 n/sub',
        'file 644 0:0 n/sub/y',
        'file 644 0:0 n/x',
      ],
    ],
    ['nothing for a pattern without match', { sources: ['nope*'], destination: '/n/' }, []],
    ['no further up than the context', { sources: ['../../g'], destination: '/n' }, ['file 644 0:0 n']],
    ['nor than the root', { sources: ['g'], destination: '/../../n' }, ['file 644 0:0 n']],
  ])('%s', async (_what, options, expected) => {
    expect(await copied(options)).toEqual(expected);
  });

  it.each<[string, CopyCase, string[]]>([
    ['numbers', { chown: '12:34' }, ['directory 755 12:34 n', 'file 644 12:34 n/g']],
    ['a number alone: the group of the same number', { chown: '12' }, ['directory 755 12:12 n', 'file 644 12:12 n/g']],
    ['a name: its primary group', { chown: 'node' }, ['directory 755 1000:1001 n', 'file 644 1000:1001 n/g']],
    ['names', { chown: 'node:staff' }, ['directory 755 1000:50 n', 'file 644 1000:50 n/g']],
    ['a user and no group after the colon', { chown: 'node:' }, ['directory 755 1000:0 n', 'file 644 1000:0 n/g']],
    ['a group alone', { chown: ':staff' }, ['directory 755 0:50 n', 'file 644 0:50 n/g']],
    [
      'an unknown group: still the primary one',
      { chown: 'node:none' },
      ['directory 755 1000:1001 n', 'file 644 1000:1001 n/g'],
    ],
  ])('--chown with %s', async (_what, options, expected) => {
    expect(await copied({ sources: ['g'], destination: '/n/', ...options })).toEqual(expected);
  });

  it('--chown with an unknown name means 0, and says so', async () => {
    const bench = new CopyBench();
    const parent = await bench.rootfs(PARENT);
    expect(await bench.copy(SOURCE, parent, { sources: ['g'], chown: 'nobody-here' })).toEqual(['file 644 0:0 g']);
    expect(bench.notices).toEqual([expect.stringContaining('"nobody-here"')]);
  });

  it('folders that are made in one with the setgid bit have it too', async () => {
    const bench = new CopyBench();
    const parent = await bench.rootfs(`${PARENT}\ndir shared mode=2775`);
    expect(await bench.copy(SOURCE, parent, { sources: ['g'], destination: '/shared/n/' })).toEqual([
      'directory 2775 0:0 shared',
      'directory 2755 0:0 shared/n',
      'file 644 0:0 shared/n/g',
    ]);
  });

  it('--chmod sets files and directories, and leaves links alone', async () => {
    expect(await copied({ sources: ['d'], destination: '/n', chmod: '750' })).toEqual([
      'directory 750 0:0 n',
      'symlink 777 0:0 n/l -> x',
      'directory 750 0:0 n/sub',
      'file 750 0:0 n/sub/y',
      'file 750 0:0 n/x',
    ]);
  });

  it.each<[string, CopyCase, string]>([
    ['a source that is not there', { sources: ['nope'] }, '"/nope": not found'],
    ['a folder over a file', { sources: ['d'], destination: '/plain' }, '/plain: not a directory'],
    ['a file below a file', { sources: ['g'], destination: '/plain/x' }, '/plain: not a directory'],
  ])('refuses %s', async (_what, options, message) => {
    await expect(copied(options)).rejects.toMatchObject({
      message: expect.stringContaining(message),
      range: { start: { line: 1 } },
    });
  });

  it('refuses to replace a folder with a file, and a file with a folder, deeper down', async () => {
    const onto = (parent: string): Promise<string[]> => copied({ sources: ['d'], destination: '/t' }, parent);
    await expect(onto('dir t/x')).rejects.toThrow('cannot replace directory /t/x');
    await expect(onto('file t/sub no folder')).rejects.toThrow('cannot copy to non-directory: /t/sub');
    await expect(onto('symlink t/sub -> /etc')).rejects.toThrow('cannot copy to non-directory: /t/sub');
    // A link where a file goes is replaced, not followed.
    expect(await onto('symlink t/x -> /etc/passwd')).toContain('file 644 0:0 t/x');
  });

  it('keeps hard links within one source, not across two', async () => {
    const bench = new CopyBench();
    const tree = 'file a/1 link=k same\nfile a/2 link=k same\nfile b/3 link=k same';
    expect(await bench.copy(tree, undefined, { sources: ['a', 'b'], destination: '/n/' })).toEqual([
      'directory 755 0:0 n',
      'file 644 0:0 n/1',
      'hardlink 644 0:0 n/2 -> n/1',
      'file 644 0:0 n/3',
    ]);
  });

  it('leaves sockets out and keeps names that are not UTF-8', async () => {
    const bench = new CopyBench();
    const tree = 'socket s\nfile a\\xff x\nfile b\\x0ac y';
    expect(await bench.copy(tree)).toEqual(['file 644 0:0 a\xff', 'file 644 0:0 b\nc']);
    expect(bench.notices).toEqual(['skipped the socket s: an image cannot contain sockets']);
    expect(await bench.copy(tree, undefined, { sources: ['s', 'a*'] })).toEqual(['file 644 0:0 a\xff']);
  });

  it.skipIf(process.getuid?.() !== 0)('refuses the device 0:0 of a context, and takes others (as root)', async () => {
    const root = temporaryDirectory();
    execFileSync('mknod', [join(root, 'null'), 'c', '1', '3']);
    const bench = new CopyBench();
    expect(await bench.copy(open(root))).toEqual([expect.stringMatching(/^char 644 0:0 null/)]);
    execFileSync('mknod', [join(root, 'gone'), 'c', '0', '0']);
    await expect(bench.copy(open(root))).rejects.toMatchObject({
      code: 'COPY_FAILED',
      message: 'cannot copy the character device 0:0 to /gone: overlayfs treats it as a removal',
      hint: expect.stringContaining('.dockerignore'),
    });
  });

  it('copies from a stage: bytes, links, modes and owners reset to 0', async () => {
    const bench = new CopyBench();
    const stage = await bench.rootfs('file bin/tool mode=4755 mtime=77 the tool\nsymlink tool -> bin/tool');
    const lines = await bench.copy('', undefined, { fromStage: stage, sources: ['/tool'], destination: '/usr/bin/' });
    expect(lines).toEqual(['directory 755 0:0 usr', 'directory 755 0:0 usr/bin', 'file 4755 0:0 usr/bin/tool']);
  });
});

describe('the times in the layer', () => {
  const times = async (options: CopyCase): Promise<Record<string, number>> => {
    const bench = new CopyBench();
    const layer = await bench.layer(MemoryTree.of(SOURCE), await bench.rootfs(PARENT), options);
    return Object.fromEntries(layer.map(({ path, mtime }) => [path, mtime.seconds]));
  };

  it('are those of the sources; folders on the way take the newest', async () => {
    expect(await times({ sources: ['d'], destination: '/a/n' })).toEqual({
      a: 1_700_000_000,
      'a/n': 1000,
      'a/n/l': 1_700_000_000,
      'a/n/sub': 3000,
      'a/n/sub/y': 4000,
      'a/n/x': 2000,
    });
  });

  it('are the epoch for the context, which is a checkout and no history', async () => {
    expect(new Set(Object.values(await times({ sources: ['d', 'g'], destination: '/n/', epoch: 3500 })))).toEqual(
      new Set([3500]),
    );
  });

  it('are clamped for a stage', async () => {
    const bench = new CopyBench();
    const stage = await bench.rootfs('file old mtime=10 x\nfile new mtime=9000 y');
    const layer = await bench.layer(MemoryTree.of(''), undefined, { fromStage: stage, epoch: 3500 });
    expect(layer.map(({ path, mtime }) => [path, mtime.seconds])).toEqual([
      ['new', 3500],
      ['old', 10],
    ]);
  });
});

describe('the key of COPY', () => {
  const TREE = 'file a mtime=1 one\nfile sub/b mode=755 two\nsymlink l -> a';

  it.each<[string, string]>([
    ['content', TREE.replace('one', 'One')],
    ['a mode', TREE.replace('mode=755', 'mode=700')],
    ['a name', TREE.replace('sub/b', 'sub/c')],
    ['a link', TREE.replace('-> a', '-> sub/b')],
    ['a new file', `${TREE}\nfile z`],
    ['a type', TREE.replace('file a mtime=1 one', 'dir a')],
  ])('changes with %s', async (_what, changed) => {
    const bench = new CopyBench();
    expect(await bench.key(changed)).not.toBe(await bench.key(TREE));
  });

  it('does not change with times', async () => {
    const bench = new CopyBench();
    expect(await bench.key(TREE.replace('mtime=1', 'mtime=99999'))).toBe(await bench.key(TREE));
  });

  it.each<[string, CopyCase]>([
    ['the destination', { destination: '/x/' }],
    ['the owner', { chown: '1:2' }],
    ['the mode', { chmod: '644' }],
    ['the epoch', { epoch: 7 }],
  ])('changes with %s', async (_what, options) => {
    const bench = new CopyBench();
    expect(await bench.key(TREE, undefined, options)).not.toBe(await bench.key(TREE));
  });

  it('holds only those facts of the parent that change the layer', async () => {
    const bench = new CopyBench();
    const into = { destination: '/app/' };
    const key = async (parent: string): Promise<string> => bench.key(TREE, await bench.rootfs(parent), into);
    const known = await key('dir app\nfile etc/os-release 1');
    expect(await key('dir app mtime=5\nfile etc/os-release 2\nfile app/other')).toBe(known);
    expect(await key('dir app mode=700')).not.toBe(known);
    expect(await key('symlink app -> /srv')).not.toBe(known);
  });

  it('is the same whether digests were known before or are learnt while writing', async () => {
    const bench = new CopyBench();
    const cold = MemoryTree.of(TREE);
    const first = await bench.prepareStep(cold, { layers: [] }, {});
    const { layer } = await first.execute();
    expect(cold.opened).toEqual(['a', 'sub/b']);
    const second = await bench.prepareStep(cold, { layers: [] }, {});
    expect(preimageText(second.prepared.preimage)).toBe(preimageText(first.prepared.preimage));
    expect(cold.opened).toHaveLength(2);
    expect((await second.execute()).layer).toEqual(layer);
  });

  it('names every file in its listing', async () => {
    const bench = new CopyBench();
    const { inputs } = await bench.preimage('file a\\xff one\nsymlink l -> a');
    expect(inputs[0]?.listing).toMatch(/^file [0-9a-f]{64} 0644 0:0 a\\xff\nsymlink "a" 0777 0:0 l\n$/);
  });
});
