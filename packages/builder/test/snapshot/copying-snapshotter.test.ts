import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { NamespacesExecutor } from '../../src/executor/namespaces-executor.ts';
import { prepareProcess } from '../../src/executor/prepare-process.ts';
import { CopyingSnapshotter } from '../../src/snapshot/copying-snapshotter.ts';
import { OverlaySnapshotter } from '../../src/snapshot/overlay-snapshotter.ts';
import { selectSnapshotter } from '../../src/snapshot/select.ts';
import { SnapshotStore } from '../../testing/snapshot-store.ts';
import { snapshotterContract } from '../../testing/snapshotter-contract.ts';

beforeAll(() => prepareProcess('namespaces'));

snapshotterContract('copying', {
  snapshotter: (options) => new CopyingSnapshotter(options),
  executor: (scratch) => new NamespacesExecutor({ scratch }),
});

it('is not taken where overlayfs works', async () => {
  await using store = new SnapshotStore();
  const options = { ...store.options, mounts: join(store.directory, 'new', 'mounts') };
  expect(await selectSnapshotter(options)).toBeInstanceOf(OverlaySnapshotter);
});
