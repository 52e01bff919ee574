import type { Digest } from '../digest.ts';
import type { BlobInfo, BlobReader, BlobStore, BlobWriter, ExpectedBlob } from './blob-store.ts';

const todo = (): never => {
  throw new Error('not written yet');
};

/** Blobs in memory: for tests and for browsers. */
export class MemoryBlobStore implements BlobStore {
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
