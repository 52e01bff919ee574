import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from '../blob/blob-store.ts';
import { readBlob } from '../blob/read-blob.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { decodeImageIndex } from '../spec/image-index.ts';
import { decodeManifest } from '../spec/manifest.ts';
import { isIndexType, isManifestType } from '../spec/media-type.ts';
import { temporaryOwner } from '../processes/atomic-file.ts';
import { isAbandoned } from '../processes/process-identity.ts';
import { removePath } from '../processes/remove-path.ts';
import { errnoOf } from '../processes/store-errors.ts';
import type { IndexEntries } from './index-entries.ts';

/**
 * Every blob that the entries need: manifests, configs, layers, nested indexes. A document that cannot be read is an error:
 * what it needs is unknown, so nothing may be deleted.
 */
export async function reachable(blobs: BlobStore, entries: IndexEntries): Promise<Set<Digest>> {
  const found = new Set<Digest>();
  const pending: Descriptor[] = [...entries];
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    if (found.has(entry.digest)) continue;
    found.add(entry.digest);
    if (isIndexType(entry.mediaType)) pending.push(...(await indexMembers(blobs, entry)));
    else if (isManifestType(entry.mediaType)) pending.push(...(await manifestMembers(blobs, entry)));
  }
  return found;
}

async function indexMembers(blobs: BlobStore, entry: Descriptor): Promise<readonly Descriptor[]> {
  // An index may name images of other platforms that were never stored.
  return (await stored(blobs, entry)) ? decodeImageIndex(await readBlob(blobs, entry)).manifests : [];
}

async function manifestMembers(blobs: BlobStore, entry: Descriptor): Promise<readonly Descriptor[]> {
  if (!(await stored(blobs, entry))) return [];
  const { config, layers, subject } = decodeManifest(await readBlob(blobs, entry));
  return [config, ...layers, ...(subject === undefined ? [] : [subject])];
}

async function stored(blobs: BlobStore, { digest }: Descriptor): Promise<boolean> {
  return (await blobs.has(digest)) !== undefined;
}

/**
 * Deletes the blobs that are not in `keep`; with `dryRun` it only says which. `check` throws when the collection may go no
 * further: it has lost its lock, and somebody may have begun to use what it was about to delete.
 */
export async function sweep(
  blobs: BlobStore,
  keep: ReadonlySet<Digest>,
  { dryRun, check }: { readonly dryRun: boolean; readonly check: () => void },
): Promise<{ readonly deleted: readonly Digest[]; readonly bytes: number }> {
  const deleted: Digest[] = [];
  let bytes = 0;
  for await (const { digest, size } of blobs.list()) {
    if (keep.has(digest)) continue;
    if (!dryRun) {
      check();
      await blobs.delete(digest);
    }
    deleted.push(digest);
    bytes += size;
  }
  return { deleted, bytes };
}

/** Removes temporary files that a crash left. `now` is the file system's own time, milliseconds. */
export async function sweepTemporaries(directory: string, now: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    try {
      const owner = temporaryOwner(name);
      if (owner !== undefined && isAbandoned(owner, () => now - lstatSync(path).mtimeMs)) await removePath(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT')
        throw new OciError('STORE_UNWRITABLE', `cannot remove ${path}`, { cause: error });
    }
  }
}
