import type { LayerEntry } from './layer-entry.ts';
import type { LayerIndex } from './layer-index.ts';

/** Collects entries in any order and makes the index of a layer. */
export class LayerIndexBuilder {
  add(entry: LayerEntry): void {
    throw new Error(`not there yet: ${entry.path}`);
  }
  build(): LayerIndex {
    throw new Error('not there yet');
  }
}
