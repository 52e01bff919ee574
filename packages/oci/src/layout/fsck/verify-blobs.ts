import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryOwner } from '../../processes/atomic-file.ts';
import type { DirectoryBlobStore } from '../../blob/directory.ts';
import { digestAlgorithm, digestHex, isDigest } from '../../spec/digest.ts';
import type { Digest } from '../../spec/digest.ts';
import { errnoOf } from '../../processes/store-errors.ts';
import { LAYOUT_NAMES } from '../../processes/layout-names.ts';
import type { FsckOptions, Repair } from './finding.ts';

/** The blobs of a store, as they were found. */
export class VerifiedBlobs {
  readonly #blobs: DirectoryBlobStore;
  readonly #elsewhere: FsckOptions['isElsewhere'];
  readonly #damaged = new Set<Digest>();

  constructor(blobs: DirectoryBlobStore, elsewhere?: FsckOptions['isElsewhere']) {
    this.#blobs = blobs;
    this.#elsewhere = elsewhere;
  }

  /** What is wrong with a blob that should be there with this size; undefined when nothing is, or it can be fetched. */
  async fault(digest: Digest, size?: number): Promise<'missing' | 'damaged' | undefined> {
    if (this.#damaged.has(digest)) return 'damaged';
    const info = await this.#blobs.has(digest).catch(() => undefined);
    if (info === undefined) return (await this.#elsewhere?.(digest)) === true ? undefined : 'missing';
    return size === undefined || info.size === size ? undefined : 'damaged';
  }

  /** Remembers that a blob is not what its name says. */
  condemn(digest: Digest): void {
    this.#damaged.add(digest);
  }
}

/**
 * Reads every blob and compares it with its name. With `quick` only what is no regular file is found.
 * @throws the signal's reason, and errors of the disk other than those of a single blob
 */
export async function verifyBlobs(blobs: DirectoryBlobStore, options: FsckOptions): Promise<VerifiedBlobs> {
  const checked = new VerifiedBlobs(blobs, options.isElsewhere);
  for (const algorithm of ['sha256', 'sha512']) {
    const folder = join(blobs.root, LAYOUT_NAMES.blobs, algorithm);
    for (const name of await namesIn(folder)) {
      options.signal.throwIfAborted();
      const path = `${LAYOUT_NAMES.blobs}/${algorithm}/${name}`;
      const digest = `${algorithm}:${name}`;
      if (!isDigest(digest)) {
        // Foreign tools may keep what they like here; a temporary file of ours is told of elsewhere.
        if (temporaryOwner(name) === undefined) {
          options.report({ severity: 'litter', kind: 'blob', path, message: 'its name is not a digest' });
        }
        continue;
      }
      const why = await faultOf(blobs, digest, options);
      if (why === undefined) continue;
      checked.condemn(digest);
      const repair = setAside(blobs, digest);
      options.report({ severity: 'damaged', kind: 'blob', path, message: why, repair });
    }
  }
  return checked;
}

async function faultOf(
  blobs: DirectoryBlobStore,
  digest: Digest,
  { quick, signal }: FsckOptions,
): Promise<string | undefined> {
  const stats = await lstat(blobs.path(digest)).catch(() => undefined);
  if (stats === undefined) return undefined; // Collected meanwhile.
  if (!stats.isFile()) return 'it is not a regular file';
  if (quick) return undefined;
  const hash = createHash(digestAlgorithm(digest));
  try {
    for await (const chunk of blobs.open(digest, { offset: 0 })) {
      signal.throwIfAborted();
      hash.update(chunk);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return `it cannot be read: ${errnoOf(error)}`;
  }
  const actual = hash.digest('hex');
  return actual === digestHex(digest) ? undefined : `its content has the digest ${digestAlgorithm(digest)}:${actual}`;
}

function setAside(blobs: DirectoryBlobStore, digest: Digest): Repair {
  const place = `${digestAlgorithm(digest)}-${digestHex(digest)}`;
  return {
    done: `moved to ${LAYOUT_NAMES.setAside}/${place}`,
    run: async () => {
      await mkdir(join(blobs.root, LAYOUT_NAMES.setAside), { recursive: true, mode: 0o700 });
      await rename(blobs.path(digest), join(blobs.root, LAYOUT_NAMES.setAside, place));
    },
  };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
