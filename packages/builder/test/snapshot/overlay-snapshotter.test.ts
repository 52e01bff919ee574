import { NamespacesExecutor } from '../../src/executor/namespaces-executor.ts';
import { OverlaySnapshotter } from '../../src/snapshot/overlay-snapshotter.ts';
import { snapshotterContract } from '../../testing/snapshotter-contract.ts';

snapshotterContract('overlay', {
  snapshotter: (options) => new OverlaySnapshotter(options),
  executor: (scratch) => new NamespacesExecutor({ scratch }),
});
