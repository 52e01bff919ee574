import { randomBytes } from 'node:crypto';
import { chmodSync, type Dirent, lstatSync, readdirSync, renameSync, unlinkSync, utimesSync } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type BlobStore, byteStringToUtf8, fromStoredImage, type StoredImage, unpackImage } from '@tsbuild/oci/node';
import type { Store } from '@tsbuild/builder';
import { CommandError } from '../host/usage-error.ts';

/** Where the files of an image come from and where they go. */
export interface FilesTarget {
  readonly path: string;
  readonly shownPath: string;
  readonly blobs: BlobStore;
  readonly indexes: Store['indexes'];
  readonly signal: AbortSignal;
  /** Is told what could not be written here, a device most often. */
  readonly notice: (text: string) => void;
}

/**
 * Writes the files of an image to a directory, as `type=local` of buildx does: the caller's own, over what is there already.
 * Everything is unpacked beside its place before anything takes it, so that a failure changes nothing. No link of the
 * directory is followed.
 * @throws CommandError when a file of the image is a directory there; OciError; the signal's reason
 */
export async function writeFilesDirectory(image: StoredImage, target: FilesTarget): Promise<void> {
  const { path } = target;
  const isThere = (await stat(path).catch(() => undefined)) !== undefined;
  const name = `.${basename(path)}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
  // Inside a directory that is there: it may be a mount, into which nothing can be renamed.
  const temporary = join(isThere ? path : dirname(path), name);
  await mkdir(temporary, { recursive: true });
  try {
    await unpack(image, temporary, target);
    target.signal.throwIfAborted();
    if (isThere) {
      merge(temporary, target);
      await rm(temporary, { recursive: true });
    } else {
      await rename(temporary, path);
    }
  } catch (error) {
    // Its own failure would hide the reason.
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}

async function unpack(image: StoredImage, directory: string, target: FilesTarget): Promise<void> {
  const { blobs, indexes, signal, notice } = target;
  await unpackImage(await fromStoredImage(blobs, image), directory, {
    blobs,
    indexes,
    signal,
    owners: false,
    devices: false,
    onSkip: ({ path, reason }) => notice(`${byteStringToUtf8(path)}: left out ${reason}`),
  });
}

/** A path below both directories. */
interface Pair {
  readonly from: Buffer;
  readonly to: Buffer;
}

/** Moves everything to its place; what cannot have it is found before. */
function merge(from: string, target: FilesTarget): void {
  const moves: Pair[] = [];
  const joined: Pair[] = [];
  const waiting: Pair[] = [{ from: Buffer.from(from), to: Buffer.from(target.path) }];
  for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) {
    for (const entry of readdirSync(pair.from, { withFileTypes: true, encoding: 'buffer' })) {
      const child = { from: below(pair.from, entry.name), to: below(pair.to, entry.name) };
      const isDirectory = lstatSync(child.to, { throwIfNoEntry: false })?.isDirectory() === true;
      if (isDirectory) checkJoin(entry, child, target);
      if (isDirectory) {
        waiting.push(child);
        joined.push(child);
      } else moves.push(child);
    }
  }
  for (const { from: source, to } of moves) {
    // A directory takes the place of nothing that is there; a file does.
    if (lstatSync(source).isDirectory() && lstatSync(to, { throwIfNoEntry: false }) !== undefined) unlinkSync(to);
    renameSync(source, to);
  }
  for (const { from: source, to } of joined.toReversed()) takeLook(source, to);
}

function checkJoin(entry: Dirent<Buffer>, { to }: Pair, { shownPath }: FilesTarget): void {
  if (entry.isDirectory()) return;
  throw new CommandError(`cannot write ${shownPath}: ${to.toString()} is a directory, but a file in the image`, {
    hint: 'remove it, or name another directory',
  });
}

/** Mode and time of a directory that was there already. */
function takeLook(from: Buffer, to: Buffer): void {
  const { mode, atime, mtime } = lstatSync(from);
  chmodSync(to, mode & 0o7777);
  utimesSync(to, atime, mtime);
}

function below(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name]);
}
