import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeStoreFolder } from '../blob/directory-writer.ts';
import type { LayoutPaths } from '../processes/layout-names.ts';
import { OciError } from '../spec/oci-error.ts';
import { decodeImageIndex } from '../spec/image-index.ts';
import { DOCUMENT_SIZE_LIMIT, Field } from '../spec/json-document.ts';
import { MediaType } from '../spec/media-type.ts';
import { errnoOf, unwritable } from '../processes/store-errors.ts';
import type { IndexEntries } from './index-entries.ts';
import { type HeldLock, withLock } from '../processes/lock.ts';

/** The content of the `oci-layout` file (image-spec image-layout.md). */
export const OCI_LAYOUT = '{"imageLayoutVersion":"1.0.0"}';

/** The version of what this package keeps beside the specification's files. Raise it for a change old versions misread. */
const STORE_VERSION = 1;

/** True when `root` holds a layout of a known version. @throws OciError `LAYOUT_INVALID` when it holds another one */
export async function checkLayout(paths: LayoutPaths): Promise<boolean> {
  const version = readSmallFile(paths.version);
  if (version !== undefined) checkVersion(paths, version);
  const marker = readSmallFile(paths.marker);
  if (marker === undefined) return false;
  const kind = { name: paths.marker, code: 'LAYOUT_INVALID' } as const;
  const field = Field.parse(new TextEncoder().encode(marker), kind).member('imageLayoutVersion');
  if (field.string() !== '1.0.0') field.fail(`is ${field.string()}; only 1.0.0 is supported`);
  return true;
}

function checkVersion(paths: LayoutPaths, text: string): void {
  const version = /^[0-9]{1,9}\s*$/.test(text) ? Number(text) : Number.NaN;
  if (version === STORE_VERSION) return;
  const why =
    version > STORE_VERSION
      ? `it has format ${version}, and this version supports format ${STORE_VERSION}`
      : `${paths.version} is damaged`;
  throw new OciError('LAYOUT_INVALID', `cannot use the store at ${paths.root}: ${why}`, {
    // What a format is of is told, so that a program can say who knows it.
    fields: { path: paths.root, ...(version > STORE_VERSION ? { format: version } : {}) },
  });
}

/** Makes the folders and files that are missing. @throws OciError `STORE_UNWRITABLE`, `LAYOUT_INVALID` */
export async function createLayout(paths: LayoutPaths): Promise<void> {
  const folders = [paths.root, paths.temporary, paths.leases, paths.blobs, join(paths.blobs, 'sha256')];
  for (const folder of folders) await makeStoreFolder(folder, paths.modes.directory);
  await withLock(paths.lock, { temporaryDirectory: paths.temporary }, async (lock) => {
    if (readSmallFile(paths.version) === undefined)
      await writeStoreFile(paths, lock, paths.version, `${STORE_VERSION}\n`);
    if (readSmallFile(paths.index) === undefined) await writeIndex(paths, [], lock);
    // Last, because it is what says that the layout is there.
    if (readSmallFile(paths.marker) === undefined) await writeStoreFile(paths, lock, paths.marker, OCI_LAYOUT);
  });
}

/** The entries of `index.json`. @throws OciError `LAYOUT_INVALID`, `INDEX_INVALID` */
export async function readIndex(paths: LayoutPaths): Promise<IndexEntries> {
  const text = readSmallFile(paths.index);
  if (text === undefined) {
    throw new OciError('LAYOUT_INVALID', `${paths.index} is missing: this is not a complete image layout`);
  }
  return decodeImageIndex(new TextEncoder().encode(text)).manifests;
}

/** Replaces `index.json`. @throws OciError `STORE_UNWRITABLE`; LockLost */
export async function writeIndex(paths: LayoutPaths, entries: IndexEntries, lock: HeldLock): Promise<void> {
  await writeStoreFile(paths, lock, paths.index, encodeIndex(entries));
}

/** The text of an index with these entries. */
export function encodeIndex(entries: IndexEntries): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: entries });
}

async function writeStoreFile(paths: LayoutPaths, lock: HeldLock, path: string, text: string): Promise<void> {
  try {
    await lock.replace(path, text, paths.modes.file);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/**
 * Reads a regular file, not through a symlink; undefined when there is none. Synchronous: a way through the thread pool takes
 * several times as long as reading such a file, and every start of a command reads some.
 */
function readSmallFile(path: string): string | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(file);
      if (!stat.isFile()) throw refused(path, 'it is not a regular file');
      if (stat.size > DOCUMENT_SIZE_LIMIT) throw refused(path, `it has ${stat.size} bytes`);
      return readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ELOOP') throw refused(path, 'it is a symbolic link');
    if (code !== undefined) throw refused(path, error instanceof Error ? error.message : code);
    throw error;
  }
}

function refused(path: string, why: string): OciError {
  return new OciError('LAYOUT_INVALID', `cannot read ${path}: ${why}`, { fields: { path } });
}
