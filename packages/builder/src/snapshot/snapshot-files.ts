import { join } from 'node:path';
import type { BlobReader, BlobStore, ByteString, Digest, SparseRegion } from '@tsbuild/oci';
import { byteStringToUtf8 } from '@tsbuild/oci';
import {
  CAPABILITY_XATTR, type DiskEntry, EntryWriter, errorCode, exactTimes, FreshDirectory, namingPath, type Native, rangeReader, type Skipped,
} from '@tsbuild/oci/internal'; // biome-ignore format: one list
import { BuildError } from '../diagnostics/build-error.ts';
import type { DiskOwners } from '../disk/disk-owners.ts';

/** What files are made with. */
export interface SnapshotTools {
  readonly blobs: BlobStore;
  readonly native: Native;
  readonly owners: DiskOwners;
  readonly notice: (text: string) => void;
  readonly signal: AbortSignal;
}

/** An entry with its content's place; what layer indexes and merged views both have. */
interface PlacedEntry extends DiskEntry {
  readonly offset: number;
  readonly sparse?: readonly SparseRegion[];
}

/** Linux's PATH_MAX, without the zero behind it. */
const MOST_PATH_BYTES = 4095;

/** Entries of stored layers in a fresh directory, with the owners that they can have on this disk. */
export class SnapshotFiles {
  readonly #root: string;
  readonly #tools: SnapshotTools;
  readonly #directory: FreshDirectory;
  readonly #writer: EntryWriter<PlacedEntry>;
  readonly #readers = new Map<Digest, BlobReader>();

  /** @param root an empty directory */
  constructor(root: string, tools: SnapshotTools) {
    this.#root = root;
    this.#tools = tools;
    this.#directory = new FreshDirectory(root, tools.native);
    this.#writer = new EntryWriter<PlacedEntry>(this.#directory, {
      native: tools.native,
      // What a command changed is found by comparing times, too.
      setTimes: exactTimes(tools.native),
      owner: ({ uid, gid }) => ({ uid: tools.owners.uid(uid), gid: tools.owners.gid(gid) }),
      devices: true,
      onSkip: (skipped) => this.#skip(skipped),
      failure: (path, error) => namingPath(error, join(root, byteStringToUtf8(path))),
      signal: tools.signal,
    });
  }

  hasDirectory(path: ByteString): boolean {
    return this.#directory.hasDirectory(path);
  }

  /** Makes one entry other than a hard link. `layer` is where its content lies. */
  async add(entry: PlacedEntry, layer: Digest): Promise<void> {
    this.#refuseDeep(entry.path);
    this.#writer.add(
      entry,
      (file) => rangeReader(this.#reader(layer), file),
      () => damaged(entry.path, layer),
    );
    await this.#writer.breathe();
  }

  /** Gives a file made before one more name. */
  link(target: ByteString, path: ByteString): void {
    this.#writer.link(path, target);
  }

  /** Makes what overlayfs takes for "not here". */
  whiteout(path: ByteString): void {
    this.#directory.hide(path);
  }

  /** Sets what everything put into the directories had changed. */
  finish(): void {
    this.#writer.finish();
  }

  /** Lets go of the layers. */
  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
  }

  #reader(layer: Digest): BlobReader {
    let reader = this.#readers.get(layer);
    if (reader === undefined) this.#readers.set(layer, (reader = this.#tools.blobs.openReader(layer)));
    return reader;
  }

  /** An image without its capabilities is another one; other attributes not every file system has. */
  #skip({ path, what, reason, names, error }: Skipped): void {
    const name = byteStringToUtf8(path);
    if (names.includes(CAPABILITY_XATTR)) {
      throw new BuildError('SNAPSHOT_FAILED', `cannot set the file capabilities of /${name}: ${reason}`, {
        hint: 'Put the store on a file system with extended attributes (--root, TSBUILD_ROOT).',
      });
    }
    if (what === 'attributes') return this.#tools.notice(`skipped extended attributes of /${name}: ${reason}`);
    if (what === 'fifo' || errorCode(error) !== 'EPERM') throw error;
    this.#tools.notice(`skipped the device /${name}: only root can create devices`);
  }

  #refuseDeep(path: ByteString): void {
    if (Buffer.byteLength(this.#root) + 1 + path.length <= MOST_PATH_BYTES) return;
    throw new BuildError(
      'SNAPSHOT_FAILED',
      `a command cannot run on this image: its path ${byteStringToUtf8(path.slice(0, 60))}… is ${path.length} bytes long, more than Linux supports`,
      { hint: 'COPY can store such trees; exclude them from stages with a RUN.' },
    );
  }
}

function damaged(path: ByteString, layer: Digest): BuildError {
  return new BuildError(
    'SNAPSHOT_FAILED',
    `the stored layer ${layer} is damaged: ${byteStringToUtf8(path)} has changed`,
    { hint: 'Run tsbuild fsck, or remove the image and pull or build it again.' },
  );
}
