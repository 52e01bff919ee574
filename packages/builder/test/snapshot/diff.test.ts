import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RootfsTree } from '@tsbuild/oci/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isUnchanged } from '../../src/snapshot/compare-entry.ts';
import { findChanges } from '../../src/snapshot/diff.ts';
import { DiskOwners } from '../../src/disk/disk-owners.ts';
import { readFacts } from '../../src/disk/file-facts.ts';
import { loadNative } from '../../src/disk/load-native.ts';
import { addFile, entryOf, SnapshotStore } from '../../testing/snapshot-store.ts';

const ALL_IDS = '0 0 4294967295\n';

/** The layers say that everything is root's; for others the owner differs. */
const asRoot = <T>(value: T): T | undefined => (process.getuid?.() === 0 ? value : undefined);

describe('findChanges', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tsbuild-diff-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const find = async (tree: RootfsTree, complete = false, signal = new AbortController().signal) => {
    const options = { native: await loadNative(), owners: new DiskOwners(ALL_IDS, ALL_IDS), signal, complete };
    const { changed, removed } = await findChanges(directory, tree, options);
    return { changed: changed.map(({ path }) => path), removed };
  };
  const nothing = new RootfsTree([]);

  it('sorts by bytes, a directory before what is in it', async () => {
    for (const path of ['a/x', 'a-b/y', 'a.c', 'Z', '\u00e9']) {
      mkdirSync(join(directory, path, '..'), { recursive: true });
      writeFileSync(join(directory, path), '');
    }
    expect((await find(nothing)).changed).toEqual(['Z', 'a', 'a-b', 'a-b/y', 'a.c', 'a/x', '\xc3\xa9']);
  });

  it('leaves sockets out, and removes what they replaced', async () => {
    const server = createServer().listen(join(directory, 'socket'));
    await new Promise((done) => server.once('listening', done));
    try {
      expect(await find(nothing)).toEqual({ changed: [], removed: [] });
      await using store = new SnapshotStore();
      const layer = await store.layer((writer) => addFile(writer, 'socket', Buffer.from('1')));
      const { tree } = await store.parent([layer]);
      expect(await find(tree)).toEqual({ changed: [], removed: ['socket'] });
      expect(await find(tree, true)).toEqual({ changed: [], removed: ['socket'] });
    } finally {
      server.close();
    }
  });

  it('takes what is missing in a complete tree for removed, in an upper directory not', async () => {
    await using store = new SnapshotStore();
    const layer = await store.layer(async (writer) => {
      writer.add({ ...entryOf('d'), type: 'directory', mode: 0o755 });
      await addFile(writer, 'd/gone', Buffer.from('1'));
      await addFile(writer, 'gone', Buffer.from('1'));
    });
    const { tree } = await store.parent([layer]);
    mkdirSync(join(directory, 'd'), { mode: 0o755 });
    expect((await find(tree)).removed).toEqual([]);
    expect((await find(tree, true)).removed).toEqual(['d/gone', 'gone']);
  });

  it('keeps a link to an unchanged target unchanged, and sees a new target', async () => {
    await using store = new SnapshotStore();
    const link = (linkPath: string) => ({ ...entryOf('l'), type: 'symlink' as const, linkPath, mode: 0o777 });
    const { tree } = await store.parent([await store.layer((writer) => writer.add(link('here')))]);
    const { tree: other } = await store.parent([await store.layer((writer) => writer.add(link('there')))]);
    symlinkSync('here', join(directory, 'l'));
    (await loadNative()).setTimes(Buffer.from(join(directory, 'l')), 1_000_000_000, 0);
    expect((await find(tree)).changed).toEqual(asRoot([]) ?? ['l']);
    expect((await find(other)).changed).toEqual(['l']);
  });

  it('refuses names that mean removals, wherever they are', async () => {
    mkdirSync(join(directory, 'a'));
    writeFileSync(join(directory, 'a/.wh.b'), '');
    await expect(find(nothing)).rejects.toMatchObject({
      code: 'LAYER_INVALID',
      message: expect.stringContaining('/a/.wh.b'),
    });
  });

  it.skipIf(process.getuid?.() !== 0)(
    'takes only the mark of the mode that it runs in for opaque (as root)',
    async () => {
      await using store = new SnapshotStore();
      const layer = await store.layer(async (writer) => {
        writer.add({ ...entryOf('d'), type: 'directory', mode: 0o755 });
        await addFile(writer, 'd/below', Buffer.from('1'));
      });
      const { tree } = await store.parent([layer]);
      const native = await loadNative();
      mkdirSync(join(directory, 'd'), { mode: 0o755 });
      native.setXattr(Buffer.from(join(directory, 'd')), 'user.overlay.opaque', Buffer.from('y'));
      expect((await find(tree)).removed).toEqual([]);
      native.setXattr(Buffer.from(join(directory, 'd')), 'trusted.overlay.opaque', Buffer.from('y'));
      expect((await find(tree)).removed).toEqual(['d/below']);
    },
  );

  it('says which path is too long', async () => {
    let path = directory;
    const name = 'n'.repeat(250);
    process.chdir(directory);
    try {
      for (let i = 0; i < 20; i++) {
        mkdirSync(name);
        process.chdir(name);
        path += `/${name}`;
      }
    } finally {
      process.chdir('/');
    }
    expect(path.length).toBeGreaterThan(4096);
    await expect(find(nothing)).rejects.toThrow(/too long to read: \/nnn/);
    const { removeTree } = await import('../../src/disk/remove-tree.ts');
    await removeTree(directory);
    mkdirSync(directory);
  });

  it('stops when it is aborted', async () => {
    for (let i = 0; i < 3000; i++) writeFileSync(join(directory, `f${i}`), '');
    await expect(find(nothing, false, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });

  it('sees other content of the same size and time, to the nanosecond, as strip-nondeterminism leaves it', async () => {
    await using store = new SnapshotStore();
    const layer = await store.layer((writer) => addFile(writer, 'f', Buffer.from('AAAA')));
    const lower = (await store.parent([layer])).tree.lookup('f');
    const path = Buffer.from(join(directory, 'f'));
    const mtime = { seconds: 1_000_000_000, nanoseconds: 250_000_000 };
    const isSame = async (content: string): Promise<boolean> => {
      writeFileSync(path, content, { mode: 0o644 });
      (await loadNative()).setTimes(path, mtime.seconds, mtime.nanoseconds);
      const facts = { ...readFacts(path), uid: 0, gid: 0 };
      const owners = new DiskOwners(ALL_IDS, ALL_IDS);
      return lower !== undefined && isUnchanged({ ...lower, mtime }, facts, path, undefined, owners);
    };
    expect([await isSame('AAAA'), await isSame('BBBB')]).toEqual([true, false]);
  });

  it.skipIf(process.getuid?.() !== 0)('sees the time of a directory, and of nothing above it (as root)', async () => {
    await using store = new SnapshotStore();
    const layer = await store.layer((writer) => {
      for (const path of ['d', 'd/e']) writer.add({ ...entryOf(path), type: 'directory', mode: 0o755 });
    });
    const { tree } = await store.parent([layer]);
    mkdirSync(join(directory, 'd/e'), { recursive: true, mode: 0o755 });
    const set = (path: string, seconds: number): void => utimesSync(join(directory, path), seconds, seconds);
    set('d/e', 1_000_000_000);
    set('d', 1_000_000_000);
    expect((await find(tree)).changed).toEqual([]);
    set('d', 981_173_106);
    expect((await find(tree)).changed).toEqual(['d']);
    set('d', 1_000_000_000);
    set('d/e', 981_173_106);
    expect((await find(tree)).changed).toEqual(['d', 'd/e']);
  });

  it('compares times to the nanosecond', async () => {
    await using store = new SnapshotStore();
    const layer = await store.layer((writer) => addFile(writer, 'f', Buffer.from('x')));
    const { tree } = await store.parent([layer]);
    const path = join(directory, 'f');
    writeFileSync(path, 'x', { mode: 0o644 });
    utimesSync(path, 1_000_000_000, 1_000_000_000);
    expect((await find(tree)).changed).toEqual(asRoot([]) ?? ['f']);
    (await loadNative()).setTimes(Buffer.from(path), 1_000_000_000, 1);
    expect((await find(tree)).changed).toEqual(['f']);
  });
});
