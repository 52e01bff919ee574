import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { byteStringToUtf8, type ByteString } from '../spec/byte-string.ts';
import { SparseFile } from '../blob/sparse-file.ts';
import { unwritable } from '../processes/store-errors.ts';
import { layerInvalid } from '../layer/layer-error.ts';
import type { LayerEntry } from '../layer/layer-entry.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import { baseName, parentPath } from '../layer/layer-path.ts';
import { DirectoryWriter, setFileAttributes } from './directory-writer.ts';
import type { Owner } from './directory-writer.ts';
import { HeldFiles } from './held-files.ts';
import type { FileReader } from '../layer/file-reader.ts';
import { isKeptXattr, makeNode, writeXattrs } from './disk-programs.ts';
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

const BUFFER_SIZE = 1024 * 1024;
const YIELD_MILLISECONDS = 20;

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
  readonly #writer: DirectoryWriter;
  readonly #open: (entry: E) => FileReader;
  readonly #options: ApplyOptions;
  readonly #isRoot = process.geteuid?.() === 0;
  readonly #directories: LayerEntry[] = [];
  readonly #xattrs = new Map<ByteString, ReadonlyMap<string, Uint8Array>>();
  /** Names for the files that hard links mean, while the layer may replace these files. */
  readonly #held: HeldFiles;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_SIZE);
  #yieldedAt = performance.now();

  constructor(directory: string, open: (entry: E) => FileReader, options: ApplyOptions) {
    this.#root = directory;
    this.#writer = new DirectoryWriter(directory);
    this.#held = new HeldFiles(this.#writer);
    this.#open = open;
    this.#options = options;
  }

  /** Removes what a whiteout says. They speak of the layers below, so all of them come before all else. */
  removeFor(entry: LayerEntry): void {
    const whiteout = isWhiteoutName(baseName(entry.path)) ? parseWhiteout(entry.path) : undefined;
    if (whiteout === undefined) return;
    const { kind, path } = whiteout;
    // Where no directory is, there is nothing to remove: this layer may put one in place of what is there.
    this.#changing(path, () => {
      if (!this.#writer.hasDirectory(kind === 'opaque' ? path : parentPath(path))) return;
      if (kind === 'opaque') this.#writer.removeChildren(path);
      else this.#writer.remove(path);
    });
  }

  /** Makes one entry; whiteouts and hard links are passed over. */
  async add(entry: E): Promise<void> {
    if (entry.type === 'hardlink') return;
    this.#changing(entry.path, () => this.#make(entry));
    await this.#breathe();
  }

  #make(entry: E): void {
    const writer = this.#writer;
    if (isWhiteoutName(baseName(entry.path))) return writer.checkParents(entry.path);
    writer.makeParents(entry.path);
    if (entry.type === 'directory') {
      writer.makeDirectory(entry.path);
      this.#directories.push(entry);
    } else if (entry.type === 'file') this.#file(entry);
    else if (entry.type === 'symlink') {
      writer.makeSymlink(entry.path, entry.linkPath);
      writer.setAttributes(entry.path, this.#owner(entry), undefined, entry.mtime);
    } else this.#node(entry);
    this.#noteXattrs(entry);
  }

  /** Holds on to what the hard links of the layer mean of the layers below, before anything is changed. */
  holdTargets(index: LayerIndex): void {
    for (const entry of index.entries()) {
      if (entry.linksBelow === true) this.#changing(entry.path, () => this.#held.hold(entry));
    }
  }

  /** Makes one more name of a file that is there. */
  link(entry: Pick<LayerEntry, 'path' | 'linkPath' | 'linksBelow'>): void {
    this.#changing(entry.path, () => {
      this.#writer.makeParents(entry.path);
      if (entry.linksBelow === true) return this.#held.place(entry.path);
      this.#writer.makeLink(entry.path, entry.linkPath);
    });
  }

  /**
   * Sets what everything put into the directories had changed, and attributes last: a change of owner takes them away.
   * @param root what the layers say of the root directory, where they do
   */
  finish(root?: LayerEntry): void {
    for (const entry of this.#directories.toReversed()) {
      const setAttributes = (): void =>
        this.#writer.setAttributes(entry.path, this.#owner(entry), entry.mode, entry.mtime);
      this.#changing(entry.path, setAttributes);
    }
    if (root !== undefined) {
      this.#changing('', () => this.#writer.setRootAttributes(this.#owner(root), root.mode, root.mtime));
    }
    for (const [path, failure] of writeXattrs(this.#writer, this.#xattrs)) {
      this.#skip(path, `its extended attributes: ${failure}`);
    }
  }

  close(): void {
    this.#held.release();
    this.#writer.close();
  }

  /** Lets an error of the file system name the path: a full disk, or a time or name that it cannot hold. */
  #changing(path: ByteString, change: () => void): void {
    try {
      change();
    } catch (error) {
      throw unwritable(`${this.#root}/${byteStringToUtf8(path)}`, error);
    }
  }

  #owner({ uid, gid }: LayerEntry): Owner | undefined {
    return (this.#options.owners ?? this.#isRoot) ? { uid, gid } : undefined;
  }

  #file(entry: E): void {
    const fd = this.#writer.makeFile(entry.path);
    try {
      this.#copy(entry, fd);
      setFileAttributes(fd, this.#owner(entry), entry.mode, entry.mtime);
    } finally {
      closeSync(fd);
    }
  }

  #copy(entry: E, fd: number): void {
    if (entry.size === 0) return;
    const source = this.#open(entry);
    const sha256 = createHash('sha256');
    const target = new SparseFile(fd);
    try {
      for (let left = entry.size; left > 0; ) {
        const piece = this.#buffer.subarray(0, Math.min(BUFFER_SIZE, left));
        const length = source.read(piece);
        if (length === 0) break;
        target.write(piece.subarray(0, length));
        sha256.update(piece.subarray(0, length));
        left -= length;
      }
      target.finish();
    } finally {
      source.close();
    }
    if (sha256.digest('hex') !== entry.contentSha256) throw layerInvalid(entry.path, 'its content has changed');
  }

  #node(entry: LayerEntry): void {
    const { type, path } = entry;
    if (type !== 'fifo' && type !== 'char' && type !== 'block') return;
    if (type === 'char' && entry.devMajor === 0 && entry.devMinor === 0) {
      throw layerInvalid(path, 'a 0:0 character device, which overlayfs treats as a whiteout');
    }
    const wanted = type === 'fifo' || (this.#options.devices ?? this.#isRoot);
    const failure = wanted ? makeNode(this.#writer, path, { ...entry, type }) : 'devices are not created';
    if (failure !== undefined) {
      this.#writer.remove(path);
      this.#skip(path, `the ${type === 'fifo' ? 'fifo' : 'device'}: ${failure}`);
      return;
    }
    this.#writer.setAttributes(path, this.#owner(entry), entry.mode, entry.mtime);
  }

  #noteXattrs(entry: LayerEntry): void {
    if (this.#options.xattrs === false || entry.xattrs === undefined) return;
    const kept = new Map([...entry.xattrs].filter(([name]) => isKeptXattr(name)));
    if (kept.size > 0) this.#xattrs.set(entry.path, kept);
  }

  #skip(path: ByteString, reason: string): void {
    this.#options.onSkip?.({ path, reason });
  }

  async #breathe(): Promise<void> {
    if (performance.now() - this.#yieldedAt < YIELD_MILLISECONDS) return;
    await setImmediate();
    this.#options.signal?.throwIfAborted();
    this.#yieldedAt = performance.now();
  }
}
