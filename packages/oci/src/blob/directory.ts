import { close, closeSync, constants, fstatSync, lstatSync, openSync, read, readSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryPath } from '../processes/atomic-file.ts';
import { digestAlgorithm, digestHex, isDigest } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import { errnoOf, unwritable } from '../processes/store-errors.ts';
import type { BlobInfo, BlobRange, BlobReader, BlobStore, BlobWriter, ExpectedBlob } from './blob-store.ts';
import { DirectoryBlobWriter, makeStoreFolder, nodeHasher, refreshBlob } from './directory-writer.ts';
import { type FileModes, LAYOUT_NAMES, USER_MODES } from '../processes/layout-names.ts';
import { lentChunks } from './lent-chunks.ts';
import { checkBlob, corrupt, notFound, verified } from './verify.ts';

const readFile = promisify(read);
const closeFile = promisify(close);
const ALGORITHMS = ['sha256', 'sha512'] as const;
const READ_SIZE = 512 * 1024;

/**
 * Blobs as files below `root/blobs/<algorithm>/<hex>` (image-spec image-layout.md), shared by any number of processes.
 * Writers work in `root/tmp`. Only regular files count as blobs: a symlink, fifo or folder in their place is corruption,
 * so that a hostile layout cannot make us read other files.
 */
export class DirectoryBlobStore implements BlobStore {
  readonly root: string;
  readonly #ready = new Map<string, Promise<void>>();
  readonly #modes: FileModes;

  /** @param root the folder that holds (or will hold) `blobs`; folders are made by the first write. */
  constructor(root: string, modes: FileModes = USER_MODES) {
    this.root = root;
    this.#modes = modes;
  }

  /** Where a blob is, whether or not it is there. */
  path(digest: Digest): string {
    return join(this.root, LAYOUT_NAMES.blobs, digestAlgorithm(digest), digestHex(digest));
  }

  async put(content: Uint8Array | AsyncIterable<Uint8Array>, expected: ExpectedBlob = {}): Promise<BlobInfo> {
    if (content instanceof Uint8Array) {
      const known = await this.#refresh(content, expected);
      if (known !== undefined) return known;
    }
    const writer = await this.#writer(expected.digest === undefined ? 'sha256' : digestAlgorithm(expected.digest));
    try {
      if (content instanceof Uint8Array) writer.write(content);
      else for await (const chunk of content) writer.write(chunk);
    } catch (error) {
      await writer.discard();
      throw error;
    }
    return writer.commit(expected);
  }

  async create(): Promise<BlobWriter> {
    return this.#writer('sha256');
  }

  async *open(digest: Digest, range?: BlobRange, memory?: 'lent'): AsyncIterable<Uint8Array> {
    const { fd, size } = this.#openBlob(digest);
    try {
      if (range === undefined) {
        const hasher = nodeHasher(digestAlgorithm(digest));
        if (memory === 'lent') yield* lentChunks(fd, { digest, size }, hasher);
        else yield* verified(chunks(fd, 0, size + 1), { digest, size }, hasher);
      } else {
        const rest = Math.max(0, size - range.offset);
        yield* chunks(fd, range.offset, Math.min(range.length ?? rest, rest));
      }
    } finally {
      await closeFile(fd);
    }
  }

  openReader(digest: Digest): BlobReader {
    const { fd, size } = this.#openBlob(digest);
    let closed = false;
    return {
      size,
      read: (buffer, position) => {
        let done = 0;
        while (done < buffer.length) {
          const count = readSync(fd, buffer, done, buffer.length - done, position + done);
          if (count === 0) break;
          done += count;
        }
        return done;
      },
      close: () => {
        if (!closed) closeSync(fd);
        closed = true;
      },
    };
  }

  async has(digest: Digest): Promise<BlobInfo | undefined> {
    if (!isDigest(digest)) return undefined;
    this.#checkFolders(digest);
    try {
      const stat = lstatSync(this.path(digest));
      return stat.isFile() ? { digest, size: stat.size } : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async *list(): AsyncIterable<BlobInfo> {
    for (const algorithm of ALGORITHMS) {
      for (const name of await namesIn(join(this.root, LAYOUT_NAMES.blobs, algorithm))) {
        const digest = `${algorithm}:${name}`;
        const info = isDigest(digest) ? await this.has(digest) : undefined;
        if (info !== undefined) yield info;
      }
    }
  }

  async delete(digest: Digest): Promise<void> {
    this.#checkFolders(digest);
    const path = this.path(digest);
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /** Content that is at hand and stored already needs no temporary file. */
  async #refresh(content: Uint8Array, expected: ExpectedBlob): Promise<BlobInfo | undefined> {
    const hasher = nodeHasher(expected.digest === undefined ? 'sha256' : digestAlgorithm(expected.digest));
    hasher.update(content);
    const info = { digest: hasher.digest(), size: content.length };
    checkBlob(info, expected);
    this.#checkFolders(info.digest);
    return (await refreshBlob(this.path(info.digest), info.size)) ? info : undefined;
  }

  async #writer(algorithm: 'sha256' | 'sha512'): Promise<DirectoryBlobWriter> {
    const temporary = join(this.root, LAYOUT_NAMES.temporary);
    await this.#prepare(temporary);
    await this.#prepare(join(this.root, LAYOUT_NAMES.blobs));
    await this.#prepare(join(this.root, LAYOUT_NAMES.blobs, algorithm));
    const path = temporaryPath(temporary, 'blob');
    return new DirectoryBlobWriter(path, (digest) => this.path(digest), nodeHasher(algorithm), this.#modes.file);
  }

  /** Makes a folder once; a failure is tried again by the next writer. */
  #prepare(folder: string): Promise<void> {
    const known = this.#ready.get(folder);
    if (known !== undefined) return known;
    const made = makeStoreFolder(folder, this.#modes.directory);
    this.#ready.set(folder, made);
    made.catch(() => this.#ready.delete(folder));
    return made;
  }

  #openBlob(digest: Digest): { fd: number; size: number } {
    this.#checkFolders(digest);
    let fd: number;
    try {
      // O_NONBLOCK: opening a fifo would otherwise wait for ever.
      fd = openSync(this.path(digest), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (isMissing(error)) throw notFound(digest);
      if (errnoOf(error) === 'ELOOP') throw corrupt(digest, 'it is a symbolic link');
      throw corrupt(digest, error instanceof Error ? error.message : String(error));
    }
    const stat: Stats = fstatSync(fd);
    if (stat.isFile()) return { fd, size: stat.size };
    closeSync(fd);
    throw corrupt(digest, 'it is not a regular file');
  }

  /** O_NOFOLLOW covers the last component only; the two folders above it are ours to check. */
  #checkFolders(digest: Digest): void {
    for (const folder of [
      join(this.root, LAYOUT_NAMES.blobs),
      join(this.root, LAYOUT_NAMES.blobs, digestAlgorithm(digest)),
    ]) {
      if (isSymlink(folder)) throw corrupt(digest, `${folder} is a symbolic link`);
    }
  }
}

function isSymlink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    // Missing or unreachable: whatever comes next meets the same error and tells it.
    return false;
  }
}

/** Reads one chunk ahead, so that the disk works while the last one is hashed and written. */
async function* chunks(fd: number, offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  const end = offset + length;
  let next: Promise<Uint8Array> | undefined = chunkAt(fd, offset, end);
  try {
    for (let at = offset; next !== undefined; ) {
      const chunk: Uint8Array = await next;
      at += chunk.length;
      next = chunk.length === 0 ? undefined : chunkAt(fd, at, end);
      if (chunk.length > 0) yield chunk;
    }
  } finally {
    // Whoever wants no more closes the file.
    await next?.catch(() => undefined);
  }
}

function chunkAt(fd: number, at: number, end: number): Promise<Uint8Array> | undefined {
  if (at >= end) return undefined;
  const buffer = Buffer.allocUnsafe(Math.min(READ_SIZE, end - at));
  const chunk = readFile(fd, buffer, 0, buffer.length, at).then(({ bytesRead }) => buffer.subarray(0, bytesRead));
  // Its error is met when its turn comes, if it comes.
  chunk.catch(() => undefined);
  return chunk;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR';
}
