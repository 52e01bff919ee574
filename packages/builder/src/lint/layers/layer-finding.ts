import type { ByteString, Digest, LayerEntry } from '@tsbuild/oci';
import type { LayerIndex } from '@tsbuild/oci/node';
import type { RuleName } from '../rules.ts';

/** A layer of an image, with its index. */
export interface CheckedLayer {
  /** Its diffID. */
  readonly digest: Digest;
  readonly index: LayerIndex;
  /** False for layers of the base image, which are somebody else's. */
  readonly isOwn: boolean;
  /** True for layers that a RUN made. */
  readonly isRun: boolean;
}

/** What a look at the layers gives: plain data without line numbers, so that it can be kept. */
export interface LayerFinding {
  readonly rule: Extract<
    RuleName,
    'DeletedInLaterLayer' | 'FilesStoredTwice' | 'PackageCacheInLayer' | 'SecretInLayer'
  >;
  /** The number of the layer among the image's own, from 0. */
  readonly layer: number;
  readonly bytes: number;
  readonly files: number;
  /** One of the paths. */
  readonly path: ByteString;
  /** The number of the own layer that holds most of it, for DeletedInLaterLayer. */
  readonly from?: number;
  /** What it is: the package manager, or the kind of secret. */
  readonly what?: string;
}

/** Reads a small file of a layer. */
export type ReadEntry = (layer: Digest, entry: LayerEntry) => Buffer | undefined;

/** A sum over files that belong together. */
export class Sum {
  bytes = 0;
  files = 0;
  path: ByteString = '';
  #largest = -1;

  add(path: ByteString, size: number): void {
    this.bytes += size;
    this.files += 1;
    if (size <= this.#largest) return;
    this.#largest = size;
    this.path = path;
  }
}
