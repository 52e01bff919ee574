import { createHash } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestHex, isDigest } from '@tsbuild/oci';
import { writeFileAtomic } from '@tsbuild/oci/node';
import { type KeyInput, preimageText } from './cache-key.ts';
import type { CacheRecord, CacheStore } from './cache-store.ts';

/** How a record lies on disk: the preimage in its canonical text, listings in files of their own (they may be large). */
interface StoredRecord<O> {
  readonly version: 1;
  readonly preimage: string;
  readonly listings: Readonly<Record<string, Digest>>;
  readonly output: O;
  readonly created: number;
  readonly milliseconds: number;
}

/**
 * Records as small JSON files, `records/<first two digits>/<key>.json`, and listings beside them. Written after the
 * blobs they speak of, by rename, so a crash leaves at worst a missing record.
 */
export class DirectoryCacheStore<O> implements CacheStore<O> {
  readonly #directory: string;
  readonly #isPresent: (output: O) => Promise<boolean>;

  /** `isPresent` tells whether what an output refers to is still stored; a record for which it is not is a miss. */
  constructor(directory: string, isPresent: (output: O) => Promise<boolean>) {
    this.#directory = directory;
    this.#isPresent = isPresent;
  }

  async get(key: Digest): Promise<CacheRecord<O> | undefined> {
    const stored = await this.#read(this.#recordPath(key));
    if (stored === undefined || !(await this.#isPresent(stored.output))) return undefined;
    // The key is the digest of the preimage: a damaged or misplaced record shows itself here.
    if (digestOf(stored.preimage) !== key) return undefined;
    const preimage = JSON.parse(stored.preimage) as {
      operation: string;
      definition: CacheRecord<O>['preimage']['definition'];
      inputs: KeyInput[];
    };
    return {
      key,
      preimage: { operation: preimage.operation, definition: preimage.definition, inputs: preimage.inputs },
      output: stored.output,
      created: stored.created,
      milliseconds: stored.milliseconds,
    };
  }

  async put(record: CacheRecord<O>): Promise<void> {
    const listings: Record<string, Digest> = {};
    for (const input of record.preimage.inputs) {
      if (input.listing === undefined) continue;
      listings[input.name] = input.id;
      await this.#putListing(input.id, input.listing);
    }
    const stored: StoredRecord<O> = {
      version: 1,
      preimage: preimageText(record.preimage),
      listings,
      output: record.output,
      created: record.created,
      milliseconds: record.milliseconds,
    };
    await writeFileAtomic(this.#recordPath(record.key), JSON.stringify(stored));
  }

  /** The listing behind an input's id, when it was kept. */
  async listing(id: Digest): Promise<string | undefined> {
    try {
      return await readFile(this.#listingPath(id), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** The outputs of every readable record: what a collection must keep. */
  async *outputs(): AsyncIterable<O> {
    for await (const { output } of this.#all()) yield output;
  }

  /** How long each readable record took to make, milliseconds, with the canonical text of its preimage. */
  async *durations(): AsyncIterable<{ readonly preimage: string; readonly milliseconds: number }> {
    for await (const { preimage, milliseconds } of this.#all()) yield { preimage, milliseconds };
  }

  async *#all(): AsyncIterable<StoredRecord<O>> {
    for (const shard of await entriesOf(this.#directory)) {
      if (!shard.isDirectory() || shard.name.length !== 2) continue;
      for (const file of await entriesOf(join(this.#directory, shard.name))) {
        const stored = await this.#read(join(this.#directory, shard.name, file.name));
        if (stored !== undefined) yield stored;
      }
    }
  }

  async #read(path: string): Promise<StoredRecord<O> | undefined> {
    let text: string;
    try {
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        text = await file.readFile('utf8');
      } finally {
        await file.close();
      }
    } catch {
      return undefined;
    }
    try {
      const stored = JSON.parse(text) as StoredRecord<O>;
      return stored.version === 1 && typeof stored.preimage === 'string' ? stored : undefined;
    } catch {
      return undefined;
    }
  }

  async #putListing(id: Digest, listing: string): Promise<void> {
    await writeFileAtomic(this.#listingPath(id), listing);
  }

  #recordPath(key: Digest): string {
    const hex = digestHex(key);
    return join(this.#directory, hex.slice(0, 2), `${hex}.json`);
  }

  #listingPath(id: Digest): string {
    const hex = isDigest(id) ? digestHex(id) : '';
    return join(this.#directory, 'listings', `${hex}.txt`);
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
