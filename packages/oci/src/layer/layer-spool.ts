import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobInfo, BlobReader, BlobWriter } from '../blob/blob-store.ts';
import { nodeHasher } from '../blob/directory-writer.ts';
import { checkBlob } from '../blob/verify.ts';
import { digestAlgorithm } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import { unwritable } from '../processes/store-errors.ts';

/**
 * A place for unpacked layers while an image is looked at: files without names in a folder for temporary files. They are
 * gone when it is closed or the process ends. Nothing is synced to the disk.
 */
export class LayerSpool {
  readonly #directory: string;
  readonly #files = new Map<Digest, { readonly fd: number; readonly size: number }>();

  constructor(temporaryDirectory: string = tmpdir()) {
    this.#directory = temporaryDirectory;
  }

  /** A writer whose content is kept under its digest once it is committed. @throws OciError `STORE_UNWRITABLE` */
  create(algorithm: 'sha256' | 'sha512' = 'sha256'): BlobWriter {
    const fd = this.#open();
    const hasher = nodeHasher(algorithm);
    let size = 0;
    let ended = false;
    return {
      write: (chunk) => {
        hasher.update(chunk);
        try {
          for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at, chunk.length - at, size + at);
        } catch (error) {
          throw unwritable(this.#directory, error);
        }
        size += chunk.length;
      },
      commit: async (expected = {}) => {
        const info: BlobInfo = { digest: hasher.digest(), size };
        checkBlob(info, expected);
        ended = true;
        const known = this.#files.get(info.digest);
        if (known !== undefined) closeSync(fd);
        else this.#files.set(info.digest, { fd, size });
        return info;
      },
      discard: async () => {
        if (!ended) closeSync(fd);
        ended = true;
      },
    };
  }

  /**
   * Passes `source` on and keeps it under its digest, sha256 unless another is expected.
   * @throws OciError `BLOB_CORRUPT` when it has another than the expected one, and of the source
   */
  async *keeping(source: AsyncIterable<Uint8Array>, digest?: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    const writer = this.create(digest === undefined ? 'sha256' : digestAlgorithm(digest));
    try {
      for await (const chunk of source) {
        writer.write(chunk);
        yield chunk;
      }
      await writer.commit(digest === undefined ? {} : { digest });
    } finally {
      await writer.discard();
    }
  }

  has(digest: Digest): boolean {
    return this.#files.has(digest);
  }

  /** Random access to what is kept; closing it does nothing. */
  reader(digest: Digest): BlobReader {
    const file = this.#files.get(digest);
    if (file === undefined) throw new RangeError(`nothing is kept under ${digest}`);
    return {
      size: file.size,
      read: (buffer, position) => readSync(file.fd, buffer, 0, buffer.length, position),
      close: () => {},
    };
  }

  /** What is kept, from start to end. */
  async *stream(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = this.reader(digest);
    for (let at = 0; at < reader.size; ) {
      const chunk = Buffer.allocUnsafe(Math.min(READ_SIZE, reader.size - at));
      const length = reader.read(chunk, at);
      if (length === 0) return;
      yield chunk.subarray(0, length);
      at += length;
    }
  }

  close(): void {
    for (const { fd } of this.#files.values()) closeSync(fd);
    this.#files.clear();
  }

  #open(): number {
    try {
      const folder = mkdtempSync(join(this.#directory, 'tsbuild-layers-'));
      try {
        return openSync(join(folder, 'layer'), constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    } catch (error) {
      throw unwritable(this.#directory, error);
    }
  }
}

const READ_SIZE = 1024 * 1024;
