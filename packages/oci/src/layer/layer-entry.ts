import type { ByteString } from '../byte-string.ts';
import type { TarEntryType, TarTime } from '../tar/entry.ts';

/**
 * One path of a layer as the layer index keeps it. Paths are relative to the root of the image, without `./`, leading
 * or trailing slash. Whiteouts appear under their own names (`dir/.wh.name`, `dir/.wh..wh..opq`) as files.
 */
export interface LayerEntry {
  readonly path: ByteString;
  readonly type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky: 0 … 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content; 0 for all but files. */
  readonly size: number;
  readonly mtime: TarTime;
  /** Symlink: target as stored. Hard link: path of its target in the same layer. Else empty. */
  readonly linkPath: ByteString;
  /** Devices only; else 0, as `devMinor`. */
  readonly devMajor: number;
  readonly devMinor: number;
  /** Position of the content in the uncompressed layer, bytes; 0 when there is none. */
  readonly offset: number;
  /** Files: sha256 of the content, hexadecimal (also of empty files). Else undefined. */
  readonly contentSha256?: string;
  /** By full name (`security.capability`), values raw; undefined when there are none. */
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}
