import { createHash } from 'node:crypto';
import { close, closeSync, constants, fsync, lstatSync, openSync, rmSync } from 'node:fs';
import { link, lstat, rename, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { makeFolders, syncDirectory } from '../processes/atomic-file.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { errnoOf, unwritable } from '../processes/store-errors.ts';
import type { BlobInfo, BlobWriter, ExpectedBlob } from './blob-store.ts';
import { EarlySync } from './early-sync.ts';
import { SparseFile } from './sparse-file.ts';
import { checkBlob } from './verify.ts';
import type { Hasher } from './verify.ts';

const closeFile = promisify(close);
const syncFile = promisify(fsync);

/** Small writes are gathered up to this many bytes: one system call and one hash update per MiB. */
const BUFFER_SIZE = 1024 * 1024;

/** A hasher on `node:crypto`. */
export function nodeHasher(algorithm: 'sha256' | 'sha512'): Hasher {
  const hash = createHash(algorithm);
  return {
    update: (chunk) => void hash.update(chunk),
    digest: () => `${algorithm}:${hash.digest('hex')}`,
  };
}

/**
 * A blob on its way into a directory store: a temporary file that is hashed as it is written and renamed to its digest
 * when it is complete and on the disk.
 */
export class DirectoryBlobWriter implements BlobWriter {
  readonly #temporary: string;
  readonly #pathOf: (digest: Digest) => string;
  readonly #hasher: Hasher;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_SIZE);
  #buffered = 0;
  #size = 0;
  #fd: number | undefined;
  readonly #file: SparseFile;
  readonly #early: EarlySync;

  /** @throws OciError `STORE_UNWRITABLE` */
  constructor(temporary: string, pathOf: (digest: Digest) => string, hasher: Hasher, mode: number) {
    this.#temporary = temporary;
    this.#pathOf = pathOf;
    this.#hasher = hasher;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    try {
      this.#fd = openSync(temporary, flags, mode);
      this.#file = new SparseFile(this.#fd);
      this.#early = new EarlySync(this.#fd);
    } catch (error) {
      throw unwritable(temporary, error);
    }
  }

  write(chunk: Uint8Array): void {
    this.#open();
    let rest = chunk;
    if (this.#buffered + rest.length >= BUFFER_SIZE && this.#buffered > 0) {
      const head = rest.subarray(0, BUFFER_SIZE - this.#buffered);
      this.#buffer.set(head, this.#buffered);
      this.#buffered += head.length;
      rest = rest.subarray(head.length);
      this.#flush();
    }
    if (rest.length >= BUFFER_SIZE) {
      this.#append(rest);
    } else if (rest.length > 0) {
      this.#buffer.set(rest, this.#buffered);
      this.#buffered += rest.length;
    }
  }

  async commit(expected: ExpectedBlob = {}): Promise<BlobInfo> {
    const fd = this.#open();
    try {
      this.#flush();
      this.#file.finish();
      const info: BlobInfo = { digest: this.#hasher.digest(), size: this.#size };
      checkBlob(info, expected);
      const path = this.#pathOf(info.digest);
      if (await refreshBlob(path, info.size)) {
        this.#abandon();
        return info;
      }
      await this.#early.ended();
      await syncFile(fd);
      this.#fd = undefined;
      await closeFile(fd);
      await this.#place(path, info.size);
      await syncDirectory(dirname(path));
      return info;
    } catch (error) {
      this.#abandon();
      throw unwritable(this.#temporary, error);
    }
  }

  /** Of several writers of one blob the first puts it there; what lies there damaged is replaced. */
  async #place(path: string, size: number): Promise<void> {
    try {
      await link(this.#temporary, path);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST' && (await refreshBlob(path, size))) return this.#abandon();
      // The file system may also have no hard links.
      return rename(this.#temporary, path);
    }
    this.#abandon();
  }

  async discard(): Promise<void> {
    this.#abandon();
  }

  #abandon(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) this.#early.whenEnded(() => closeSync(fd));
    try {
      rmSync(this.#temporary, { force: true });
    } catch {
      // What brought us here is the error to tell; a file that is left is found by the next collection.
    }
  }

  #open(): number {
    if (this.#fd === undefined) throw new Error('this blob writer has ended');
    return this.#fd;
  }

  #flush(): void {
    if (this.#buffered > 0) this.#append(this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }

  #append(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
    this.#size += bytes.length;
    try {
      this.#file.write(bytes);
      this.#early.wrote(bytes.length);
    } catch (error) {
      this.#abandon();
      throw unwritable(this.#temporary, error);
    }
  }
}

/**
 * True when the blob is there with its full size; its times are set to now, so that a collection that runs at the same
 * time sees that it is wanted. A file of another size (cut off by a crash of another tool) is to be replaced.
 */
export async function refreshBlob(path: string, size: number): Promise<boolean> {
  try {
    const stat = await lstat(path);
    if (!stat.isFile() || stat.size !== size) return false;
    const now = new Date();
    await utimes(path, now, now);
    return true;
  } catch (error) {
    // A blob that another user stored may refuse new times; it is there all the same.
    if (errnoOf(error) === 'EPERM' || errnoOf(error) === 'EACCES' || errnoOf(error) === 'EROFS') return true;
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false;
    throw error;
  }
}

/** Makes a folder of the store and those above it. @throws OciError `STORE_UNWRITABLE`, `LAYOUT_INVALID` */
export async function makeStoreFolder(path: string, mode: number): Promise<void> {
  try {
    await makeFolders(path, mode);
    // A folder that is a symlink would let a hostile layout choose where blobs are read from and written to.
    if (!lstatSync(path).isDirectory()) {
      throw new OciError('LAYOUT_INVALID', `${path} is not a directory`, { fields: { path } });
    }
  } catch (error) {
    throw unwritable(path, error);
  }
}
