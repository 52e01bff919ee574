import type { ByteString } from '../spec/byte-string.ts';

/** The kinds of entry that a layer may hold (image-spec layer.md, "File Types"). */
export type TarEntryType = 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo';

/** A point in time as tar keeps it: whole seconds since 1970 (may be negative) and nanoseconds 0 … 999 999 999. */
export interface TarTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** One archive member's metadata, decoded from ustar, PAX and GNU forms alike. */
export interface TarEntry {
  /** The name as stored, raw bytes; directories may or may not end in `/`. */
  readonly path: ByteString;
  readonly type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky: 0 … 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content that follow the header; 0 for all but files. */
  readonly size: number;
  readonly mtime: TarTime;
  /** Target of a symlink or hard link, raw bytes; empty otherwise. */
  readonly linkPath: ByteString;
  /** Devices only; else 0, as `devMinor`. */
  readonly devMajor: number;
  readonly devMinor: number;
  /** Extended attributes (`SCHILY.xattr.*`), values raw; undefined when there are none. */
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}
