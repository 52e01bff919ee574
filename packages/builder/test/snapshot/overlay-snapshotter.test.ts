import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { NamespacesExecutor } from '../../src/executor/namespaces-executor.ts';
import { prepareProcess } from '../../src/executor/prepare-process.ts';
import { OverlaySnapshotter } from '../../src/snapshot/overlay-snapshotter.ts';
import { removeTree } from '../../src/disk/remove-tree.ts';
import { NO_SANDBOX } from '../../testing/busybox-root.ts';
import { addFile, entryOf, layerContent, SnapshotStore } from '../../testing/snapshot-store.ts';
import { snapshotterContract } from '../../testing/snapshotter-contract.ts';

beforeAll(() => prepareProcess('namespaces'));

snapshotterContract('overlay', {
  snapshotter: (options) => new OverlaySnapshotter(options),
  executor: (scratch) => new NamespacesExecutor({ scratch }),
});

describe.skipIf(NO_SANDBOX !== '')(`overlay${NO_SANDBOX}`, () => {
  it('works in a store whose path has spaces, commas, colons and letters of other languages', async () => {
    const parent = join(mkdtempSync(join(tmpdir(), 'tsbuild-odd-')), 'sp ace,com:ma\\#é');
    mkdirSync(parent);
    await using store = new SnapshotStore(parent);
    const tools = {
      snapshotter: new OverlaySnapshotter(store.options),
      executor: new NamespacesExecutor({ scratch: join(store.directory, 'sandbox') }),
    };
    const layer = await store.run(tools, [await store.busyboxLayer()], 'echo 1 >/f');
    expect(await layerContent(store, layer)).toEqual(['f=1\n']);
    await removeTree(join(parent, '..'));
  });

  it('keeps a new directory so that it hides nothing in another stack', async () => {
    await using store = new SnapshotStore();
    const tools = {
      snapshotter: new OverlaySnapshotter(store.options),
      executor: new NamespacesExecutor({ scratch: join(store.directory, 'sandbox') }),
    };
    const base = await store.busyboxLayer();
    const first = await store.run(tools, [base], 'mkdir /d; echo 1 >/d/below');
    // Overlayfs marks every new directory in a merged one; kept under the layer's own digest it must not hide anything.
    const other = await store.layer(async (writer) => {
      writer.add({ ...entryOf('d'), type: 'directory', mode: 0o755 });
      await addFile(writer, 'd/other', Buffer.from('2'));
    });
    const { output } = await store.run(tools, [base, other, first], 'cd /d; ls');
    expect(output).toBe('below\nother\n');
  });
});
