import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, constants, type Dirent, openSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Digest, digestHex, isDigest } from '@tsbuild/oci';
import { namingPath, replaceFileUnsynced, temporaryPath } from '@tsbuild/oci/internal';
import type { CacheRecord, CacheStore } from './cache-store.ts';
import { decodeRecord, encodeRecord } from './record-file.ts';

/** A record with how it was used. */
export interface StoredCacheRecord<O> {
  readonly record: CacheRecord<O>;
  /** How often a build found it. */
  readonly uses: number;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
  /** Bytes of the record and its listings; not of what its output refers to. */
  readonly size: number;
}

/**
 * Records as small JSON files, `records/<first two digits>/<key>.json`, and listings beside them. Written after the
 * blobs they speak of, by rename, so a crash leaves at worst a missing record.
 */
export class DirectoryCacheStore<O> implements CacheStore<O> {
  readonly #directory: string;
  readonly #isOutput: (output: unknown) => output is O;
  readonly #isPresent: (output: O) => Promise<boolean>;

  /**
   * @param isOutput tells an output from other JSON; a record without one is a miss
   * @param isPresent tells whether what an output refers to is still stored; a record for which it is not is a miss
   */
  constructor(
    directory: string,
    isOutput: (output: unknown) => output is O,
    isPresent: (output: O) => Promise<boolean>,
  ) {
    this.#directory = directory;
    this.#isOutput = isOutput;
    this.#isPresent = isPresent;
  }

  async get(key: Digest): Promise<CacheRecord<O> | undefined> {
    const record = await this.peek(key);
    return record !== undefined && (await this.#isPresent(record.output)) ? record : undefined;
  }

  /** As {@link get}, but even when what the output refers to is gone. */
  async peek(key: Digest): Promise<CacheRecord<O> | undefined> {
    const text = readText(this.#recordPath(key));
    const record = text === undefined ? undefined : decodeRecord(text, key, this.#isOutput);
    return typeof record === 'string' ? undefined : record;
  }

  async put(record: CacheRecord<O>): Promise<void> {
    for (const { id, listing } of record.preimage.inputs) {
      if (listing !== undefined) await this.#putListing(id, listing);
    }
    // Not synced, but written after the layer was: what a power cut tears is no record, and the step runs again.
    replaceFileUnsynced(this.#recordPath(record.key), encodeRecord(record));
  }

  /** Counts that a record was used: a byte is added to a file beside it, which no other process can disturb. Never throws. */
  countUse(key: Digest): void {
    try {
      appendFileSync(this.#usesPath(key), '+', { mode: 0o644 });
    } catch {
      // A count that is too low hurts nobody.
    }
  }

  /** The listing behind an input's id, when it was kept. */
  async listing(id: Digest): Promise<string | undefined> {
    try {
      const text = await readFile(this.#listingPath(id), 'utf8');
      return digestOf(text) === id ? text : undefined;
    } catch {
      return undefined;
    }
  }

  /** Every readable record, and how it was used. */
  async *all(): AsyncIterable<StoredCacheRecord<O>> {
    for (const shard of await entriesOf(this.#directory)) {
      if (!shard.isDirectory() || shard.name.length !== 2) continue;
      for (const file of await entriesOf(join(this.#directory, shard.name))) {
        const key = `sha256:${file.name.replace(/\.json$/, '')}`;
        const record = file.name.endsWith('.json') && isDigest(key) ? await this.peek(key) : undefined;
        if (record !== undefined) yield { record, ...this.#usage(record) };
      }
    }
  }

  /** Removes a record; the listings that it named are left to {@link removeListings}. */
  async remove(key: Digest): Promise<void> {
    await rm(this.#recordPath(key), { force: true });
    await rm(this.#usesPath(key), { force: true });
  }

  /** Removes the listings that are not in `keep`. Returns the bytes freed. */
  async removeListings(keep: ReadonlySet<Digest>, { dryRun }: { readonly dryRun: boolean }): Promise<number> {
    let bytes = 0;
    for (const { name } of await entriesOf(join(this.#directory, 'listings'))) {
      if (keep.has(`sha256:${name.replace(/\.txt$/, '')}`)) continue;
      const path = join(this.#directory, 'listings', name);
      bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      if (!dryRun) await rm(path, { force: true });
    }
    return bytes;
  }

  #usage({ key, created, preimage }: CacheRecord<O>): Omit<StoredCacheRecord<O>, 'record'> {
    const uses = statSync(this.#usesPath(key), { throwIfNoEntry: false });
    const own = statSync(this.#recordPath(key), { throwIfNoEntry: false })?.size ?? 0;
    const listings = preimage.inputs.map(
      ({ id }) => statSync(this.#listingPath(id), { throwIfNoEntry: false })?.size ?? 0,
    );
    return {
      uses: uses?.size ?? 0,
      lastUsed: Math.max(created, uses?.mtimeMs ?? 0),
      size: listings.reduce((sum, size) => sum + size, own),
    };
  }

  /** Not synced: only explanations need it, its name is its digest, and it may be large. */
  async #putListing(id: Digest, listing: string): Promise<void> {
    const path = this.#listingPath(id);
    const temporary = temporaryPath(dirname(path), basename(path));
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await writeFile(temporary, listing, { flag: 'wx', mode: 0o644 });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw namingPath(error, path);
    }
  }

  #recordPath(key: Digest): string {
    const hex = digestHex(key);
    return join(this.#directory, hex.slice(0, 2), `${hex}.json`);
  }

  #usesPath(key: Digest): string {
    return this.#recordPath(key).replace(/json$/, 'uses');
  }

  #listingPath(id: Digest): string {
    const hex = isDigest(id) ? digestHex(id) : '';
    return join(this.#directory, 'listings', `${hex}.txt`);
  }
}

/** At once: records are small, and every step of every build reads one. */
function readText(path: string): string | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

function digestOf(text: string): Digest {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}
