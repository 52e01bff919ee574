import type { BlobInfo } from '../blob/blob-store.ts';
import type { ByteString } from '../byte-string.ts';
import type { Digest } from '../digest.ts';
import type { LayerEntry } from './layer-entry.ts';
import type { LayerIndex } from './layer-index.ts';

/** One path of the merged view, with the layer that its content lies in. */
export interface RootfsEntry extends LayerEntry {
  readonly layer: Digest;
  /** Shared by all names of one file; undefined when it has one name only. */
  readonly hardLinkKey?: string;
}

/** A layer as {@link RootfsTree} needs it. */
export interface RootfsLayer {
  readonly info: BlobInfo;
  readonly index: LayerIndex;
}

/** The merged view over layers, lowest first; never a mounted tree. */
export class RootfsTree {
  constructor(layers: readonly RootfsLayer[]) {
    throw new Error(`not there yet: ${layers.length}`);
  }
  /** lstat: no symlink is followed, parents must be real directories; `''` is the root directory. */
  lookup(path: ByteString): RootfsEntry | undefined {
    throw new Error(`not there yet: ${path}`);
  }
  /** The children of a directory, byte order. */
  list(directory: ByteString): readonly RootfsEntry[] {
    throw new Error(`not there yet: ${directory}`);
  }
  /** Follows every symlink inside the root; undefined when missing or a loop. */
  resolve(path: ByteString): ByteString | undefined {
    throw new Error(`not there yet: ${path}`);
  }
  /** Follows existing symlinks; missing components are kept as written. @throws OciError `LAYER_INVALID` on a loop */
  resolveForWrite(path: ByteString): ByteString {
    throw new Error(`not there yet: ${path}`);
  }
}
