import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type BlobStore, type Reference, type StoredImage, fromStoredImage, toLayout } from '@tsbuild/oci/node';
import { CommandError } from '../host/usage-error.ts';

/** What the image-spec puts into a layout; the rest is bookkeeping of the writer. */
const LAYOUT_FILES: ReadonlySet<string> = new Set(['blobs', 'index.json', 'oci-layout']);

/**
 * Whether an OCI layout can be written to `path`: it is missing, empty, or a layout already.
 * @throws CommandError for any other directory, or a file
 */
export async function checkLayoutDirectory(path: string, shownPath: string): Promise<void> {
  await stateOf(path, shownPath);
}

/**
 * Writes an image as an OCI image layout directory. A new one appears whole or not at all; into one that is there the
 * image is added, and takes the names that another image of it may have had.
 * @throws CommandError, OciError, the file system's errors, the signal's reason
 */
export async function writeLayoutDirectory(
  image: StoredImage,
  target: { readonly path: string; readonly shownPath: string; readonly names: readonly Reference[] },
  source: { readonly blobs: BlobStore; readonly signal: AbortSignal },
): Promise<void> {
  const { path, shownPath, names } = target;
  const value = await fromStoredImage(source.blobs, image);
  const options = { names, signal: source.signal };
  if ((await stateOf(path, shownPath)) === 'layout') {
    await toLayout(value, path, options);
    return;
  }
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(temporary);
    await toLayout(value, temporary, options);
    for (const name of await readdir(temporary)) {
      if (!LAYOUT_FILES.has(name)) await rm(join(temporary, name), { recursive: true });
    }
    source.signal.throwIfAborted();
    // Takes the place of an empty directory too.
    await rename(temporary, path);
  } catch (error) {
    // Its own failure would hide the reason.
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}

async function stateOf(path: string, shownPath: string): Promise<'new' | 'layout'> {
  let names: readonly string[];
  try {
    names = await readdir(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return 'new';
    if (code === 'ENOTDIR') throw new CommandError(`cannot write a layout to ${shownPath}: it is not a directory`);
    throw error;
  }
  if (names.length === 0) return 'new';
  if (names.includes('oci-layout')) return 'layout';
  throw new CommandError(`cannot write a layout to ${shownPath}: it is not empty, and no OCI layout`, {
    hint: 'name a new directory',
  });
}
