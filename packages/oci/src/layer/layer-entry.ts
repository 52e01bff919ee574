import type { ByteString } from '../spec/byte-string.ts';
import type { TarEntry } from '../tar/entry.ts';
import type { SparseRegion } from '../tar/sparse.ts';

/**
 * One path of a layer as the layer index keeps it. Paths are relative to the root of the image, without `./`, leading
 * or trailing slash. Whiteouts appear under their own names (`dir/.wh.name`, `dir/.wh..wh..opq`) as files.
 */
export interface LayerEntry extends TarEntry {
  /** Symlink: target as stored. Hard link: path of its target, in the same layer unless `linksBelow`. Else empty. */
  readonly linkPath: ByteString;
  /** Position of the content in the uncompressed layer, bytes; 0 when there is none. */
  readonly offset: number;
  /** Files: sha256 of the content, hexadecimal (also of empty files). Else undefined. */
  readonly contentSha256?: string;
  /** Sparse files: where in the layer the parts are that are no holes. `offset` is that of the first. */
  readonly sparse?: readonly SparseRegion[];
  /** Hard links: the target is not in this layer; it is what the layers below have at `linkPath`. */
  readonly linksBelow?: true;
}

/** A directory that no layer describes, as every engine makes it. */
export const IMPLIED_DIRECTORY: LayerEntry & { readonly type: 'directory' } = {
  path: '',
  type: 'directory',
  mode: 0o755,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  linkPath: '',
  devMajor: 0,
  devMinor: 0,
  offset: 0,
};
