import type { BlobStore } from '../blob/blob-store.ts';
import type { Digest } from '../digest.ts';
import type { LayerIndex } from './layer-index.ts';

/** Keeps the index of every layer in a file beside the blobs. */
export class LayerIndexStore {
  constructor(directory: string, blobs: BlobStore) {
    throw new Error(`not there yet: ${directory} ${typeof blobs}`);
  }
  /** The kept index, or one made by reading the blob once. */
  get(layer: Digest): Promise<LayerIndex> {
    throw new Error(`not there yet: ${layer}`);
  }
  put(layer: Digest, index: LayerIndex): Promise<void> {
    throw new Error(`not there yet: ${layer} ${index.length}`);
  }
}
