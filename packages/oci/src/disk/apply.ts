import { byteStringToUtf8, type ByteString } from '../spec/byte-string.ts';
import { unwritable } from '../processes/store-errors.ts';
import type { LayerEntry } from '../layer/layer-entry.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import { baseName, parentPath } from '../layer/layer-path.ts';
import { DirectoryWriter } from './directory-writer.ts';
import { EntryWriter, type Skipped } from './entry-writer.ts';
import { nearTimes } from './file-times.ts';
import { HeldFiles } from './held-files.ts';
import type { FileReader } from '../layer/file-reader.ts';
import { programsNative } from './native-programs.ts';
import type { DiskOwner } from './target.ts';
import { isWhiteoutName, parseWhiteout } from '../layer/whiteout.ts';

/** How a layer is put on disk. */
export interface ApplyOptions {
  /** Give files the owners that the layer says; unless told, when running as root. Else they are this user's. */
  readonly owners?: boolean;
  /** Make devices; unless told, when running as root. Fifos are always made. */
  readonly devices?: boolean;
  /** Set file capabilities and `user.*` attributes; true unless told. */
  readonly xattrs?: boolean;
  /** Is told what was left out, and why: devices, attributes. */
  readonly onSkip?: (skipped: { readonly path: ByteString; readonly reason: string }) => void;
  readonly signal?: AbortSignal;
}

/**
 * Puts a layer onto a directory that holds what the layers below made of it (image-spec layer.md, "Applying Changesets"):
 * whiteouts remove, entries replace; of two directories the attributes change and the content is joined. The layer is known
 * by its index, so whatever the index refuses is refused before anything is written; no path leads out of the directory, and
 * an entry below a symlink or file is an error. After an error the directory is half done.
 * @param open the content of a file of the layer; it is checked against the index
 * @throws OciError `LAYER_INVALID`, `STORE_UNWRITABLE` for what the file system refuses
 */
export async function applyIndexedLayer(
  directory: string,
  index: LayerIndex,
  open: (entry: LayerEntry) => FileReader,
  options: ApplyOptions = {},
): Promise<void> {
  const application = new Application(directory, open, options);
  try {
    if (index.linksBelow > 0) application.holdTargets(index);
    for (const entry of index.entries()) application.removeFor(entry);
    for (const entry of index.entries()) await application.add(entry);
    for (const entry of index.entries()) if (entry.type === 'hardlink') application.link(entry);
    application.finish(index.root);
  } finally {
    application.close();
  }
}

/** One layer being put onto a directory. Also takes entries of a merged view, one after the other. */
export class Application<E extends LayerEntry> {
  readonly #root: string;
  readonly #target: DirectoryWriter;
  readonly #writer: EntryWriter<E>;
  readonly #open: (entry: E) => FileReader;
  readonly #options: ApplyOptions;
  readonly #isRoot = process.geteuid?.() === 0;
  /** Names for the files that hard links mean, while the layer may replace these files. */
  readonly #held: HeldFiles;

  constructor(directory: string, open: (entry: E) => FileReader, options: ApplyOptions) {
    this.#root = directory;
    this.#target = new DirectoryWriter(directory);
    this.#held = new HeldFiles(this.#target);
    this.#open = open;
    this.#options = options;
    this.#writer = new EntryWriter(this.#target, {
      native: programsNative(),
      setTimes: nearTimes,
      owner: (entry) => this.#owner(entry),
      devices: options.devices ?? this.#isRoot,
      xattrs: options.xattrs !== false,
      onSkip: (skipped) => this.#skip(skipped),
      failure: (path, error) => this.#failure(path, error),
      signal: options.signal,
    });
  }

  /** Removes what a whiteout says. They speak of the layers below, so all of them come before all else. */
  removeFor(entry: LayerEntry): void {
    const whiteout = isWhiteoutName(baseName(entry.path)) ? parseWhiteout(entry.path) : undefined;
    if (whiteout === undefined) return;
    const { kind, path } = whiteout;
    // Where no directory is, there is nothing to remove: this layer may put one in place of what is there.
    this.#changing(path, () => {
      if (!this.#target.hasDirectory(kind === 'opaque' ? path : parentPath(path))) return;
      if (kind === 'opaque') this.#target.removeChildren(path);
      else this.#target.remove(path);
    });
  }

  /** Makes one entry; whiteouts and hard links are passed over. */
  async add(entry: E): Promise<void> {
    if (entry.type === 'hardlink') return;
    if (isWhiteoutName(baseName(entry.path))) {
      this.#changing(entry.path, () => this.#target.checkParents(entry.path));
    } else this.#writer.add(entry, this.#open);
    await this.#writer.breathe();
  }

  /** Holds on to what the hard links of the layer mean of the layers below, before anything is changed. */
  holdTargets(index: LayerIndex): void {
    for (const entry of index.entries()) {
      if (entry.linksBelow === true) this.#changing(entry.path, () => this.#held.hold(entry));
    }
  }

  /** Makes one more name of a file that is there. */
  link({ path, linkPath, linksBelow }: Pick<LayerEntry, 'path' | 'linkPath' | 'linksBelow'>): void {
    if (linksBelow !== true) return this.#writer.link(path, linkPath);
    this.#changing(path, () => {
      this.#target.makeParents(path);
      this.#held.place(path);
    });
  }

  /**
   * Sets what everything put into the directories had changed.
   * @param root what the layers say of the root directory, where they do
   */
  finish(root?: LayerEntry): void {
    this.#writer.finish();
    if (root === undefined) return;
    this.#changing('', () => this.#target.setRootAttributes(this.#owner(root), root.mode, root.mtime));
  }

  close(): void {
    this.#held.release();
    this.#target.close();
  }

  #changing(path: ByteString, change: () => void): void {
    try {
      change();
    } catch (error) {
      throw this.#failure(path, error);
    }
  }

  /** Lets an error of the file system name the path: a full disk, or a time or name that it cannot hold. */
  #failure(path: ByteString, error: unknown): unknown {
    return unwritable(`${this.#root}/${byteStringToUtf8(path)}`, error);
  }

  #owner({ uid, gid }: LayerEntry): DiskOwner | undefined {
    return (this.#options.owners ?? this.#isRoot) ? { uid, gid } : undefined;
  }

  #skip({ path, what, reason }: Skipped): void {
    // What the layers below have there is not what the image has.
    if (what !== 'attributes') this.#target.remove(path);
    const part = what === 'attributes' ? 'its extended attributes' : `the ${what}`;
    this.#options.onSkip?.({ path, reason: `${part}: ${reason}` });
  }
}
