import { linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBlobStore } from '@tsbuild/oci';
import { LayerWriter, RootfsTree } from '@tsbuild/oci/node';
import { expect, it, onTestFinished } from 'vitest';
import { EMPTY_ROOTFS } from '../../src/ops/rootfs.ts';
import { findChanges } from '../../src/snapshot/diff.ts';
import { DiskOwners } from '../../src/disk/disk-owners.ts';
import { loadNative } from '../../src/disk/load-native.ts';
import { writeLayer } from '../../src/snapshot/write-changes.ts';
import { MemoryTree } from '../../testing/memory-tree.ts';
import { CopyBench } from '../ops/copy-bench.ts';

const CAPABILITY = 'security.capability';
/** cap_net_bind_service, permitted and effective, as revision 2 of the attribute has it. */
const BIND_SERVICE = Buffer.from([1, 0, 0, 2, 0, 4, ...Array<number>(14).fill(0)]);

it.skipIf(process.getuid?.() !== 0)(
  'every name of a file that a RUN made brings its capability: engines chown links, which clears it (as root)',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tsbuild-capability-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const native = await loadNative();
    const a = join(directory, 'a');
    writeFileSync(a, 'x');
    linkSync(a, join(directory, 'b'));
    native.setXattr(Buffer.from(a), CAPABILITY, BIND_SERVICE);
    const owners = DiskOwners.read();
    const signal = new AbortController().signal;
    const changes = await findChanges(directory, new RootfsTree([]), { native, owners, signal, complete: false });
    const writer = new LayerWriter(await new MemoryBlobStore().create());
    await writeLayer(directory, changes, writer, {}, owners);
    const { index } = await writer.finish();
    const [first, second] = [...index.entries()];
    expect(first).toMatchObject({ path: 'a', type: 'file' });
    expect(second).toMatchObject({ path: 'b', type: 'hardlink', linkPath: 'a' });
    expect(Buffer.from(second?.xattrs?.get(CAPABILITY) ?? [])).toEqual(BIND_SERVICE);
  },
);

it('every name of a file that a COPY takes from a stage brings its capability', async () => {
  const bench = new CopyBench();
  const writer = new LayerWriter(await bench.blobs.create());
  const common = { uid: 0, gid: 0, mode: 0o755, mtime: { seconds: 0, nanoseconds: 0 } };
  writer.add({ ...common, path: 'd', type: 'directory' });
  const xattrs = new Map([[CAPABILITY, new Uint8Array(BIND_SERVICE)]]);
  writer.addBytes({ ...common, path: 'd/a', type: 'file', size: 0, xattrs }, Buffer.alloc(0), EMPTY_SHA256);
  // As layers of older builders have it: the link says nothing of attributes.
  writer.add({ ...common, path: 'd/b', type: 'hardlink', linkPath: 'd/a' });
  const { digest, index } = await writer.finish();
  await bench.trees.remember(digest, index);
  const stage = { layers: [{ digest }] };
  const entries = await bench.layer(MemoryTree.of(''), EMPTY_ROOTFS, { fromStage: stage, sources: ['d'] });
  const link = entries.find(({ type }) => type === 'hardlink');
  expect(Buffer.from(link?.xattrs?.get(CAPABILITY) ?? [])).toEqual(BIND_SERVICE);
});

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
