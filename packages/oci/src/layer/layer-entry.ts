import type { ByteString } from '../byte-string.ts';
import type { TarEntryType, TarTime } from '../tar/entry.ts';

/**
 * One path of a layer as the layer index keeps it. Paths are relative to the root of the image, without `./`, leading
 * or trailing slash. Whiteouts appear under their own names (`dir/.wh.name`, `dir/.wh..wh..opq`) as files.
 */
export interface LayerEntry {
  readonly path: ByteString;
  readonly type: TarEntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: TarTime;
  /** Symlink: target as stored. Hard link: path of its target in the same layer. Else empty. */
  readonly linkPath: ByteString;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Position of the content in the uncompressed layer; 0 when there is none. */
  readonly offset: number;
  /** Files: sha256 of the content, hexadecimal (also of empty files). Else undefined. */
  readonly contentSha256?: string;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}
