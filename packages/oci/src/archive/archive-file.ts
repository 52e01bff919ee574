import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { temporaryPath } from '../processes/atomic-file.ts';
import { OciError } from '../spec/oci-error.ts';
import { decompress, sniffCompression } from '../compression/compression.ts';
import { errnoOf, unwritable } from '../processes/store-errors.ts';
import { withinEntry } from './archive-error.ts';

const READ_SIZE = 256 * 1024;

/** An uncompressed archive that can be read at any position. */
export interface ArchiveFile {
  /** How messages call it: its path, or where it came from. */
  readonly name: string;
  readonly size: number;
  read(offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined>;
  close(): Promise<void>;
}

/**
 * Opens an archive for reading in place. What cannot be read in place (a pipe, a compressed file) is copied, uncompressed,
 * to a nameless file in `temporaryDirectory`.
 * @throws OciError `ARCHIVE_INVALID`, `UNSUPPORTED`, `STORE_UNWRITABLE`
 */
export async function openArchive(
  source: string | AsyncIterable<Uint8Array>,
  temporaryDirectory: string,
): Promise<ArchiveFile> {
  if (typeof source !== 'string') return spool(source, 'standard input', temporaryDirectory);
  const file = await openForReading(source);
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw unreadable(source, 'it is a directory');
    if (stat.isFile()) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(6), 0, 6, 0);
      if (sniffCompression(buffer.subarray(0, bytesRead)) === 'none') return archiveFile(file, source, stat.size);
    }
    const spooled = await spool(
      stat.isFile() ? readFrom(file, 0, stat.size) : stream(file),
      source,
      temporaryDirectory,
    );
    await file.close();
    return spooled;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const reasons: Readonly<Record<string, string>> = { ENOENT: 'no such file', EACCES: 'permission denied' };
    throw unreadable(path, reasons[code] ?? code, error);
  }
}

function unreadable(path: string, reason: string, cause?: unknown): OciError {
  return new OciError('ARCHIVE_INVALID', `cannot read ${path}: ${reason}`, { fields: { path }, cause });
}

/** Copies a stream to a file that has no name any more: it vanishes with the process. */
async function spool(
  source: AsyncIterable<Uint8Array>,
  name: string,
  temporaryDirectory: string,
): Promise<ArchiveFile> {
  const path = temporaryPath(temporaryDirectory, 'archive');
  const file = await open(path, 'wx+', 0o600).catch((error: unknown) => {
    throw unwritable(path, error);
  });
  try {
    await rm(path);
    let size = 0;
    await withinEntry(name, async () => {
      for await (const chunk of decompress(source)) {
        await writeAll(file, path, chunk);
        size += chunk.length;
      }
    });
    return archiveFile(file, name, size);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function writeAll(file: FileHandle, path: string, chunk: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
  } catch (error) {
    throw unwritable(path, error);
  }
}

function archiveFile(file: FileHandle, name: string, size: number): ArchiveFile {
  return {
    name,
    size,
    read: (offset, length) => readFrom(file, offset, Math.min(length, size - offset)),
    close: () => file.close(),
  };
}

async function* readFrom(
  file: FileHandle,
  offset: number,
  length: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = offset; at < offset + length; ) {
    const wanted = Math.min(READ_SIZE, offset + length - at);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** What has no positions (a pipe, a device) is read as it comes. */
async function* stream(file: FileHandle): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(READ_SIZE), 0, READ_SIZE, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
