import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryBlobStore } from '../../src/blob/memory.ts';
import { applyLayer } from '../../src/disk/apply-layer.ts';
import { diffDirectories } from '../../src/disk/diff-directories.ts';
import { describeTree, differences, diskState, makeState } from '../../testing/disk-state.ts';
import { chunked, makeTar, paxHeader } from '../../testing/make-tar.ts';
import type { RawMember } from '../../testing/make-tar.ts';
import { scratchFolders } from '../../testing/scratch.ts';
import { layerTar } from './layer-dsl.ts';

const folder = scratchFolders();
const isRoot = process.geteuid?.() === 0;

async function layerBetween(before: string | undefined, after: string): Promise<AsyncIterable<Uint8Array>> {
  const blobs = new MemoryBlobStore();
  const { digest } = await diffDirectories(before, after, await blobs.create());
  return blobs.open(digest);
}

const apply = (root: string, text: string): Promise<void> => applyLayer(chunked(layerTar(text)), root);

async function refusal(members: readonly RawMember[], root = folder()): Promise<string> {
  try {
    await applyLayer(chunked(makeTar(members)), root);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'accepted';
}

describe('diff and apply', () => {
  it('are each other’s inverse, for any two directories', async () => {
    await fc.assert(
      fc.asyncProperty(diskState, diskState, async (one, two) => {
        const [before, after] = [folder(), folder()];
        makeState(before, one);
        makeState(after, two);
        await applyLayer(await layerBetween(before, after), before);
        expect(describeTree(before)).toEqual(describeTree(after));
        const fresh = folder();
        await applyLayer(await layerBetween(undefined, after), fresh);
        expect(describeTree(fresh)).toEqual(describeTree(after));
        expect(await differences(fresh, after)).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  it('keep two names of one file with content', async () => {
    const [after, fresh] = [folder(), folder()];
    writeFileSync(join(after, 'a'), 'content');
    linkSync(join(after, 'a'), join(after, 'b'));
    await applyLayer(await layerBetween(undefined, after), fresh);
    expect([statSync(join(fresh, 'b')).nlink, readFileSync(join(fresh, 'b'), 'utf8')]).toEqual([2, 'content']);
  });

  it('make nothing of what is the same', async () => {
    const [before, after] = [folder(), folder()];
    for (const root of [before, after])
      execFileSync('sh', ['-c', 'mkdir -p a/b; echo x >a/b/f; ln a/b/f a/g; touch -d @5 a/b/f'], { cwd: root });
    const blobs = new MemoryBlobStore();
    const layer = await diffDirectories(before, after, await blobs.create());
    expect(layer.index.length).toBe(0);
  });

  it('keep file capabilities and user attributes (needs root and setfattr)', async (context) => {
    const [source, target] = [folder(), folder()];
    writeFileSync(join(source, 'f=\\x'), 'x');
    try {
      execFileSync('setfattr', ['-n', 'user.a', '-v', 'b', 'f=\\x'], { cwd: source, stdio: 'ignore' });
      execFileSync(
        'setfattr',
        ['-n', 'security.capability', '-v', '0x0100000200040000000000000000000000000000', 'f=\\x'],
        { cwd: source, stdio: 'ignore' },
      );
    } catch {
      return context.skip();
    }
    await applyLayer(await layerBetween(undefined, source), target);
    expect(await differences(source, target)).toEqual([]);
    expect(execFileSync('getfattr', ['-d', '-m', '-', 'f=\\x'], { cwd: target, encoding: 'utf8' })).toMatch(
      /security.capability[^]*user.a="b"/,
    );
  });
});

describe('applyLayer', () => {
  it('removes, replaces and joins', async () => {
    const root = folder();
    await apply(root, 'dir d\nfile d/x 1\nfile d/y 2\nfile gone\ndir e\nfile e/z\ndir f\nfile f/q\nsymlink s /etc');
    await apply(
      root,
      'whiteout gone\nopaque e\nfile e/new 3\ndir d\nfile d/x 111\nfile f now-a-file\ndir s\nfile s/in x',
    );
    const list = execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P %y\\n'], { cwd: root, encoding: 'utf8' });
    expect(list.trim().split('\n').toSorted()).toEqual(
      ['d d', 'd/x f', 'd/y f', 'e d', 'e/new f', 'f f', 's d', 's/in f'].toSorted(),
    );
    expect(readFileSync(join(root, 'd/x'), 'utf8')).toBe('111');
  });

  it('puts a directory with a mark in place of a file', async () => {
    const root = folder();
    await apply(root, 'file a x');
    await apply(root, 'dir a\nopaque a\nfile a/b y');
    expect(readdirSync(join(root, 'a'))).toEqual(['b']);
  });

  it('removes a directory and makes it again', async () => {
    const root = folder();
    await apply(root, 'dir a\nfile a/a 1\ndir a/d\nfile a/d/x 1');
    await apply(root, 'whiteout a\ndir a\nopaque a\nfile a/b 2');
    expect(readdirSync(join(root, 'a'))).toEqual(['b']);
  });

  it('keeps other names of a file that is replaced', async () => {
    const root = folder();
    await apply(root, 'file a old\nlink b a');
    await apply(root, 'file a new');
    expect(readFileSync(join(root, 'b'), 'utf8')).toBe('old');
    expect(statSync(join(root, 'b')).nlink).toBe(1);
  });

  it('does not depend on the umask, and sets times of directories last', async () => {
    const root = folder();
    const before = process.umask(0o077);
    try {
      const tar = makeTar([
        { name: 'd', type: '5', mode: 0o775, mtime: 7 },
        { name: 'd/f', content: 'x', mode: 0o666, mtime: 9 },
      ]);
      await applyLayer(chunked(gzipSync(tar)), root);
    } finally {
      process.umask(before);
    }
    expect(lstatSync(join(root, 'd')).mode & 0o7777).toBe(0o775);
    expect(lstatSync(join(root, 'd')).mtimeMs).toBe(7000);
    expect(lstatSync(join(root, 'd/f')).mode & 0o7777).toBe(0o666);
  });

  it.skipIf(!isRoot)('makes fifos and devices, with names of any bytes (needs root)', async () => {
    const root = folder();
    const skipped: string[] = [];
    const tar = makeTar([
      { name: 'p\xff', type: '6', mode: 0o640 },
      { name: 'null', type: '3', mode: 0o666, devMajor: 1, devMinor: 3 },
    ]);
    await applyLayer(chunked(tar), root, { onSkip: ({ reason }) => skipped.push(reason) });
    const fifo = lstatSync(Buffer.concat([Buffer.from(`${root}/p`), Buffer.from([0xff])]));
    expect([fifo.isFIFO(), fifo.mode & 0o7777]).toEqual([true, 0o640]);
    // Some sandboxes forbid devices to root too; then that is said.
    const device = lstatSync(join(root, 'null'), { throwIfNoEntry: false });
    expect(device?.rdev === 259 || /device/.test(skipped.join())).toBe(true);
    await applyLayer(chunked(tar), root, { devices: false, onSkip: ({ reason }) => skipped.push(reason) });
    expect(skipped).toContain('the device: devices are not created');
  });

  it('holds its limits, and writes nothing when the layer is bad', async () => {
    const root = folder();
    const tar = makeTar([{ name: 'a', content: 'x'.repeat(5000) }, { name: 'b' }]);
    const limited = { code: 'LIMIT_EXCEEDED' };
    await expect(applyLayer(chunked(tar), root, { maxBytes: 4000 })).rejects.toMatchObject(limited);
    await expect(applyLayer(chunked(tar), root, { maxEntries: 1 })).rejects.toMatchObject(limited);
    const bomb = gzipSync(makeTar([{ name: 'a', content: 'x'.repeat(3_000_000) }]));
    await expect(applyLayer(chunked(bomb), root, { maxRatio: 100 })).rejects.toMatchObject(limited);
    await expect(applyLayer(chunked(tar.subarray(0, 3000)), root)).rejects.toMatchObject({ code: 'TAR_INVALID' });
    expect(readdirSync(root)).toEqual([]);
  });
});

describe('a hostile layer', () => {
  it('takes time in proportion to the depth of a path', async () => {
    const path = `${'d/'.repeat(2000)}x`;
    expect(await refusal([paxHeader({ path }), { name: 'x' }])).toBe('accepted');
  });

  it('gets a typed error for what the file system cannot hold', async () => {
    const linkPath = 'l'.repeat(5000);
    expect(await refusal([paxHeader({ linkpath: linkPath }), { name: 'dir/link', type: '2', linkName: 'l' }])).toMatch(
      /^cannot write \S+\/dir\/link: ENAMETOOLONG/,
    );
  });

  it('cannot leave the directory', async () => {
    expect(await refusal([{ name: '../x' }])).toMatch(/a \.\. component/);
    expect(await refusal([{ name: '.', type: '2', linkName: '/' }])).not.toBe('accepted');
    const [root, outside] = [folder(), folder()];
    expect(await refusal([{ name: 'l', type: '2', linkName: outside }, { name: 'l/x' }], root)).toBe('accepted');
    expect([readdirSync(outside), readdirSync(join(root, outside))]).toEqual([[], ['x']]);
    expect(await refusal([{ name: 'h', type: '1', linkName: '/etc/passwd' }])).toMatch(
      /hard link whose target is not in a lower layer/,
    );
    expect(
      await refusal([
        { name: 'd', type: '5' },
        { name: 'h', type: '1', linkName: '../../etc/passwd' },
      ]),
    ).not.toBe('accepted');
    expect(await refusal([{ name: '.wh..' }])).toMatch(/names nothing/);
    expect(await refusal([{ name: 'dev', type: '3' }])).toMatch(/0:0/);
    expect(await refusal([{ name: 'f', content: 'x' }, { name: 'f/x' }])).toMatch(/below a file/);
  });

  it('cannot reach through a symlink of the layers below', async () => {
    const outside = folder();
    writeFileSync(join(outside, 'keep'), 'x');
    const attacks: RawMember[][] = [
      [{ name: 'l/x', content: 'y' }],
      [{ name: 'l/.wh.keep' }],
      [{ name: 'l/.wh..wh..opq' }],
      [{ name: 'l/keep', type: '5' }],
      [{ name: 'd/l/x', content: 'y' }],
      [
        { name: 'f', content: 'y' },
        { name: 'l/h', type: '1', linkName: 'f' },
      ],
    ];
    for (const members of attacks) {
      const root = folder();
      mkdirSync(join(root, 'd'));
      for (const link of ['l', 'd/l']) symlinkSync(outside, join(root, link));
      expect(await refusal(members, root), JSON.stringify(members)).toMatch(/not a directory/);
      expect(readdirSync(outside)).toEqual(['keep']);
      expect(readFileSync(join(outside, 'keep'), 'utf8')).toBe('x');
    }
  });

  it.skipIf(process.platform !== 'linux')(
    'cannot win by swapping directories for symlinks meanwhile (needs Linux)',
    async () => {
      const [outside, root] = [folder(), folder()];
      mkdirSync(join(root, 'd'));
      const swapper = new Worker(
        `const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
        const { outside, root } = require('node:worker_threads').workerData;
        const attempt = (action) => { try { action(); } catch {} };
        for (let i = 0; ; i++) {
          attempt(() => renameSync(root + '/d', root + '/aside' + i));
          attempt(() => symlinkSync(outside, root + '/d'));
          attempt(() => unlinkSync(root + '/d'));
          attempt(() => renameSync(root + '/aside' + i, root + '/d'));
        }`,
        { eval: true, workerData: { outside, root } },
      );
      let refused = 0;
      try {
        const files = Array.from({ length: 20 }, (_, i) => ({ name: `d/${i}`, content: 'x' }));
        const tar = makeTar([...files, { name: 'd/sub/f' }, { name: 'd/.wh.keep' }]);
        for (const end = Date.now() + 1500; Date.now() < end; ) {
          await applyLayer(chunked(tar), root).catch(() => refused++);
        }
      } finally {
        await swapper.terminate();
      }
      expect(refused).toBeGreaterThan(0);
      expect(readdirSync(outside)).toEqual([]);
    },
  );

  it('changes no target of a symlink that it replaces or describes', async () => {
    const outside = folder();
    const root = folder();
    const mode = statSync(outside).mode;
    symlinkSync(outside, join(root, 'l'));
    symlinkSync(outside, join(root, 'm'));
    await applyLayer(
      chunked(
        makeTar([
          { name: 'l', type: '5', mode: 0o777 },
          { name: 'm', type: '2', linkName: outside, mtime: 5 },
        ]),
      ),
      root,
    );
    expect(lstatSync(join(root, 'l')).isDirectory()).toBe(true);
    expect(readlinkSync(join(root, 'm'))).toBe(outside);
    expect(statSync(outside).mode).toBe(mode);
    expect(statSync(outside).mtimeMs).toBeGreaterThan(1e12);
  });

  it('says what could not be done: attributes of a symlink', async () => {
    const root = folder();
    const attribute = paxHeader({ 'SCHILY.xattr.user.a': 'b' });
    const tar = makeTar([attribute, { name: 'f' }, attribute, { name: 'l', type: '2', linkName: 'f' }]);
    const skipped: string[] = [];
    await applyLayer(chunked(tar), root, { onSkip: ({ path }) => skipped.push(path) });
    // Where setfattr is missing, both are.
    expect(skipped.filter((path) => path !== 'f')).toEqual(['l']);
  });

  it('does not smuggle overlayfs’s attributes', async () => {
    const root = folder();
    const tar = makeTar([
      paxHeader({ 'SCHILY.xattr.trusted.overlay.opaque': 'y', 'SCHILY.xattr.user.overlay.opaque': 'y' }),
      { name: 'd', type: '5' },
    ]);
    const skipped: unknown[] = [];
    await applyLayer(chunked(tar), root, { onSkip: (what) => skipped.push(what) });
    expect(skipped).toEqual([]);
    expect(lstatSync(join(root, 'd')).isDirectory()).toBe(true);
  });
});
