import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { canonicalJson, type Digest, sha256Digest } from '@tsbuild/oci';
import { FileLock, replaceFileUnsynced, sealJson, temporaryPath } from '@tsbuild/oci/internal';
import { type Fault, faultAt, namesIn, readKept } from '../disk/kept-file.ts';
import { DiskOwners } from '../disk/disk-owners.ts';

/** Where imported caches wait for their first command. */
const IMPORTED = 'imported';

/** How several commands share one cache. */
export type CacheSharing = 'shared' | 'private' | 'locked';

/** Which cache a command wants. */
export interface CacheRequest {
  /** `BUILDKIT_CACHE_MOUNT_NS`; `''` by default. */
  readonly namespace: string;
  readonly id: string;
  readonly sharing: CacheSharing;
  /** How a new cache begins. Caches of one id that begin differently are different caches, as in BuildKit. */
  readonly initial: CacheBeginning;
}

/** Mode and owner of a new cache's directory, and the content id of what it is filled with. */
interface CacheBeginning {
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly content: Digest | undefined;
}

/** A cache that a command may use until it is disposed of. */
export interface CacheLease extends Disposable {
  /** The directory on the host. */
  readonly directory: string;
}

/** What is known of a stored cache. */
export interface StoredCache {
  readonly id: string;
  readonly namespace: string;
  /** Its directories on the host; `private` sharing makes more than one. */
  readonly directories: readonly string[];
  /** Milliseconds since 1970 when a command last took it. */
  readonly usedAt: number;
  /** How often one did. */
  readonly uses: number;
  /** The directory that holds all of it; its name is unique. */
  readonly place: string;
}

/**
 * The cache mounts of a store: `<root>/<sha256 of what it is>/` holds the description `mount.json`, and for each instance
 * `N` the directory `N` and the lock `N.lock`. Locks are the kernel's: they go with the process that holds them.
 */
export class CacheMounts {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * The cache, made when missing. `fill` puts the first content into a new one. `locked` waits until nobody else has
   * it, `private` takes an instance that nobody has.
   * @throws the signal's reason, and whatever `fill` throws
   */
  async acquire(
    request: CacheRequest,
    fill: (directory: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<CacheLease> {
    const place = this.#placeOf(request);
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const { instance, lock } = await takeInstance(place, request.sharing, signal);
    const directory = join(place, String(instance));
    try {
      using _making = await FileLock.take(join(place, 'make.lock'), 'exclusive', signal);
      const imported = instance === 0 ? this.#importedPlace(request) : undefined;
      if (!existsSync(directory)) await make(directory, request.initial, fill, imported);
      describe(place, request);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
    return { directory, [Symbol.dispose]: () => lock[Symbol.dispose]() };
  }

  /**
   * Hands the directory of the cache that a command last took under this id to `use`; nobody writes to it meanwhile but
   * commands that share it. Undefined when there is none.
   */
  async read<T>(
    id: string,
    namespace: string,
    use: (directory: string) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const [directory] = this.#find(id, namespace)?.directories ?? [];
    if (directory === undefined) return undefined;
    using _lock = await FileLock.take(`${directory}.lock`, 'shared', signal);
    return await use(directory);
  }

  /**
   * Hands a directory to `fill` whose content becomes the cache's: the one that a command last took under this id, which
   * nobody else has meanwhile, or where there is none an empty one, with which the first command's begins.
   */
  async import(
    id: string,
    namespace: string,
    fill: (directory: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const [directory] = this.#find(id, namespace)?.directories ?? [];
    if (directory !== undefined) {
      using _lock = await FileLock.take(`${directory}.lock`, 'exclusive', signal);
      return await fill(directory);
    }
    const imported = this.#importedPlace({ id, namespace });
    mkdirSync(join(this.#root, IMPORTED), { recursive: true, mode: 0o700 });
    using _lock = await FileLock.take(`${imported}.lock`, 'exclusive', signal);
    rmSync(imported, { recursive: true, force: true });
    await make(imported, { mode: undefined, uid: undefined, gid: undefined }, fill, undefined);
  }

  /**
   * Takes away the directories that no command has; each is first moved to a fresh name given by `trash`, so that it is gone
   * at once, and the caller removes it. Returns what was moved.
   */
  async remove(cache: StoredCache, trash: () => string, signal: AbortSignal): Promise<readonly string[]> {
    const moved: string[] = [];
    for (const directory of cache.directories) {
      using lock = await FileLock.try(`${directory}.lock`, signal);
      if (lock === undefined) continue;
      const to = trash();
      // The lock's file stays: who waits for it must not wait for another one than who comes later.
      if (adopt(directory, to)) moved.push(to);
    }
    using _making = await FileLock.take(join(cache.place, 'make.lock'), 'exclusive', signal);
    if (instancesOf(cache.place).length === 0) rmSync(join(cache.place, 'mount.json'), { force: true });
    return moved;
  }

  /** The descriptions that are damaged. Without one a cache cannot be listed; the next command that takes it writes it. */
  verify(): { readonly faults: readonly Fault[]; readonly count: number } {
    const names = namesIn(this.#root).filter((name) => /^[0-9a-f]{64}$/.test(name));
    return {
      faults: names.flatMap((name) => faultAt(join(this.#root, name, 'mount.json'), isDescription)),
      count: names.length,
    };
  }

  #find(id: string, namespace: string): StoredCache | undefined {
    return this.list().find((cache) => cache.id === id && cache.namespace === namespace);
  }

  /** A cache whose files were made under another mapping of ids has owners that mean others here: then it is another cache. */
  #placeOf(request: CacheRequest): string {
    const place = join(this.#root, nameOf(request));
    const ids = idsOf(place);
    const { mapping } = DiskOwners.read();
    return ids === undefined || ids === mapping ? place : join(this.#root, nameOf(request, mapping));
  }

  #importedPlace({ id, namespace }: Pick<CacheRequest, 'id' | 'namespace'>): string {
    const name = sha256Digest(canonicalJson({ id, namespace })).slice('sha256:'.length);
    return join(this.#root, IMPORTED, name);
  }

  /** All caches, the last used first. */
  list(): readonly StoredCache[] {
    if (!existsSync(this.#root)) return [];
    const found = readdirSync(this.#root).flatMap((name) => read(join(this.#root, name)) ?? []);
    return found.toSorted((a, b) => b.usedAt - a.usedAt);
  }
}

function nameOf({ namespace, id, initial }: CacheRequest, mapping?: string): string {
  const { mode, uid, gid, content } = initial;
  const own = { namespace, id, mode: mode ?? null, uid: uid ?? null, gid: gid ?? null, content: content ?? null };
  return sha256Digest(canonicalJson({ ...own, ...(mapping === undefined ? {} : { ids: mapping }) })).slice(
    'sha256:'.length,
  );
}

async function takeInstance(
  place: string,
  sharing: CacheSharing,
  signal: AbortSignal,
): Promise<{ readonly instance: number; readonly lock: FileLock }> {
  const path = (instance: number): string => join(place, `${instance}.lock`);
  if (sharing !== 'private') {
    return { instance: 0, lock: await FileLock.take(path(0), sharing === 'shared' ? 'shared' : 'exclusive', signal) };
  }
  for (let instance = 0; ; instance += 1) {
    const lock = await FileLock.try(path(instance), signal);
    if (lock !== undefined) return { instance, lock };
  }
}

/** A cache is there whole or not at all. */
async function make(
  directory: string,
  { mode, uid, gid }: Omit<CacheBeginning, 'content'>,
  fill: (directory: string) => Promise<void>,
  imported: string | undefined,
): Promise<void> {
  const temporary = temporaryPath(dirname(directory), basename(directory));
  try {
    if (imported === undefined || !adopt(imported, temporary)) {
      mkdirSync(temporary, { mode: 0o700 });
      await fill(temporary);
    }
    if (uid !== undefined || gid !== undefined) giveTo(temporary, uid ?? 0, gid ?? 0);
    chmodSync(temporary, mode ?? 0o755);
    renameSync(temporary, directory);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

function giveTo(directory: string, uid: number, gid: number): void {
  try {
    chownSync(directory, uid, gid);
  } catch (error) {
    // A single-id user namespace has no such owner: there everything is root's.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  }
}

/** Takes what was imported; false when nothing was, or another cache was faster. */
function adopt(imported: string, directory: string): boolean {
  try {
    renameSync(imported, directory);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function describe(place: string, { id, namespace }: CacheRequest): void {
  const uses = (read(place)?.uses ?? 0) + 1;
  const description = { id, namespace, usedAt: Date.now(), uses, ids: DiskOwners.read().mapping };
  replaceFileUnsynced(join(place, 'mount.json'), sealJson(description));
}

/** The mapping of ids that a cache's files were made under; undefined for older ones, and where none is. */
function idsOf(place: string): string | undefined {
  return describedAt(place)?.ids;
}

/** The cache at `place`; undefined when it is none, or not finished. */
function read(place: string): StoredCache | undefined {
  const described = describedAt(place);
  if (described === undefined) return undefined;
  const { id, namespace, usedAt, uses } = described;
  return { id, namespace, usedAt, uses: uses ?? 0, place, directories: instancesOf(place) };
}

/** What `mount.json` says. */
interface Description {
  readonly id: string;
  readonly namespace: string;
  readonly usedAt: number;
  readonly uses?: number;
  readonly ids?: string;
}

/** Undefined also when it was damaged by a power cut: the next command that takes the cache describes it anew. */
function describedAt(place: string): Description | undefined {
  return readKept(join(place, 'mount.json'), isDescription, 'allowed');
}

function isDescription({ id, namespace, usedAt, uses, ids }: Partial<Description>): boolean {
  return (
    typeof id === 'string' &&
    typeof namespace === 'string' &&
    Number.isFinite(usedAt) &&
    (uses === undefined || Number.isSafeInteger(uses)) &&
    (ids === undefined || typeof ids === 'string')
  );
}

function instancesOf(place: string): readonly string[] {
  const names = readdirSync(place).filter((name) => /^\d+$/.test(name));
  return names.toSorted((a, b) => Number(a) - Number(b)).map((name) => join(place, name));
}
