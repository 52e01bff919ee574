import type { BlobInfo } from '@tsbuild/oci';
import { RootfsTree } from '@tsbuild/oci/node';
import type { Store } from '../store/store.ts';

/** The merged view over layers of the store. */
export async function imageTree(store: Store, layers: readonly BlobInfo[]): Promise<RootfsTree> {
  return new RootfsTree(
    await Promise.all(layers.map(async (info) => ({ info, index: await store.indexes.get(info.digest) }))),
  );
}
