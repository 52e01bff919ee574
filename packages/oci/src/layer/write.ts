import type { BlobInfo, BlobWriter } from '../blob/blob-store.ts';
import type { ByteString } from '../byte-string.ts';
import type { TarEntryType, TarTime } from '../tar/entry.ts';
import type { LayerIndex } from './layer-index.ts';

/** What a producer says of one entry of a new layer. `size` (bytes) is for files only. */
export interface NewLayerEntry {
  /** Relative to the root, clean: no `./`, no `..`, no leading or trailing slash. */
  readonly path: ByteString;
  readonly type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky: 0 … 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: TarTime;
  readonly size?: number;
  readonly linkPath?: ByteString;
  readonly devMajor?: number;
  readonly devMinor?: number;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

/** A finished layer: `digest` is its diffID, `size` its uncompressed bytes. */
export interface WrittenLayer extends BlobInfo {
  readonly index: LayerIndex;
}

/** Writes one canonical layer: tar bytes, diffID and index in one pass. */
export class LayerWriter {
  constructor(sink: BlobWriter) {
    throw new Error(`not there yet: ${typeof sink}`);
  }
  /** Entries written so far. */
  get count(): number {
    throw new Error('not there yet');
  }
  /** True when the layer already holds an entry of exactly this path. */
  has(path: ByteString): boolean {
    throw new Error(`not there yet: ${path}`);
  }
  /** Adds an entry without content. */
  add(entry: NewLayerEntry): void {
    throw new Error(`not there yet: ${entry.path}`);
  }
  /**
   * Adds a file of exactly `entry.size` bytes, read by `read`: it fills the buffer and returns the bytes read, 0 at the
   * end. It is offered one byte more than `size`, so that a file that grew shows; a reader of a longer thing (a range of
   * a blob) must stop at its end itself. Returns the sha256 of the content, hexadecimal.
   */
  addFile(entry: NewLayerEntry, read: (buffer: Uint8Array) => number): Promise<string> {
    throw new Error(`not there yet: ${entry.path} ${typeof read}`);
  }
  /** Removes `path` of the layers below: writes `dir/.wh.name`. */
  whiteout(path: ByteString): void {
    throw new Error(`not there yet: ${path}`);
  }
  /** Ends the archive and commits the blob. */
  finish(): Promise<WrittenLayer> {
    throw new Error('not there yet');
  }
  /** Throws away what was written. */
  discard(): Promise<void> {
    throw new Error('not there yet');
  }
}
