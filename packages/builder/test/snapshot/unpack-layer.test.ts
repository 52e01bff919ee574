import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LayerWriter, storeLayer } from '@tsbuild/oci/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskOwners } from '../../src/disk/disk-owners.ts';
import { SnapshotFiles } from '../../src/snapshot/snapshot-files.ts';
import { loadNative } from '../../src/disk/load-native.ts';
import { OverlaySnapshotter } from '../../src/snapshot/overlay-snapshotter.ts';
import { chunked, makeTar, type RawMember } from '../../../oci/testing/make-tar.ts';
import { addFile, entryOf, SnapshotStore } from '../../testing/snapshot-store.ts';

const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

describe.skipIf(process.getuid?.() !== 0)('unpacking layers (as root)', () => {
  let store: SnapshotStore;
  beforeEach(() => {
    store = new SnapshotStore();
  });
  afterEach(() => store[Symbol.asyncDispose]());
  const signal = new AbortController().signal;

  const unpack = async (...writes: ((writer: LayerWriter) => void | Promise<void>)[]): Promise<string> => {
    const layers = [];
    for (const write of writes) layers.push(await store.layer(write));
    const snapshot = await new OverlaySnapshotter(store.options).prepare(await store.parent(layers), signal);
    const top = snapshot.root.kind === 'overlay' ? snapshot.root.lower.at(-1) : undefined;
    const path = execFileSync('readlink', ['-f', top ?? ''], { encoding: 'utf8' }).trim();
    await snapshot[Symbol.asyncDispose]();
    return path;
  };

  it('keeps file capabilities, which a change of owner would take away', async () => {
    const path = await unpack(async (writer) => {
      let done = false;
      const entry = {
        ...entryOf('ping'),
        type: 'file' as const,
        mode: 0o755,
        uid: 5,
        size: 1,
        xattrs: new Map([['security.capability', CAPABILITY]]),
      };
      await writer.addFile(entry, (buffer) => (done ? 0 : ((done = true), (buffer[0] = 1), 1)));
    });
    expect(execFileSync('getcap', [join(path, 'ping')], { encoding: 'utf8' })).toContain('cap_net_raw=ep');
  });

  it('makes hard links into the layers below, to what was there before', async () => {
    const { blobs, indexes } = store;
    const stored = async (members: readonly RawMember[]) => storeLayer(chunked(makeTar(members)), blobs, indexes);
    const lower = await stored([
      { name: 'd', type: '5' },
      { name: 'd/a', content: 'old', mode: 0o640 },
      { name: 's', type: '2', linkName: 'd' },
    ]);
    const upper = await stored([
      { name: 'b', type: '1', linkName: 's/a' },
      { name: 'c', type: '1', linkName: 'd/a' },
      { name: 'd/a', content: 'newer' },
    ]);
    await using snapshot = await new OverlaySnapshotter(store.options).prepare(
      await store.parent([lower, upper]),
      signal,
    );
    const top = (snapshot.root.kind === 'overlay' && snapshot.root.lower.at(-1)) || '';
    expect(readFileSync(join(top, 'b'), 'utf8')).toBe('old');
    expect(lstatSync(join(top, 'b'))).toMatchObject({ ino: lstatSync(join(top, 'c')).ino, mode: 0o100640 });
    expect(readFileSync(join(top, 'd/a'), 'utf8')).toBe('newer');
  });

  it('refuses a hard link that no layer below has a file for', async () => {
    const { blobs, indexes } = store;
    const layer = await storeLayer(
      chunked(makeTar([{ name: 'b', type: '1', linkName: 'etc/passwd' }])),
      blobs,
      indexes,
    );
    const prepared = new OverlaySnapshotter(store.options).prepare(await store.parent([layer]), signal);
    await expect(prepared).rejects.toThrow('b: a hard link whose target is not in a lower layer');
  });

  it('puts a layer that stands alone under its own digest, and one that does not under its chain', async () => {
    const alone = await unpack((writer) => addFile(writer, 'a', Buffer.from('1')));
    expect(alone).toMatch(/\/snapshots\/[0-9a-f]{64}$/);
    const removing = await unpack(
      (writer) => addFile(writer, 'a', Buffer.from('1')),
      (writer) => writer.whiteout('a'),
    );
    expect(removing).toMatch(/\/snapshots\/chain-[0-9a-f]{64}$/);
    expect(lstatSync(join(removing, 'a')).rdev).toBe(0);
    const parentless = await unpack((writer) => addFile(writer, 'x/y', Buffer.from('1')));
    expect(parentless).toMatch(/\/chain-/);
  });

  it('makes no whiteout for what is not there, and shares one inode among the others', async () => {
    const path = await unpack(
      async (writer) => {
        for (const name of ['a', 'b', 'c']) await addFile(writer, name, Buffer.from('1'));
      },
      (writer) => {
        for (const name of ['a', 'b', 'c', 'never']) writer.whiteout(name);
      },
    );
    expect(readdirSync(path)).toEqual(['a', 'b', 'c']);
    expect(lstatSync(join(path, 'a')).nlink).toBe(3);
  });

  it('never writes through a link, whatever a layer says', async () => {
    const canary = join(store.directory, 'canary');
    mkdirSync(canary);
    // A writer of ours refuses this, so the tree is asked for one layer and the directory for another.
    const link = await store.layer((writer) =>
      writer.add({ ...entryOf('a'), type: 'symlink', linkPath: canary, mode: 0o777 }),
    );
    const below = await store.layer((writer) => addFile(writer, 'a/evil', Buffer.from('1')));
    const tools = {
      blobs: store.blobs,
      native: await loadNative(),
      owners: DiskOwners.read(),
      notice: () => {},
      signal,
    };
    const root = join(store.directory, 'root');
    mkdirSync(root);
    const files = new SnapshotFiles(root, tools);
    await files.add(link.index.get('a') ?? missing(), link.digest);
    await expect(files.add(below.index.get('a/evil') ?? missing(), below.digest)).rejects.toMatchObject({
      code: 'LAYER_INVALID',
    });
    expect(() => files.link('a/secret', 'b')).toThrow(/is not inside a directory/);
    expect(() => files.whiteout('../x')).toThrow(/is not inside a directory/);
    expect(readdirSync(canary)).toEqual([]);
    files.close();
  });

  it('notices a stored layer that was damaged', async () => {
    const layer = await store.layer((writer) => addFile(writer, 'f', Buffer.alloc(5000, 'a')));
    const path = store.blobs.path(layer.digest);
    const bytes = readFileSync(path);
    bytes[1000] = 66;
    rmSync(path);
    writeFileSync(path, bytes);
    await expect(
      new OverlaySnapshotter(store.options).prepare(await store.parent([layer]), signal),
    ).rejects.toMatchObject({
      code: 'SNAPSHOT_FAILED',
      message: expect.stringContaining('damaged: f'),
    });
    expect(existsSync(store.options.directory) ? readdirSync(store.options.directory) : []).toEqual([]);
    expect(readdirSync(store.options.mounts)).toEqual([]);
  });

  it('clears away what dead processes left, and nothing of the living', async () => {
    mkdirSync(store.options.mounts, { recursive: true });
    const namespace = /\d+/.exec(execFileSync('readlink', ['/proc/self/ns/pid'], { encoding: 'utf8' }))?.[0];
    const startTime = readFileSync('/proc/1/stat', 'latin1').split(') ')[1]?.split(' ')[19];
    const dead = [`4194999-1-${namespace}-0123456789ab`, `1-0-${namespace}-0123456789ab`];
    const alive = [`1-${startTime}-${namespace}-0123456789ab`, `4194999-1-1-0123456789ab`, 'something-else'];
    for (const name of [...dead, ...alive]) mkdirSync(join(store.options.mounts, name, 'deep'), { recursive: true });
    await unpack((writer) => addFile(writer, 'a', Buffer.from('1')));
    expect(readdirSync(store.options.mounts).toSorted()).toEqual(alive.toSorted());
  });
});

function missing(): never {
  throw new Error('not in the index');
}
