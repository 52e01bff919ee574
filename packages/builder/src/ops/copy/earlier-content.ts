import type { ByteString, Digest } from '@tsbuild/oci';
import type { CopyPlan } from './copy-item.ts';

/**
 * A seam: bytes of files that earlier builds have stored, so that a COPY need not open each file again. Only `build/`
 * chooses whether there is one, and which; without it every file is read.
 */
export interface EarlierContent {
  /** What there is for `plan` of the context at `place`, best first. Close each of them. */
  open(place: ByteString, plan: CopyPlan): Promise<readonly EarlierLayer[]>;
  /** Remembers a layer that was written from the context at `place`. Never throws. */
  add(place: ByteString, layer: Digest): void;
}

/** A layer that an earlier build has written, opened. */
export interface EarlierLayer {
  /** The file of this path in the image, if it has this content and {@link read} gives it. */
  find(path: ByteString, size: number, sha256: string): EarlierFile | undefined;
  /** The bytes, valid until the next call; undefined when they are not what they should be: a damaged store. */
  read(offset: number, size: number, sha256: string): Uint8Array | undefined;
  close(): void;
}

/** Where an earlier layer has a file's bytes. */
export interface EarlierFile {
  readonly layer: EarlierLayer;
  readonly offset: number;
}
