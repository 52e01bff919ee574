import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/**
 * Writes a file whole or not at all: into a temporary file beside it, which then takes its name. What is no regular
 * file (`/dev/stdout`, a pipe) is written to as it is.
 * @throws the file system's errors and those of `content`; no temporary file is left then
 */
export async function writeOutputFile(
  path: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const existing = await stat(path).catch(() => undefined);
  if (existing !== undefined && !existing.isFile()) {
    // A directory fails here with its own error.
    await pipeline(content, createWriteStream(path), { signal });
    return;
  }
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await pipeline(content, createWriteStream(temporary, { flags: 'wx', highWaterMark: 1 << 20 }), { signal });
    await synced(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw namedAfter(error, temporary, path);
  }
}

/** Before the rename, so that a crash cannot leave an empty file under the name. */
async function synced(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** People asked for `path`; the temporary name says nothing to them. */
function namedAfter(error: unknown, temporary: string, path: string): unknown {
  if (error instanceof Error && 'path' in error && error.path === temporary) {
    error.path = path;
    error.message = error.message.replace(temporary, path);
  }
  return error;
}
