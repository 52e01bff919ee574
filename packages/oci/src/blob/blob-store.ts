import type { Digest } from '../spec/digest.ts';

/** What is known of a stored blob. `size` is in bytes. */
export interface BlobInfo {
  readonly digest: Digest;
  readonly size: number;
}

/** What a writer may demand of the bytes it gets; a mismatch fails the commit and stores nothing. */
export interface ExpectedBlob {
  readonly digest?: Digest;
  readonly size?: number;
}

/** A stretch of a blob, in bytes; without `length` to its end. */
export interface BlobRange {
  readonly offset: number;
  readonly length?: number;
}

/**
 * A seam: content-addressed storage. The contract suite is `blobStoreContract()` in `testing/`.
 *
 * - `put` and `BlobWriter.commit` are atomic and idempotent: afterwards "the content is stored at its digest", without
 *   saying because of which call. A blob becomes visible whole or not at all, also after a crash.
 * - `open` verifies digest and size while it reads the whole blob, and fails at the end when they differ
 *   (`BLOB_CORRUPT`). Ranges cannot be verified.
 *   With `lent` the store may use a chunk's memory again once the second chunk after it is asked for: a reader that has at
 *   most one chunk in work beside the newest loses nothing, and no memory is taken and thrown away for each chunk.
 * - A missing blob is `BLOB_NOT_FOUND`; `delete` of a missing blob is no error.
 */
export interface BlobStore {
  put(content: Uint8Array | AsyncIterable<Uint8Array>, expected?: ExpectedBlob): Promise<BlobInfo>;
  /** A push-style `put`, for producers that hash and write as they go. */
  create(): Promise<BlobWriter>;
  open(digest: Digest, range?: BlobRange, memory?: 'lent'): AsyncIterable<Uint8Array>;
  /** Random access to a stored blob, e.g. to files inside an uncompressed layer. Close it when done. */
  openReader(digest: Digest): BlobReader;
  has(digest: Digest): Promise<BlobInfo | undefined>;
  list(): AsyncIterable<BlobInfo>;
  delete(digest: Digest): Promise<void>;
}

/** One blob being written. Exactly one of `commit` and `discard` ends it; `discard` after `commit` does nothing. */
export interface BlobWriter {
  /** Takes the bytes synchronously; the caller may reuse the buffer at once. */
  write(chunk: Uint8Array): void;
  commit(expected?: ExpectedBlob): Promise<BlobInfo>;
  discard(): Promise<void>;
}

/** Synchronous reads at a position: fast for many small files. */
export interface BlobReader {
  readonly size: number;
  /** Fills `buffer` from `position`; returns the bytes read, 0 at the end. */
  read(buffer: Uint8Array, position: number): number;
  close(): void;
}
