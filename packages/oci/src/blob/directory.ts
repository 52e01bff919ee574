import type { Digest } from '../digest.ts';
import type { BlobInfo, BlobReader, BlobStore, BlobWriter, ExpectedBlob } from './blob-store.ts';

const todo = (): never => {
  throw new Error('not written yet');
};

/** Blobs as files below `root/blobs/<algorithm>/<hex>` (image-spec image-layout.md). */
export class DirectoryBlobStore implements BlobStore {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async put(_content: Uint8Array | AsyncIterable<Uint8Array>, _expected?: ExpectedBlob): Promise<BlobInfo> {
    return todo();
  }
  async create(): Promise<BlobWriter> {
    return todo();
  }
  open(_digest: Digest, _range?: { readonly offset: number; readonly length?: number }): AsyncIterable<Uint8Array> {
    return todo();
  }
  openReader(_digest: Digest): BlobReader {
    return todo();
  }
  async has(_digest: Digest): Promise<BlobInfo | undefined> {
    return todo();
  }
  list(): AsyncIterable<BlobInfo> {
    return todo();
  }
  async delete(_digest: Digest): Promise<void> {
    return todo();
  }
}
