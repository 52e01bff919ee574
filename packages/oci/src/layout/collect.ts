import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from '../blob/blob-store.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { temporaryOwner } from '../processes/atomic-file.ts';
import { isAbandoned } from '../processes/process-identity.ts';
import { removePath } from '../processes/remove-path.ts';
import { errnoOf } from '../processes/store-errors.ts';

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
