import type { ByteString } from '../spec/byte-string.ts';
import { layerInvalid } from './layer-error.ts';
import { baseName, joinPath, parentPath } from './layer-path.ts';

/**
 * Whiteouts (image-spec layer.md, "Whiteouts"): an empty file `.wh.name` removes `name` of the layers below, and
 * `.wh..wh..opq` in a directory removes everything that the layers below put into it.
 */
export const WHITEOUT_PREFIX = '.wh.';

/** The base name of an opaque whiteout. */
export const OPAQUE_NAME = '.wh..wh..opq';

const META_PREFIX = '.wh..wh.';

/** What a whiteout's name says. `path` is what is removed, or the directory whose lower content is. */
export interface Whiteout {
  readonly kind: 'path' | 'opaque';
  readonly path: ByteString;
}

/** The path of the whiteout that removes `path`. */
export function whiteoutPath(path: ByteString): ByteString {
  return joinPath(parentPath(path), WHITEOUT_PREFIX + baseName(path));
}

/** The path of the whiteout that makes `directory` opaque. */
export function opaquePath(directory: ByteString): ByteString {
  return joinPath(directory, OPAQUE_NAME);
}

/** True when the last component says that this entry is no file but a whiteout (or an AUFS leftover). */
export function isWhiteoutName(name: ByteString): boolean {
  return name.startsWith(WHITEOUT_PREFIX);
}

/** True for what AUFS kept beside its whiteouts (`.wh..wh.plnk`, `.wh..wh.aufs`); engines skip it. */
export function isAufsMetadata(path: ByteString): boolean {
  return (
    path.includes(META_PREFIX) && path.split('/').some((name) => name.startsWith(META_PREFIX) && name !== OPAQUE_NAME)
  );
}

/** Where AUFS kept the content of files with several names; in the root only (moby, pkg/archive/whiteouts.go). */
const AUFS_LINKS = '.wh..wh.plnk/';

/** The name that AUFS gave a file with several names; undefined for every other path. */
export function aufsLinkName(path: ByteString): ByteString | undefined {
  const name = path.startsWith(AUFS_LINKS) ? path.slice(AUFS_LINKS.length) : '';
  return name === '' || name.includes('/') ? undefined : name;
}

/**
 * Reads the whiteout out of a clean path; undefined when the path is none.
 * @throws OciError `LAYER_INVALID` for `.wh.`, `.wh..` and `.wh...`: they would remove the directory or its parent
 */
export function parseWhiteout(path: ByteString): Whiteout | undefined {
  const name = baseName(path);
  if (!isWhiteoutName(name)) return undefined;
  const directory = parentPath(path);
  if (name === OPAQUE_NAME) return { kind: 'opaque', path: directory };
  const removed = name.slice(WHITEOUT_PREFIX.length);
  if (removed === '' || removed === '.' || removed === '..') {
    throw layerInvalid(path, 'a whiteout that names nothing inside its directory');
  }
  return { kind: 'path', path: joinPath(directory, removed) };
}
