import { open, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { temporaryPath } from '../processes/atomic-file.ts';
import { unwritable } from '../processes/store-errors.ts';

/**
 * Where an archive goes: a function that takes chunks and may keep them (a promise makes the writer wait), a stream, or
 * somebody who is lent each chunk until his promise settles, which is fastest.
 */
export type ArchiveSink = ((chunk: Uint8Array) => void | Promise<void>) | Writable | ArchiveBorrower;

/** A sink that is done with a chunk when its promise settles. One chunk is lent at a time. */
export interface ArchiveBorrower {
  readonly borrow: (chunk: Uint8Array) => Promise<void>;
}

/** Any kind of sink as a function whose promise settles when the chunk is taken. */
export function writerOf(sink: ArchiveSink): (chunk: Uint8Array) => Promise<void> {
  if (typeof sink === 'function') return async (chunk) => sink(chunk);
  if ('borrow' in sink) return sink.borrow;
  // The write's callback gets the error; without a listener, the stream's own 'error' event would end the process.
  sink.on('error', () => {});
  return (chunk) =>
    new Promise((done, failed) => {
      sink.write(chunk, (error) => (error ? failed(error) : done()));
    });
}

/**
 * Runs `write` with a sink that makes the file `path`, whole or not at all: what is there stays until the new file is
 * complete. It is not synced: as with `cp` and `tar`, the disk has it when the system gets round to it. Devices and pipes
 * are written to directly.
 * @throws OciError `STORE_UNWRITABLE` naming `path`, and whatever `write` throws
 */
export async function writeFileWhole(path: string, write: (sink: ArchiveSink) => Promise<void>): Promise<void> {
  try {
    if (await isSpecial(path)) await writeInto(path, 'w', write);
    else await replace(path, write);
  } catch (error) {
    throw unwritable(path, error);
  }
}

async function replace(path: string, write: (sink: ArchiveSink) => Promise<void>): Promise<void> {
  const temporary = temporaryPath(dirname(path), basename(path));
  try {
    await writeInto(temporary, 'wx', write);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeInto(path: string, flags: string, write: (sink: ArchiveSink) => Promise<void>): Promise<void> {
  const file = await open(path, flags);
  try {
    await write({ borrow: (chunk) => writeAll(file, chunk) });
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
}

/** True for what exists and is neither a regular file nor a folder: `/dev/stdout`, a fifo. */
async function isSpecial(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    return !found.isFile() && !found.isDirectory();
  } catch {
    // Missing or unreachable: writing will tell which.
    return false;
  }
}
