import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DirectoryBlobStore } from '../../blob/directory.ts';
import { isDigest } from '../../spec/digest.ts';
import { LayerIndexStore } from '../../layer/layer-index-store.ts';
import type { VerifiedBlobs } from './verify-blobs.ts';
import { LAYOUT_NAMES } from '../../processes/layout-names.ts';
import type { FsckOptions } from './finding.ts';

/**
 * Compares every kept layer index with the one that the layer's own bytes give. That of a layer which was never fetched
 * can only be looked at itself.
 */
export async function verifyLayerIndexes(
  blobs: DirectoryBlobStore,
  checked: VerifiedBlobs,
  options: FsckOptions,
): Promise<void> {
  const indexes = new LayerIndexStore(join(blobs.root, LAYOUT_NAMES.indexes), blobs);
  for (const algorithm of ['sha256', 'sha512']) {
    const names = await readdir(join(blobs.root, LAYOUT_NAMES.indexes, algorithm)).catch(() => []);
    for (const name of names.toSorted()) {
      options.signal.throwIfAborted();
      const layer = `${algorithm}:${name}`;
      if (!isDigest(layer)) continue;
      const path = `${LAYOUT_NAMES.indexes}/${algorithm}/${name}`;
      const content = !options.quick && (await checked.fault(layer)) === undefined;
      const why = await indexes.verify(layer, { content });
      if (why === undefined) continue;
      // The next build that needs it makes it again, as it does for any layer without one.
      const repair = { done: 'removed; it is made again when it is needed', run: () => removeFile(blobs.root, path) };
      options.report({ severity: 'damaged', kind: 'layer-index', path, message: why, repair });
    }
  }
}

async function removeFile(root: string, path: string): Promise<void> {
  await rm(join(root, path), { force: true });
}
