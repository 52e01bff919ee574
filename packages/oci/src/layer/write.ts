import { createHash, hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { BlobInfo, BlobWriter } from '../blob/blob-store.ts';
import { type ByteString, byteStringToUtf8 } from '../spec/byte-string.ts';
import { OciError } from '../spec/oci-error.ts';
import type { TarEntryType, TarTime } from '../tar/entry.ts';
import { BLOCK_SIZE } from '../tar/block.ts';
import { displayName } from '../tar/tar-error.ts';
import { encodePlainHeader, encodeTarHeader, END_OF_ARCHIVE } from '../tar/writer.ts';
import { EmissionRules } from './emission-rules.ts';
import type { LayerEntry } from './layer-entry.ts';
import { layerInvalid } from './layer-error.ts';
import type { LayerIndex } from './layer-index.ts';
import { LayerIndexBuilder } from './layer-index-builder.ts';
import type { Writable } from './layer-index-record.ts';
import { isOverlayXattr } from './kept-xattrs.ts';

/** What a producer says of one entry of a new layer. `size` (bytes) is for files only. */
export interface NewLayerEntry {
  /** Relative to the root, clean: no `./`, no `..`, no leading or trailing slash. `''` is the root directory itself. */
  readonly path: ByteString;
  readonly type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky: 0 … 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Layers hold whole seconds: nanoseconds are cut off. */
  readonly mtime: TarTime;
  readonly size?: number;
  /** Symlinks: the target, as it is to be stored. Hard links: the path of an earlier file of this layer. */
  readonly linkPath?: ByteString;
  /** Devices only, as `devMinor`; 0 unless told. */
  readonly devMajor?: number;
  readonly devMinor?: number;
  /** By full name (`security.capability`), values raw. */
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

/** A piece of a file's content, and the sha256 of all of it (hexadecimal) with the last. */
export interface LayerPiece {
  readonly bytes: Uint8Array;
  readonly sha256: string | undefined;
}

/** A finished layer: `digest` is its diffID, `size` its uncompressed bytes. */
export interface WrittenLayer extends BlobInfo {
  readonly index: LayerIndex;
}

const BATCH_SIZE = 1024 * 1024;
/** Files up to this size are hashed in one call, from one piece of the batch. */
const ONE_PIECE = BATCH_SIZE / 2;
const YIELD_BYTES = 8 * 1024 * 1024;
const YIELD_MILLISECONDS = 20;
const EMPTY_SHA256 = hash('sha256', '');
const EPOCH: TarTime = { seconds: 0, nanoseconds: 0 };

/**
 * Writes one canonical layer: tar bytes, diffID and index in one pass. The same entries in the same order give the same
 * bytes anywhere. The rules of {@link EmissionRules} hold for every entry; parents are not added on their own.
 *
 * Entries come one after the other: `addFile` is awaited before the next. After an error while a file is read the layer is
 * broken: `discard` it. Exactly one of `finish` and `discard` ends it.
 */
export class LayerWriter {
  readonly #sink: BlobWriter;
  readonly #rules = new EmissionRules();
  readonly #index = new LayerIndexBuilder();
  readonly #batch = new Uint8Array(BATCH_SIZE);
  #filled = 0;
  #flushed = 0;
  #flushedAtYield = 0;
  #yieldedAt = performance.now();
  /** Between the header of a file and the last of its bytes; for good after an error there. */
  #incomplete = false;

  constructor(sink: BlobWriter) {
    this.#sink = sink;
  }

  /** Entries written so far, whiteouts included. */
  get count(): number {
    return this.#index.length;
  }

  /** True when the layer already holds an entry of exactly this path. */
  has(path: ByteString): boolean {
    return this.#rules.has(path);
  }

  /**
   * Adds an entry without content: anything but a file with bytes in it.
   * @throws OciError `LAYER_INVALID` when the entry breaks a rule, `TAR_INVALID` when tar cannot hold it
   */
  add(entry: NewLayerEntry): void {
    const full = layerEntry(entry);
    if (full.size > 0) throw layerInvalid(entry.path, 'content is added by addFile');
    this.#begin(full);
    if (full.type === 'file') this.#addToIndex(full, this.#position, EMPTY_SHA256);
    else this.#index.add(full);
  }

  /**
   * Adds a file of exactly `entry.size` bytes. `read` fills the buffer, which is the layer's own, and returns the bytes
   * read, 0 at the end; fewer than asked for may come at any time. It is offered one byte more than is left, so that a
   * file that grew shows; whoever reads a range of something longer stops at the range's end. Returns the sha256 of the
   * content, hexadecimal. Lets timers and signals run every 8 MiB or 20 ms.
   * @throws OciError `LAYER_INVALID` also when the file is shorter or longer than `size`
   */
  async addFile(entry: NewLayerEntry, read: (buffer: Uint8Array) => number): Promise<string> {
    if (entry.type !== 'file') throw layerInvalid(entry.path, `a ${entry.type} cannot have content`);
    const full = layerEntry(entry);
    this.#begin(full);
    const offset = this.#position;
    this.#incomplete = true;
    const contentSha256 = full.size <= ONE_PIECE ? this.#copyPiece(full, read) : await this.#copy(full, read);
    this.#incomplete = false;
    this.#pad(full.size);
    this.#addToIndex(full, offset, contentSha256);
    await this.rest();
    return contentSha256;
  }

  /**
   * Adds a file whose bytes somebody else reads and hashes: `next` gives them, piece by piece, and the sha256 of all
   * (hexadecimal) with the last. A piece may be changed again once the next one is asked for.
   * @throws OciError as {@link addFile}
   */
  async addPieces(entry: NewLayerEntry, next: () => Promise<LayerPiece>): Promise<string> {
    if (entry.type !== 'file') throw layerInvalid(entry.path, `a ${entry.type} cannot have content`);
    const full = layerEntry(entry);
    this.#begin(full);
    const offset = this.#position;
    this.#incomplete = true;
    for (let left = full.size; ; ) {
      const { bytes, sha256 } = await next();
      left -= bytes.length;
      if (left < 0) throw changed(full, 'longer');
      this.#write(bytes);
      if (sha256 === undefined) continue;
      if (left > 0) throw changed(full, 'shorter');
      this.#incomplete = false;
      this.#pad(full.size);
      this.#addToIndex(full, offset, sha256);
      return sha256;
    }
  }

  /**
   * Adds a file whose bytes and their sha256 (hexadecimal) are at hand. Whoever adds many so calls {@link rest} between them.
   * @throws OciError as {@link addFile}
   */
  addBytes(entry: NewLayerEntry, content: Uint8Array, contentSha256: string): void {
    if (entry.type !== 'file') throw layerInvalid(entry.path, `a ${entry.type} cannot have content`);
    const full = layerEntry(entry);
    if (content.length !== full.size) throw changed(full, content.length < full.size ? 'shorter' : 'longer');
    this.#begin(full);
    const offset = this.#position;
    this.#write(content);
    this.#pad(full.size);
    this.#addToIndex(full, offset, contentSha256);
  }

  /**
   * Removes `path` of the layers below: writes `dir/.wh.name`. Comes before anything of that path in this layer.
   * @throws OciError `LAYER_INVALID`
   */
  whiteout(path: ByteString): void {
    this.#refuseIncomplete();
    const entry = layerEntry({
      path: this.#rules.whiteout(path),
      type: 'file',
      mode: 0,
      uid: 0,
      gid: 0,
      mtime: EPOCH,
    });
    this.#writeHeader(entry);
    this.#addToIndex(entry, this.#position, EMPTY_SHA256);
  }

  /** Ends the archive and commits the blob. */
  async finish(): Promise<WrittenLayer> {
    this.#refuseIncomplete();
    this.#write(END_OF_ARCHIVE);
    this.#flush();
    const info = await this.#sink.commit();
    return { ...info, index: this.#index.build() };
  }

  /** Throws away what was written; does nothing after `finish`. */
  async discard(): Promise<void> {
    this.#incomplete = true;
    await this.#sink.discard();
  }

  /** Lets timers and signals run when they have waited long; undefined when they have not. */
  rest(): Promise<void> | undefined {
    return this.#isTimeToYield() ? this.#yield() : undefined;
  }

  #addToIndex(entry: Writable<LayerEntry>, offset: number, contentSha256: string): void {
    entry.offset = offset;
    entry.contentSha256 = contentSha256;
    this.#index.add(entry);
  }

  get #position(): number {
    return this.#flushed + this.#filled;
  }

  #refuseIncomplete(): void {
    if (this.#incomplete) throw new OciError('LAYER_INVALID', 'the layer ends in a file that is not complete');
  }

  #begin(entry: LayerEntry): void {
    this.#refuseIncomplete();
    if (entry.type === 'char' && entry.devMajor === 0 && entry.devMinor === 0) {
      throw layerInvalid(entry.path, 'a 0:0 character device, which overlayfs treats as a removal');
    }
    if (entry.xattrs !== undefined) refuseOverlayXattrs(entry.path, entry.xattrs);
    this.#rules.enter(entry.path, entry.type, entry.linkPath);
    this.#writeHeader(entry);
  }

  #writeHeader(entry: LayerEntry): void {
    this.#makeRoom(BLOCK_SIZE);
    if (encodePlainHeader(entry, this.#batch, this.#filled)) this.#filled += BLOCK_SIZE;
    else this.#write(encodeTarHeader(entry));
  }

  /** A small file: read whole into the batch, hashed there in one call. */
  #copyPiece(entry: LayerEntry, read: (buffer: Uint8Array) => number): string {
    const { size } = entry;
    this.#makeRoom(size + 1);
    const start = this.#filled;
    let filled = 0;
    for (;;) {
      const room = this.#batch.subarray(start + filled, start + size + 1);
      const got = read(room);
      filled += got;
      if (filled > size) throw changed(entry, 'longer');
      // Asked for one byte more than the file should have and did not get it: this is its end.
      if (got === 0 || filled === size) break;
    }
    if (filled < size) throw changed(entry, 'shorter');
    this.#filled += size;
    return size === 0 ? EMPTY_SHA256 : hash('sha256', this.#batch.subarray(start, start + size));
  }

  /** A big file: goes through the batch piece by piece. */
  async #copy(entry: LayerEntry, read: (buffer: Uint8Array) => number): Promise<string> {
    const sha256 = createHash('sha256');
    let left = entry.size;
    for (;;) {
      if (this.#filled === BATCH_SIZE) {
        this.#flush();
        if (this.#isTimeToYield()) await this.#yield();
      }
      const room = this.#batch.subarray(this.#filled, Math.min(this.#filled + left + 1, BATCH_SIZE));
      const got = read(room);
      if (got > left) throw changed(entry, 'longer');
      left -= got;
      sha256.update(room.subarray(0, got));
      this.#filled += got;
      if (got === 0 || (left === 0 && got < room.length)) break;
    }
    if (left > 0) throw changed(entry, 'shorter');
    return sha256.digest('hex');
  }

  #pad(size: number): void {
    const padding = (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
    this.#makeRoom(padding);
    this.#batch.fill(0, this.#filled, this.#filled + padding);
    this.#filled += padding;
  }

  #write(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    if (bytes.length >= BATCH_SIZE) {
      this.#sink.write(bytes);
      this.#flushed += bytes.length;
    } else {
      this.#batch.set(bytes, this.#filled);
      this.#filled += bytes.length;
    }
  }

  #makeRoom(bytes: number): void {
    if (this.#filled + bytes > BATCH_SIZE) this.#flush();
  }

  #flush(): void {
    if (this.#filled === 0) return;
    this.#sink.write(this.#batch.subarray(0, this.#filled));
    this.#flushed += this.#filled;
    this.#filled = 0;
  }

  #isTimeToYield(): boolean {
    return (
      this.#flushed - this.#flushedAtYield >= YIELD_BYTES || performance.now() - this.#yieldedAt >= YIELD_MILLISECONDS
    );
  }

  async #yield(): Promise<void> {
    await setImmediate();
    this.#flushedAtYield = this.#flushed;
    this.#yieldedAt = performance.now();
  }
}

/** The one object that is made for an entry: there are tens of thousands. */
function layerEntry(entry: NewLayerEntry): Writable<LayerEntry> {
  const { mtime, xattrs } = entry;
  const full: Writable<LayerEntry> = {
    path: entry.path,
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.size ?? 0,
    mtime: mtime.nanoseconds === 0 ? mtime : { seconds: mtime.seconds, nanoseconds: 0 },
    linkPath: entry.linkPath ?? '',
    devMajor: entry.devMajor ?? 0,
    devMinor: entry.devMinor ?? 0,
    offset: 0,
  };
  if (xattrs !== undefined && xattrs.size > 0) full.xattrs = xattrs;
  return full;
}

function refuseOverlayXattrs(path: ByteString, xattrs: ReadonlyMap<string, Uint8Array>): void {
  for (const name of xattrs.keys()) {
    if (isOverlayXattr(name)) throw layerInvalid(path, `the attribute ${name} is reserved for overlayfs`);
  }
}

function changed(entry: LayerEntry, how: 'shorter' | 'longer'): OciError {
  return new OciError(
    'LAYER_INVALID',
    `file changed while it was read: ${displayName(entry.path)} is ${how} than the ${entry.size} bytes it had`,
    { fields: { path: byteStringToUtf8(entry.path), size: entry.size } },
  );
}
