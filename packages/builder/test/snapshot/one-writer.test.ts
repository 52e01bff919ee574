import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobInfo } from '@tsbuild/oci';
import { programsNative } from '@tsbuild/oci/internal';
import { applyLayer, extractTar, RootfsTree, storeLayer } from '@tsbuild/oci/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fillDirectory } from '../../src/ops/run/fill-directory.ts';
import { StageTree } from '../../src/ops/copy/stage-tree.ts';
import { CopyingSnapshotter } from '../../src/snapshot/copying-snapshotter.ts';
import { OverlaySnapshotter } from '../../src/snapshot/overlay-snapshotter.ts';
import { chunked, makeTar, paxHeader } from '../../../oci/testing/make-tar.ts';
import { SnapshotStore } from '../../testing/snapshot-store.ts';

/** cap_net_bind_service, permitted and effective; zero bytes included. */
const CAPABILITY = '\x01\x00\x00\x02\x00\x04' + '\x00'.repeat(14);

const LAYER = makeTar([
  paxHeader({ 'SCHILY.xattr.user.of-directory': 'd', 'SCHILY.xattr.trusted.overlay.opaque': 'y' }),
  { name: 'd', type: '5', mode: 0o2750, mtime: 7, uid: 3, gid: 4 },
  paxHeader({
    'SCHILY.xattr.security.capability': CAPABILITY,
    'SCHILY.xattr.user.a': '1',
    'SCHILY.xattr.user.overlay.origin': 'forged',
    'SCHILY.xattr.trusted.mine': 'of another machine',
    'SCHILY.xattr.security.selinux': 'label',
  }),
  { name: 'd/f', content: 'content', mode: 0o4755, mtime: 9, uid: 5 },
  { name: 'd/hard', type: '1', linkName: 'd/f' },
  paxHeader({ 'SCHILY.xattr.user.a': '2' }),
  { name: 'd/read-only', content: 'x', mode: 0o444, mtime: 11 },
  { name: 'd/s', type: '2', linkName: 'f', mtime: 12 },
]);

describe.skipIf(process.getuid?.() !== 0)('every way onto a disk makes the same of a layer (as root)', () => {
  let store: SnapshotStore;
  let layer: BlobInfo;
  beforeEach(async () => {
    store = new SnapshotStore();
    layer = await storeLayer(chunked(LAYER), store.blobs, store.indexes);
  });
  afterEach(() => store[Symbol.asyncDispose]());
  const signal = new AbortController().signal;
  const folder = (): string => mkdtempSync(join(store.directory, 'out-'));

  const ways: Readonly<Record<string, () => Promise<string>>> = {
    'unpacking it, as -o DIR does': async () => {
      const root = folder();
      await applyLayer(chunked(LAYER), root);
      return root;
    },
    'the snapshot of a RUN': async () => {
      await using snapshot = await new OverlaySnapshotter(store.options).prepare(await store.parent([layer]), signal);
      const lower = snapshot.root.kind === 'overlay' ? snapshot.root.lower.at(-1) : undefined;
      return copied(lower ?? '');
    },
    'the snapshot of a RUN without overlayfs': async () => {
      await using snapshot = await new CopyingSnapshotter(store.options).prepare(await store.parent([layer]), signal);
      return copied(snapshot.writable);
    },
    'the content of a mount or volume': async () => {
      const root = folder();
      const index = await store.indexes.get(layer.digest);
      const tree = new StageTree(new RootfsTree([{ info: layer, index }]), store.blobs);
      try {
        await fillDirectory(tree, '', root, signal);
      } finally {
        tree.close();
      }
      return root;
    },
    'copying it into a container': async () => {
      const root = folder();
      await extractTar(chunked(LAYER), root, { owner: ({ uid, gid }) => ({ uid, gid }) });
      return root;
    },
  };

  /** A copy with everything, which stays when the snapshot goes. */
  const copied = (from: string): string => {
    const root = folder();
    rmSync(root, { recursive: true });
    execFileSync('cp', ['-a', `${execFileSync('readlink', ['-f', from], { encoding: 'utf8' }).trim()}/.`, root]);
    return root;
  };

  it.each(Object.entries(ways))('%s', async (_, make) => {
    const root = await make();
    expect(['d', 'd/f', 'd/hard', 'd/read-only', 'd/s'].map((path) => stateOf(root, path))).toEqual([
      'd 42750 3:4 7 user.of-directory',
      'd/f 104755 5:0 9 security.capability user.a',
      'd/hard 104755 5:0 9 security.capability user.a',
      'd/read-only 100444 0:0 11 user.a',
      'd/s 120777 0:0 12',
    ]);
    expect(lstatSync(join(root, 'd/hard')).ino).toBe(lstatSync(join(root, 'd/f')).ino);
    expect(readFileSync(join(root, 'd/f'), 'utf8')).toBe('content');
    expect(execFileSync('getcap', [join(root, 'd/f')], { encoding: 'utf8' })).toContain('cap_net_bind_service=ep');
  });

  it('programs set many attributes with few processes, and say which of them failed', async () => {
    const root = folder();
    const paths = Array.from({ length: 130 }, (_, i) => Buffer.from(join(root, `f${i}`)));
    for (const path of paths) mkdirSync(path);
    const values = new Map([
      ['user.a', Buffer.from('\0=\n')],
      ['nonsense.b', Buffer.from('x')],
    ]);
    const [bad, ...good] = paths.map((path, i) => ({
      at: () => path,
      values: i === 0 ? values : new Map([...values].slice(0, 1)),
    }));
    const failures = programsNative().setXattrs(bad === undefined ? [] : [...good, bad]);
    expect(failures).toEqual([{ index: 129, name: 'nonsense.b', reason: expect.stringMatching(/not supported/) }]);
    const read = programsNative().xattrs(Buffer.from(root));
    expect(read(paths[7] ?? Buffer.alloc(0), 'security.capability')).toBeUndefined();
    expect(execFileSync('getfattr', ['-n', 'user.a', '-e', 'hex', join(root, 'f0')], { encoding: 'utf8' })).toContain(
      'user.a=0x003d0a',
    );
  });
});

/** Type and mode, owner, time in seconds, and names of attributes. */
function stateOf(root: string, path: string): string {
  const { mode, uid, gid, mtimeMs } = lstatSync(join(root, path));
  const names = execFileSync('getfattr', ['-h', '-m', '-', path], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return [path, mode.toString(8), `${uid}:${gid}`, mtimeMs / 1000, ...names.toSorted()].join(' ');
}
