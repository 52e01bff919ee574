import { resolve as absolutePath } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DirectoryBlobStore } from '../blob/directory.ts';
import { type LayoutPaths, layoutPaths, STORE_MODES, USER_MODES } from '../processes/layout-names.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { assembleImage } from '../image/image.ts';
import { LayerIndexStore } from '../layer/layer-index-store.ts';
import { familiarName, familiarRepository, parseReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';
import { fileSystemTime } from '../processes/claim.ts';
import { sweep, sweepTemporaries } from './collect.ts';
import { findImage, readImages } from './find-image.ts';
import type { FindImageOptions, FoundImage } from './find-image.ts';
import {
  bareDescriptor,
  entryNamed,
  namesOf,
  otherAnnotations,
  untaggedLine,
  withImage,
  withoutManifests,
  withoutReference,
} from './index-entries.ts';
import type { IndexEntries } from './index-entries.ts';
import { checkLayout, createLayout, readIndex, writeIndex } from './layout-files.ts';
import { checkedConfig } from './image-content.ts';
import { countLeases, takeLease } from '../processes/lease.ts';
import type { Lease } from '../processes/lease.ts';
import { type HeldLock, isHeld, withLock } from '../processes/lock.ts';
import { reachable, readImage } from './read-image.ts';
import { Reserve } from './reserve.ts';
import { openStoreDirectory } from './store-access.ts';
import { absentLayer, storeImage } from './store-image.ts';
import { holdsIndex, indexDocument, readStoredIndex, storeIndex } from './store-index.ts';
import { imageIdOf, rootOf } from './stored-image.ts';
import type { Collected, ImageContent, RemovedName, StoredImage } from './stored-image.ts';
import type { IndexContent, StoredIndex } from './stored-index.ts';

/** How {@link Layout.open} opens. */
export interface OpenLayoutOptions {
  /** Make the layout when it is missing. */
  readonly create?: boolean;
  /** Milliseconds to wait for another process that changes the index; 30 s unless told. */
  readonly lockTimeout?: number;
  /**
   * The layout is a store of this user alone: its directory is closed to others (0700), now where it was not before, and no
   * file in it gets more than 0644. Else modes follow the umask, as with any file.
   */
  readonly private?: boolean;
}

/** Layers that an image may lack in the blob store, as somebody knows where to fetch them when they are needed. */
export interface ElsewhereLayers {
  readonly elsewhere?: ReadonlySet<Digest>;
}

/** An image, and the names that it is to have. */
interface Addition extends ElsewhereLayers {
  readonly image: ImageContent;
  readonly names: readonly Reference[];
}

/**
 * An OCI image layout directory (image-spec image-layout.md): the image side of the store. Any number of processes may read
 * and change it: changes replace `index.json` whole under a lock, after the blobs that they need are on the disk; readers
 * take no lock and see a state from before or after each change.
 */
export class Layout {
  readonly root: string;
  readonly blobs: DirectoryBlobStore;
  /** Indexes of the layers, in `indexes/` beside the blobs. */
  readonly indexes: LayerIndexStore;
  readonly #paths: LayoutPaths;
  readonly #lockTimeout: number | undefined;
  /** Of stores only: a layout that a user writes holds nothing but images. */
  readonly #reserve: Reserve | undefined;

  private constructor(paths: LayoutPaths, lockTimeout: number | undefined) {
    this.root = paths.root;
    this.blobs = new DirectoryBlobStore(paths.root, paths.modes);
    this.indexes = new LayerIndexStore(paths.indexes, this.blobs);
    this.#paths = paths;
    this.#lockTimeout = lockTimeout;
    this.#reserve = paths.modes === STORE_MODES ? new Reserve(paths.reserve) : undefined;
  }

  /** @throws OciError `LAYOUT_INVALID` (none there, damaged, or of a newer format), `STORE_UNWRITABLE` */
  static async open(root: string, options: OpenLayoutOptions = {}): Promise<Layout> {
    const isPrivate = options.private === true;
    const paths = layoutPaths(absolutePath(root), isPrivate ? STORE_MODES : USER_MODES);
    if (isPrivate) openStoreDirectory(paths.root);
    if (!(await checkLayout(paths))) {
      if (options.create !== true) {
        throw new OciError('LAYOUT_INVALID', `there is no image store at ${paths.root}`, {
          fields: { path: paths.root },
        });
      }
      await createLayout(paths);
    }
    return new Layout(paths, options.lockTimeout);
  }

  /** Newest `created` first; images without a time come last, then by ID. */
  async images(): Promise<readonly StoredImage[]> {
    const images = await this.#read((entries) => readImages(this.blobs, entries));
    return images.toSorted((a, b) => createdAt(b) - createdAt(a) || (a.id < b.id ? -1 : 1));
  }

  /**
   * By reference, ID or unique ID prefix (at least 4 digits); names win over prefixes, as in docker.
   * Of an index, the image for a platform: the one that is told, or that of this machine, or else the first.
   * @throws OciError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`, `REFERENCE_INVALID`; `PLATFORM_INVALID` when the platform that is
   * told is not there
   */
  async resolve(name: string, options: FindImageOptions = {}): Promise<StoredImage> {
    return (await this.find(name, options)) ?? missing(name, this.root);
  }

  /** As {@link resolve}, but undefined when there is no such image. @throws OciError but for `IMAGE_NOT_FOUND` */
  async find(name: string, options: FindImageOptions = {}): Promise<StoredImage | undefined> {
    return (await this.#read((entries) => findImage(this.blobs, entries, name, options)))?.image;
  }

  /** The index that an image was chosen from, with the images that are there; undefined for an image that is its own. */
  async index(image: Pick<StoredImage, 'index' | 'names'>): Promise<StoredIndex | undefined> {
    const { index, names } = image;
    return index && readStoredIndex(this.blobs, index.descriptor, names);
  }

  /** The images that a name stands for: those of an index that are there, or the image alone. */
  async members(image: StoredImage): Promise<readonly StoredImage[]> {
    return (await this.index(image))?.images ?? [image];
  }

  /**
   * Stores an image whose layers are in the blob store already, but for those of `elsewhere`, and gives it these names.
   * Whatever bore them before keeps its other names or is left dangling. Adding the same image again changes nothing.
   * @throws OciError `CONFIG_INVALID`, `BLOB_NOT_FOUND`, `STORE_UNWRITABLE`, `LOCK_TIMEOUT`
   */
  async add(
    image: ImageContent,
    names: readonly Reference[],
    { elsewhere }: ElsewhereLayers = {},
  ): Promise<StoredImage> {
    const [stored] = await this.addAll([{ image, names, ...(elsewhere === undefined ? {} : { elsewhere }) }]);
    if (stored === undefined) throw new Error('addAll returned nothing');
    return stored;
  }

  /** As {@link add} for several images; all of them become visible at once. */
  async addAll(additions: readonly Addition[]): Promise<readonly StoredImage[]> {
    const prepared = additions.map((addition) => ({ ...addition, config: checkedConfig(addition.image) }));
    const unchanged = await this.#alreadyAdded(additions);
    if (unchanged !== undefined) return unchanged;
    this.#reserve?.keep();
    return this.#change(async (entries) => {
      let changed = entries;
      const manifests: Descriptor[] = [];
      for (const { image, names, config, elsewhere } of prepared) {
        const manifest = await storeImage(this.blobs, image, config, elsewhere);
        changed = withImage(changed, manifest, names);
        manifests.push(manifest);
      }
      const result: StoredImage[] = [];
      for (const manifest of manifests) {
        result.push(await readImage(this.blobs, manifest, namesOf(changed, new Set([manifest.digest]))));
      }
      return { entries: changed, result };
    });
  }

  /** Stores the documents of an image that no list has: they go with the next {@link collect}, unless a lease keeps them. */
  async addUnlisted(image: ImageContent, { elsewhere }: ElsewhereLayers = {}): Promise<StoredImage> {
    return readImage(this.blobs, await storeImage(this.blobs, image, checkedConfig(image), elsewhere), []);
  }

  /**
   * Stores an index and the images of it that are given as content, and gives it these names; its images need none of their
   * own, as {@link collect} keeps what an index names. Adding the same index again changes nothing.
   * @throws OciError as {@link add}; `INDEX_INVALID` when two images are for one platform
   */
  async addIndex(
    content: IndexContent,
    names: readonly Reference[],
    { elsewhere }: ElsewhereLayers = {},
  ): Promise<StoredIndex> {
    const wanted = await indexDocument(this.blobs, content);
    const known = await this.#read(async (entries) => {
      const named = names.every((name) => entryNamed(entries, name)?.digest === wanted.descriptor.digest);
      const listed = entries.find(({ digest }) => digest === wanted.descriptor.digest);
      const isSame = isDeepStrictEqual(otherAnnotations(listed), otherAnnotations(wanted.descriptor));
      if (listed === undefined || !named || !isSame) return undefined;
      if (!(await holdsIndex(this.blobs, content, wanted.descriptor, elsewhere))) return undefined;
      return readStoredIndex(this.blobs, wanted.descriptor, namesOf(entries, new Set([listed.digest])));
    });
    if (known !== undefined) return known;
    this.#reserve?.keep();
    return this.#change(async (entries) => {
      const stored = await storeIndex(this.blobs, content, elsewhere);
      const changed = withImage(entries, stored, names);
      const result = await readStoredIndex(this.blobs, stored, namesOf(changed, new Set([stored.digest])));
      return { entries: changed, result };
    });
  }

  /** As {@link addUnlisted}, for an index. */
  async addIndexUnlisted(content: IndexContent, { elsewhere }: ElsewhereLayers = {}): Promise<StoredIndex> {
    return readStoredIndex(this.blobs, await storeIndex(this.blobs, content, elsewhere), []);
  }

  /** Gives an image one more name. @throws OciError as {@link resolve} and {@link add} */
  async tag(source: string, target: string): Promise<void> {
    const name = parseReference(target);
    if (name.digest !== undefined) {
      throw new OciError('REFERENCE_INVALID', `cannot tag as ${target}: an image cannot be tagged with a digest`);
    }
    // As docker: `sha256:4bcd…` as a name of its own would be taken for the image of that ID.
    if (familiarRepository(name) === 'sha256') {
      throw new OciError(
        'REFERENCE_INVALID',
        `cannot tag as ${target}: refusing to create an ambiguous tag using digest algorithm as name`,
      );
    }
    await this.#change(async (entries) => {
      const { image } = await this.#found(entries, source);
      return { entries: withImage(entries, rootOf(image), [name]), result: undefined };
    });
  }

  /**
   * What `docker rmi` does: a name is taken away, and the image with its last name; an ID removes the image with its names,
   * several of them only with `force`. With `keepImage` the image stays without a name, for somebody still uses it. Blobs
   * stay until {@link collect}.
   * @throws OciError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`, `IMAGE_IN_USE`
   */
  async remove(
    name: string,
    options: { readonly force?: boolean; readonly keepImage?: boolean } = {},
  ): Promise<readonly RemovedName[]> {
    return this.#freeing(() => this.#remove(name, options));
  }

  #remove(
    name: string,
    options: { readonly force?: boolean; readonly keepImage?: boolean },
  ): Promise<readonly RemovedName[]> {
    return this.#change(async (entries) => {
      const { image, reference, memberOf } = await this.#found(entries, name);
      if (memberOf !== undefined) throw partOf(image, memberOf);
      if (reference !== undefined && image.names.length > 1) {
        return { entries: withoutReference(entries, reference), result: [untaggedLine(reference)] };
      }
      if (reference !== undefined && options.keepImage === true) {
        const unnamed = withImage(withoutReference(entries, reference), rootOf(image), []);
        return { entries: unnamed, result: [untaggedLine(reference)] };
      }
      if (reference === undefined && image.names.length > 1 && options.force !== true) throw inUse(image);
      const gone = await this.#entriesOf(entries, image);
      const result: RemovedName[] = [...image.names.map(untaggedLine), { deleted: imageIdOf(image) }];
      return { entries: withoutManifests(entries, gone), result };
    });
  }

  /**
   * Keeps every blob from being collected until it is disposed of or the process ends. Take one before asking what is
   * stored, and hold it until the image that uses the answer is added.
   * @throws OciError `STORE_UNWRITABLE`, `LOCK_TIMEOUT`
   */
  async lease(): Promise<Lease> {
    const lease = takeLease(this.#paths.leases);
    try {
      // A collection takes the lock and then looks for leases. When nobody has the lock now, the next one will see this
      // lease; else one may be past its look, and must end first.
      if (await isHeld(this.#paths.lock)) await this.#locked(async () => {});
      return lease;
    } catch (error) {
      await lease[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Deletes the blobs that neither an image nor `keep` needs, and what crashes left in `tmp`. While any process holds a
   * lease it deletes nothing, as the result says. `keep` may be a function: it is called, with the digests that images
   * need, when no process holds a lease and none can take one. With `dryRun` blobs stay, and the result says what would go.
   * @throws OciError `STORE_UNWRITABLE`, `LOCK_TIMEOUT`, and what reading a damaged image throws
   */
  async collect(
    keep: Iterable<Digest> | ((needed: ReadonlySet<Digest>) => Promise<Iterable<Digest>>),
    options: { readonly dryRun?: boolean } = {},
  ): Promise<Collected> {
    return this.#freeing(() => this.#collect(keep, options.dryRun === true));
  }

  #collect(
    keep: Iterable<Digest> | ((needed: ReadonlySet<Digest>) => Promise<Iterable<Digest>>),
    dryRun: boolean,
  ): Promise<Collected> {
    return this.#locked(async (lock) => {
      const now = await fileSystemTime(this.#paths.temporary);
      const heldBackBy = await countLeases(this.#paths.leases, now);
      if (heldBackBy > 0) return { deleted: [], bytes: 0, heldBackBy };
      const needed = await reachable(this.blobs, await readIndex(this.#paths));
      for (const digest of typeof keep === 'function' ? await keep(needed) : keep) needed.add(digest);
      const swept = await sweep(this.blobs, needed, { dryRun, check: lock.check });
      if (!dryRun) await sweepTemporaries(this.#paths.temporary, now);
      return { ...swept, heldBackBy: 0 };
    });
  }

  /**
   * The images of these additions when all of them are stored under their names already: the end of every build that
   * changed nothing, so it takes no lock and writes nothing.
   */
  async #alreadyAdded(additions: readonly Addition[]): Promise<readonly StoredImage[] | undefined> {
    return this.#read(async (entries) => {
      const found: StoredImage[] = [];
      for (const { image, names, elsewhere } of additions) {
        const { digest } = assembleImage(image).manifestDescriptor;
        const entry = entries.find((candidate) => candidate.digest === digest);
        const named = names.every((name) => entryNamed(entries, name)?.digest === digest);
        const complete = (await absentLayer(this.blobs, image, elsewhere)) === undefined;
        if (entry === undefined || !named || !complete) return undefined;
        found.push(await readImage(this.blobs, bareDescriptor(entry), namesOf(entries, new Set([digest]))));
      }
      return found;
    });
  }

  /**
   * Runs a reader on the index. Should an image that it is reading be removed and collected meanwhile, the index has
   * changed too, and it reads again.
   */
  async #read<T>(reader: (entries: IndexEntries) => Promise<T>): Promise<T> {
    for (let entries = await readIndex(this.#paths); ; ) {
      try {
        return await reader(entries);
      } catch (error) {
        const again = await readIndex(this.#paths);
        const unchanged = JSON.stringify(again) === JSON.stringify(entries);
        if (unchanged || !(error instanceof OciError) || error.code !== 'BLOB_NOT_FOUND') throw error;
        entries = again;
      }
    }
  }

  async #change<T>(
    change: (entries: IndexEntries) => Promise<{ readonly entries: IndexEntries; readonly result: T }>,
  ): Promise<T> {
    return this.#locked(async (lock) => {
      const before = await readIndex(this.#paths);
      const { entries, result } = await change(before);
      if (JSON.stringify(entries) === JSON.stringify(before)) return result;
      await writeIndex(this.#paths, entries, lock);
      return result;
    });
  }

  /** What makes room must work where there is none. */
  #freeing<T>(action: () => Promise<T>): Promise<T> {
    return this.#reserve === undefined ? action() : this.#reserve.lend(action);
  }

  #locked<T>(action: (lock: HeldLock) => Promise<T>): Promise<T> {
    const timeout = this.#lockTimeout;
    const options = { temporaryDirectory: this.#paths.temporary, ...(timeout !== undefined && { timeout }) };
    return withLock(this.#paths.lock, options, action);
  }

  async #found(entries: IndexEntries, name: string): Promise<FoundImage> {
    return (await findImage(this.blobs, entries, name)) ?? missing(name, this.root);
  }

  /** The manifests of all entries that show this image. */
  async #entriesOf(entries: IndexEntries, image: StoredImage): Promise<ReadonlySet<Digest>> {
    const gone = new Set<Digest>();
    for (const entry of entries) {
      const [same] = await readImages(this.blobs, [entry]);
      if (same !== undefined && imageIdOf(same) === imageIdOf(image)) gone.add(entry.digest);
    }
    return gone;
  }
}

function createdAt(image: StoredImage): number {
  const time = Date.parse(image.config.created ?? '');
  return Number.isNaN(time) ? 0 : time;
}

function missing(name: string, store: string): never {
  throw new OciError('IMAGE_NOT_FOUND', `no such image: ${name}`, {
    fields: { name, store },
  });
}

function partOf({ id }: StoredImage, memberOf: Reference | Digest): OciError {
  const index = typeof memberOf === 'string' ? memberOf.slice(7, 19) : familiarName(memberOf);
  return new OciError('IMAGE_IN_USE', `cannot remove ${id.slice(7, 19)}: it is part of ${index}; remove that`, {
    fields: { id },
  });
}

function inUse(image: StoredImage): OciError {
  const id = imageIdOf(image).slice(7, 19);
  return new OciError(
    'IMAGE_IN_USE',
    `cannot remove ${id} by its ID: it has ${image.names.length} names; remove the names one by one, or all by force`,
    { fields: { id: image.id } },
  );
}
