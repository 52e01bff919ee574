import type { ByteString } from '../byte-string.ts';
import type { LayerEntry } from './layer-entry.ts';

/** The entries of one layer, sorted by path bytes. */
export class LayerIndex {
  /** Opens an encoded index. @throws OciError `LAYER_INVALID` when it is damaged */
  static decode(bytes: Uint8Array): LayerIndex {
    throw new Error(`not there yet: ${bytes.length}`);
  }
  encode(): Uint8Array {
    throw new Error('not there yet');
  }
  get length(): number {
    throw new Error('not there yet');
  }
  get(path: ByteString): LayerEntry | undefined {
    throw new Error(`not there yet: ${path}`);
  }
  /** Everything below `under` (itself excluded), or all, in byte order. */
  entries(under?: ByteString): Iterable<LayerEntry> {
    throw new Error(`not there yet: ${under}`);
  }
}
