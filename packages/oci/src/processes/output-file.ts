import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Takes bytes; the promise makes the writer wait. That of a file settles when the bytes are with the system. */
export type Sink = (chunk: Uint8Array) => Promise<void>;

/**
 * Writes a file whole or not at all: into a temporary file beside it, which then takes its name. What is no regular
 * file (`/dev/stdout`, a pipe) is written to as it is. Not synced: the file is the user's, as one of `cp` or `tar` is.
 * @throws the file system's errors, those of `write`, the signal's reason; no temporary file is left then
 */
export async function writeOutputFile(
  path: string,
  write: (sink: Sink) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const existing = await stat(path).catch(() => undefined);
  if (existing !== undefined && !existing.isFile()) {
    // A directory fails here with its own error.
    await writeInto(path, 'w', write, signal).catch((error: unknown) => {
      throw namedAfter(error, path);
    });
    return;
  }
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeInto(temporary, 'wx', write, signal);
    await rename(temporary, path);
  } catch (error) {
    // Its own failure (the folder is none) would hide the reason.
    await rm(temporary, { force: true }).catch(() => {});
    throw namedAfter(error, path);
  }
}

async function writeInto(
  path: string,
  flags: 'w' | 'wx',
  write: (sink: Sink) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(path, flags);
  try {
    await write((chunk) => writeAll(file, chunk, signal));
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
}

/** A failed write names no file, or the temporary one: people asked for `path`. */
function namedAfter(error: unknown, path: string): unknown {
  if (error instanceof Error && 'syscall' in error) Object.assign(error, { path });
  return error;
}
