import { digestAlgorithm } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import type { BlobInfo, BlobReader, BlobStore, BlobWriter, ExpectedBlob } from './blob-store.ts';
import { checkBlob, notFound, portableHasher, verified } from './verify.ts';

/** Blobs in memory: for tests and for browsers. */
export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<Digest, Uint8Array>();

  async put(content: Uint8Array | AsyncIterable<Uint8Array>, expected: ExpectedBlob = {}): Promise<BlobInfo> {
    const writer = await this.create();
    if (content instanceof Uint8Array) writer.write(content);
    else for await (const chunk of content) writer.write(chunk);
    return writer.commit(expected);
  }

  async create(): Promise<BlobWriter> {
    const chunks: Uint8Array[] = [];
    let ended = false;
    const end = (): void => {
      if (ended) throw new Error('this blob writer has ended');
      ended = true;
    };
    return {
      write: (chunk) => {
        if (ended) throw new Error('this blob writer has ended');
        chunks.push(new Uint8Array(chunk));
      },
      commit: async (expected = {}) => {
        end();
        return this.#store(concatenate(chunks), expected);
      },
      discard: async () => {
        ended = true;
        chunks.length = 0;
      },
    };
  }

  async *open(
    digest: Digest,
    range?: { readonly offset: number; readonly length?: number },
  ): AsyncIterable<Uint8Array> {
    const bytes = this.#get(digest);
    if (range === undefined) {
      yield* verified(once(bytes), { digest, size: bytes.length }, portableHasher(digestAlgorithm(digest)));
      return;
    }
    const end = range.length === undefined ? bytes.length : range.offset + range.length;
    const part = bytes.slice(range.offset, end);
    if (part.length > 0) yield part;
  }

  openReader(digest: Digest): BlobReader {
    const bytes = this.#get(digest);
    return {
      size: bytes.length,
      read: (buffer, position) => {
        const part = bytes.subarray(position, position + buffer.length);
        buffer.set(part);
        return part.length;
      },
      close: () => {},
    };
  }

  async has(digest: Digest): Promise<BlobInfo | undefined> {
    const bytes = this.#blobs.get(digest);
    return bytes && { digest, size: bytes.length };
  }

  async *list(): AsyncIterable<BlobInfo> {
    for (const digest of [...this.#blobs.keys()].toSorted()) {
      const info = await this.has(digest);
      if (info !== undefined) yield info;
    }
  }

  async delete(digest: Digest): Promise<void> {
    this.#blobs.delete(digest);
  }

  #store(bytes: Uint8Array, expected: ExpectedBlob): BlobInfo {
    const algorithm = expected.digest === undefined ? 'sha256' : digestAlgorithm(expected.digest);
    const hasher = portableHasher(algorithm);
    hasher.update(bytes);
    const info = { digest: hasher.digest(), size: bytes.length };
    checkBlob(info, expected);
    this.#blobs.set(info.digest, bytes);
    return info;
  }

  #get(digest: Digest): Uint8Array {
    const bytes = this.#blobs.get(digest);
    if (bytes === undefined) throw notFound(digest);
    return bytes;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes.slice();
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
