import { MemoryBlobStore } from '@tsbuild/oci';
import { LayerIndexStore } from '@tsbuild/oci/node';
import { ArchiveIndexes } from '../src/ops/add/archive-indexes.ts';
import type { OpDependencies } from '../src/ops/dependencies.ts';
import { RootfsTrees } from '../src/ops/rootfs-trees.ts';
import { localLayers } from './local-layers.ts';
import { noMounts } from './no-mounts.ts';

/** What operations need, where a Dockerfile is only planned: whatever reaches for files, the net or a sandbox fails. */
export function planOnly(): OpDependencies {
  const blobs = new MemoryBlobStore();
  const indexes = new LayerIndexStore('/nonexistent', blobs);
  const layers = localLayers(blobs, indexes);
  return {
    blobs,
    trees: new RootfsTrees(indexes, layers),
    layers,
    archives: { indexes: new ArchiveIndexes('/nonexistent'), temporary: '/nonexistent' },
    downloads: { resolve: unreachable, ensure: unreachable },
    repositories: { resolve: unreachable },
    mounts: noMounts(),
    sandbox: () => Promise.reject(new Error('planning must not make a sandbox')),
    epoch: undefined,
  };
}

function unreachable(): Promise<never> {
  return Promise.reject(new Error('planning must not reach the network'));
}
