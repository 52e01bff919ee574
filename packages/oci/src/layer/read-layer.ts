import type { Digest } from '../digest.ts';
import type { LayerIndex } from './layer-index.ts';

/** What one pass over a layer's tar bytes tells. `size` is in bytes, uncompressed. */
export interface IndexedLayer {
  readonly index: LayerIndex;
  readonly diffID: Digest;
  readonly size: number;
}

/** Bounds on what is read; beyond them `LIMIT_EXCEEDED`. */
export interface IndexLayerOptions {
  readonly maxEntries?: number;
  readonly maxBytes?: number;
}

/** Reads any layer (uncompressed tar) in one pass. */
export function indexLayer(source: AsyncIterable<Uint8Array>, options: IndexLayerOptions = {}): Promise<IndexedLayer> {
  throw new Error(`not there yet: ${typeof source} ${options.maxEntries}`);
}
