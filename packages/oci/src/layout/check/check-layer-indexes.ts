import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DirectoryBlobStore } from '../../blob/directory.ts';
import { isDigest } from '../../spec/digest.ts';
import type { Digest } from '../../spec/digest.ts';
import { OciError } from '../../spec/oci-error.ts';
import { isIndexOfOtherVersion, LayerIndex } from '../../layer/layer-index.ts';
import { indexLayer } from '../../layer/read-layer.ts';
import type { CheckedBlobs } from './check-blobs.ts';
import { LAYOUT_NAMES } from '../../processes/layout-names.ts';
import type { CheckOptions } from './finding.ts';

/**
 * Compares every kept layer index with the one that the layer's own bytes give. That of a layer which was never fetched
 * can only be looked at itself.
 */
export async function checkLayerIndexes(
  blobs: DirectoryBlobStore,
  checked: CheckedBlobs,
  options: CheckOptions,
): Promise<void> {
  for (const algorithm of ['sha256', 'sha512']) {
    const names = await readdir(join(blobs.root, LAYOUT_NAMES.indexes, algorithm)).catch(() => []);
    for (const name of names.toSorted()) {
      options.signal.throwIfAborted();
      const layer = `${algorithm}:${name}`;
      if (!isDigest(layer)) continue;
      const path = `${LAYOUT_NAMES.indexes}/${algorithm}/${name}`;
      const why = await faultOf(join(blobs.root, path), layer, { blobs, checked, quick: options.quick });
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

async function faultOf(
  path: string,
  layer: Digest,
  from: { readonly blobs: DirectoryBlobStore; readonly checked: CheckedBlobs; readonly quick: boolean },
): Promise<string | undefined> {
  let kept: LayerIndex;
  try {
    const bytes = await readFile(path);
    // Whoever needs it next makes it again, as if there were none.
    if (isIndexOfOtherVersion(bytes)) return undefined;
    kept = LayerIndex.decode(bytes);
  } catch (error) {
    if (error instanceof OciError) return error.message;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  if (from.quick || (await from.checked.fault(layer)) !== undefined) return undefined;
  try {
    const { index } = await indexLayer(from.blobs.open(layer));
    return sameEntries(kept, index) ? undefined : 'it is not the index of this layer';
  } catch (error) {
    if (error instanceof OciError && error.code === 'BLOB_NOT_FOUND') return undefined; // Collected meanwhile.
    if (error instanceof OciError) return `the layer cannot be read: ${error.message}`;
    throw error;
  }
}

function sameEntries(a: LayerIndex, b: LayerIndex): boolean {
  if (a.length !== b.length || a.contentSize !== b.contentSize) return false;
  for (let record = 0; record < a.length; record++) {
    if (JSON.stringify(a.at(record)) !== JSON.stringify(b.at(record))) return false;
  }
  return true;
}
