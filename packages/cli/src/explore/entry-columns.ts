/*
 * The entries of all layers in columns, as a page of `tsbuild explore` holds them. Column by column they compress well: half a
 * million files take a few megabytes where JSON takes a hundred.
 *
 *   varint number of entries
 *   for each column: varint its length in bytes, then the bytes
 *
 * A varint has seven bits a byte, the lowest first; the eighth says that more follow. Entries come in the order of a walk: by
 * their names component by component, an entry before what is in it, and entries of one path by layers, a whiteout first.
 */

/** Where each column stands. */
export const COLUMNS = [
  /** Bytes that a path shares with the one before it: varints. */
  'shared',
  /** Bytes that it has of its own: varints. */
  'length',
  /** Those bytes, one path's behind the other's. */
  'names',
  /** Runs of entries in one layer: varints, layer and count. */
  'layers',
  /** One byte: a {@link KINDS} and {@link SAME_CONTENT}. */
  'kinds',
  /** Bytes of content: varints. */
  'sizes',
  /** Which of the attributes: varints. */
  'attributes',
  /** The attributes that there are: varints mode, uid, gid. */
  'attributeValues',
  /** Seconds since 1970, as the difference to the entry before: varints, the lowest bit the sign. */
  'times',
  /** Which group of the same content, 0 for what is there once: varints. */
  'groups',
  /** Of links: varint length of the target and its bytes. */
  'targets',
] as const;

export type ColumnName = (typeof COLUMNS)[number];

/** What an entry can be. The first two are no files, but the mark that something is gone. */
export const KINDS = [
  'whiteout',
  'opaque',
  'directory',
  'file',
  'symlink',
  'hardlink',
  'fifo',
  'char',
  'block',
] as const;

type EntryKind = (typeof KINDS)[number];

/** Set beside a kind: the same bytes as the entry of this path in the layer below, with other attributes. */
export const SAME_CONTENT = 0x40;

/** An entry as the columns keep it. */
export interface ColumnEntry {
  /** A byte string, relative to the root. */
  readonly path: string;
  readonly layer: number;
  readonly kind: EntryKind;
  readonly sameContent: boolean;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly group: number;
  /** Of links; else empty. */
  readonly target: string;
}
