import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { chainIDs, type Digest } from '@tsbuild/oci';
import { temporaryPath } from '@tsbuild/oci/internal';
import { rootOfTable } from '../context/stat-cache-file.ts';
import { CacheMounts, type StoredCache } from '../mounts/cache-mounts.ts';
import { removeTree } from '../disk/remove-tree.ts';
import { parseSnapshotName } from '../snapshot/snapshot-name.ts';
import type { Store } from './store.ts';
import { blobsOfBase, keptBlobs, snapshotsInUse } from './roots.ts';
import { sweepLitter } from './store-litter.ts';
import { type CacheEntry, entriesToPrune, type PruneOptions } from './cache-entry.ts';
import { diskUsage } from './disk-usage.ts';

/** What `pruneCache` did, or would do. */
export interface PrunedCache {
  readonly removed: readonly CacheEntry[];
  /** Bytes that are free now. */
  readonly bytes: number;
  /** Builds that run: while there are any, only cache mounts that no command has are removed. */
  readonly heldBackBy: number;
}

/** An entry and how to take it away. What `take` returns is out of the way already, and is removed later. */
interface Removable {
  readonly entry: CacheEntry;
  /** What keeps its blobs: the id of a root (roots.ts). Undefined where it has none. */
  readonly root?: string;
  readonly listings: readonly Digest[];
  take(): Promise<readonly string[]>;
}

/** Everything that the store keeps to be faster, the last used first. Reads every directory for its size. */
export async function listCache(store: Store, signal: AbortSignal): Promise<readonly CacheEntry[]> {
  const found = await new StoreCache(store, signal).all(await neededBlobs(store));
  return found.map(({ entry }) => entry).toSorted((a, b) => b.lastUsed - a.lastUsed);
}

/**
 * Removes what the options choose, and blobs that nothing refers to. Builds that run keep what they use.
 * @throws OciError `LOCK_TIMEOUT`, `STORE_UNWRITABLE`
 */
export async function pruneCache(
  store: Store,
  options: PruneOptions & { readonly dryRun?: boolean },
  signal: AbortSignal,
): Promise<PrunedCache> {
  return new StoreCache(store, signal).prune(options, options.dryRun === true);
}

class StoreCache {
  readonly #store: Store;
  readonly #signal: AbortSignal;
  readonly #mounts: CacheMounts;

  constructor(store: Store, signal: AbortSignal) {
    this.#store = store;
    this.#signal = signal;
    this.#mounts = new CacheMounts(store.directory('cache-mounts'));
  }

  /** @param needed blobs of images */
  async all(needed: ReadonlySet<Digest>): Promise<readonly Removable[]> {
    const snapshots = this.#snapshots(await this.#snapshotsOfImages());
    const [records, bases] = [await this.#records(needed), await this.#bases(needed)];
    return [
      ...records,
      ...this.#cacheMounts(),
      ...snapshots,
      ...bases,
      ...this.#contexts(),
      ...this.#sources(),
      ...this.#packages(),
    ];
  }

  async prune(options: PruneOptions, dryRun: boolean): Promise<PrunedCache> {
    const removed: CacheEntry[] = [];
    const trash: string[] = [];
    const now = Date.now();
    let bytes = 0;
    const remove = async (chosen: readonly Removable[]): Promise<void> => {
      for (const { entry, take } of chosen) {
        this.#signal.throwIfAborted();
        if (dryRun) {
          removed.push(entry);
          if (isTree(entry)) bytes += entry.size;
          continue;
        }
        const paths = await take();
        if (entry.kind === 'cache-mount' && paths.length === 0) continue;
        trash.push(...paths);
        removed.push(entry);
      }
    };
    const choose = (all: readonly Removable[]): readonly Removable[] => {
      const chosen = new Set(
        entriesToPrune(
          all.map(({ entry }) => entry),
          options,
          now,
        ),
      );
      return all.filter(({ entry }) => chosen.has(entry));
    };
    const { heldBackBy, ...collected } = await this.#store.layout.collect(
      async (needed) => {
        const all = await this.all(needed);
        const chosen = choose(all);
        await remove(chosen);
        const kept = all.filter((removable) => !chosen.includes(removable));
        bytes += await this.#store.records.removeListings(new Set(kept.flatMap(({ listings }) => listings)), {
          dryRun,
        });
        return keptBlobs(this.#store, new Set(chosen.flatMap(({ root }) => root ?? [])));
      },
      { dryRun },
    );
    // A build that runs does not keep the caches from going that no command has: their locks tell.
    if (heldBackBy > 0) {
      const chosen = choose(await this.all(await neededBlobs(this.#store)));
      await remove(chosen.filter(({ entry }) => entry.kind === 'cache-mount'));
    }
    if (!dryRun) {
      await sweepLitter(this.#store.root);
      for (const digest of collected.deleted) rmSync(this.#indexPath(digest), { force: true });
      await this.#store.forgetPackages();
      bytes += await this.#emptyTrash(trash);
    }
    return { removed, bytes: bytes + collected.bytes, heldBackBy };
  }

  async #records(needed: ReadonlySet<Digest>): Promise<readonly Removable[]> {
    const { records, layout } = this.#store;
    const found: Removable[] = [];
    for await (const { record, uses, lastUsed, size } of records.all()) {
      const { digest } = record.output.layer;
      const layer = (await layout.blobs.has(digest))?.size ?? 0;
      const { key, created, origin, preimage } = record;
      const description = origin === undefined ? preimage.operation : `[${origin.stage}] ${origin.name}`;
      const shared = needed.has(digest);
      const id = key.slice('sha256:'.length);
      found.push({
        entry: { kind: 'record', id, description, size: size + layer, shared, created, lastUsed, uses },
        root: key,
        listings: preimage.inputs.map((input) => input.id),
        take: async () => {
          await records.remove(key);
          return [];
        },
      });
    }
    return found;
  }

  #cacheMounts(): readonly Removable[] {
    return this.#mounts.list().map((cache: StoredCache) => ({
      entry: {
        kind: 'cache-mount',
        id: nameOf(cache.place),
        description: cache.namespace === '' ? cache.id : `${cache.id} (namespace ${cache.namespace})`,
        size: cache.directories.reduce((sum, directory) => sum + diskUsage(directory), 0),
        shared: false,
        created: madeAt(join(cache.place, 'make.lock')),
        lastUsed: cache.usedAt,
        uses: cache.uses,
      },
      listings: [],
      take: () => this.#mounts.remove(cache, () => this.#trashPath(), this.#signal),
    }));
  }

  #snapshots(shared: ReadonlySet<string>): readonly Removable[] {
    const folder = this.#store.directory('snapshots');
    // Under a container nothing may go, whether it runs or not.
    const used = snapshotsInUse(this.#store.root);
    const names = namesIn(folder).filter((name) => !used.has(name));
    return names.flatMap((name) => {
      const parsed = parseSnapshotName(name);
      if (parsed === undefined) return [];
      const made = madeAt(join(folder, name));
      const description = parsed.isChain ? 'an unpacked layer on its base' : 'an unpacked layer';
      const size = diskUsage(join(folder, name));
      return this.#files(
        {
          kind: 'snapshot',
          id: name,
          description,
          size,
          shared: shared.has(parsed.content),
          created: made,
          lastUsed: made,
        },
        [join(folder, name)],
      );
    });
  }

  async #bases(needed: ReadonlySet<Digest>): Promise<readonly Removable[]> {
    const { blobs } = this.#store.layout;
    const found: Removable[] = [];
    for await (const { image, path } of this.#store.remotes.images()) {
      const own = await blobsOfBase(this.#store, image);
      let size = 0;
      for (const digest of own) if (!needed.has(digest)) size += (await blobs.has(digest))?.size ?? 0;
      const { name, platform, resolved } = image;
      const id = image.digest.slice('sha256:'.length);
      const entry = { id: `${id}-${platform.replaceAll('/', '-')}`, description: `${name} (${platform})`, size };
      found.push({
        ...this.#files(
          { kind: 'base', ...entry, shared: false, created: resolved, lastUsed: Math.max(resolved, madeAt(path)) },
          [path],
        ),
        root: path,
      });
    }
    return found;
  }

  #contexts(): readonly Removable[] {
    const folder = this.#store.directory('stat');
    const ids = new Set(namesIn(folder).flatMap((name) => /^[0-9a-f]{64}/.exec(name) ?? []));
    return [...ids].map((id) => {
      const [digests = '', ...others] = [id, `${id}.layers`, `${id}.copies`].map((name) => join(folder, name));
      const paths = [digests, ...others].filter((path) => existsSync(path));
      const stats = paths.map((path) => statSync(path, { throwIfNoEntry: false }));
      return this.#files(
        {
          kind: 'context',
          id,
          description: rootIn(digests) ?? (existsSync(digests) ? 'damaged' : 'copies of earlier builds'),
          size: paths.reduce((sum, path) => sum + diskUsage(path), 0),
          shared: false,
          created: Math.min(...paths.map(madeAt)),
          lastUsed: Math.max(...stats.map((found) => found?.mtimeMs ?? 0)),
        },
        paths,
      );
    });
  }

  #sources(): readonly Removable[] {
    const folder = this.#store.directory('sources');
    return namesIn(folder).map((name) => {
      const path = join(folder, name);
      const times = { created: madeAt(path), lastUsed: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
      const description = `what ADD knows of ${name}`;
      return this.#files({ kind: 'source', id: name, description, size: diskUsage(path), shared: false, ...times }, [
        path,
      ]);
    });
  }

  /** All of it at once: each file is small, and is read again from layers where it is missing. */
  #packages(): readonly Removable[] {
    const folder = this.#store.directory('packages');
    const paths = ['layers', 'images'].map((name) => join(folder, name)).filter((path) => namesIn(path).length > 0);
    if (paths.length === 0) return [];
    const stats = paths.map((path) => statSync(path, { throwIfNoEntry: false }));
    return [
      this.#files(
        {
          kind: 'packages',
          id: 'packages',
          description: 'packages that were found in images',
          size: paths.reduce((sum, path) => sum + diskUsage(path), 0),
          shared: false,
          created: Math.min(...paths.map(madeAt)),
          lastUsed: Math.max(...stats.map((found) => found?.mtimeMs ?? 0)),
        },
        paths,
      ),
    ];
  }

  /** An entry that is nothing but these files: they are moved away at once, and removed when nobody waits for the lock. */
  #files(entry: CacheEntry, paths: readonly string[]): Removable {
    const take = async (): Promise<readonly string[]> =>
      paths.map((path) => {
        const to = this.#trashPath();
        renameSync(path, to);
        return to;
      });
    return { entry, listings: [], take };
  }

  async #snapshotsOfImages(): Promise<ReadonlySet<string>> {
    const names = new Set<string>();
    const { layout } = this.#store;
    for (const image of await layout.images()) {
      for (const { config } of await layout.members(image)) {
        const { diff_ids } = config.rootfs;
        for (const digest of diff_ids) names.add(digest.slice('sha256:'.length));
        for (const digest of chainIDs(diff_ids)) names.add(`chain-${digest.slice('sha256:'.length)}`);
      }
    }
    return names;
  }

  /** On the store's own disk, so that a rename is enough. */
  #trashPath(): string {
    const folder = this.#store.directory('tmp');
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    return temporaryPath(folder, TRASH);
  }

  /** What was taken now, and what an interrupted prune left. Returns the bytes freed. */
  async #emptyTrash(taken: readonly string[]): Promise<number> {
    const folder = this.#store.directory('tmp');
    // As earlier versions called it; by today's names the litter was recognised already.
    const left = namesIn(folder).filter((name) => name.startsWith(`${TRASH}-`));
    let bytes = 0;
    for (const path of new Set([...taken, ...left.map((name) => join(folder, name))])) {
      bytes += diskUsage(path);
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) await removeTree(path);
      else rmSync(path, { force: true });
    }
    return bytes;
  }

  #indexPath(layer: Digest): string {
    return join(this.#store.directory('indexes'), ...layer.split(':'));
  }
}

const TRASH = 'pruned';

/** Kinds that are files of their own; the others are blobs, which the collection counts. */
function isTree({ kind }: CacheEntry): boolean {
  return kind !== 'record' && kind !== 'base';
}

async function neededBlobs(store: Store): Promise<ReadonlySet<Digest>> {
  const needed = new Set<Digest>();
  for (const image of await store.layout.images()) {
    if (image.index !== undefined) needed.add(image.index.descriptor.digest);
    for (const { id, manifest, layers } of await store.layout.members(image)) {
      for (const digest of [id, manifest.digest, ...layers.map((layer) => layer.digest)]) needed.add(digest);
    }
  }
  return needed;
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function madeAt(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 0 : Math.min(stats.birthtimeMs || stats.ctimeMs, stats.ctimeMs);
}

function rootIn(path: string): string | undefined {
  try {
    return rootOfTable(readFileSync(path));
  } catch {
    return undefined;
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
