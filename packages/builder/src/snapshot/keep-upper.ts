import { rmdirSync, unlinkSync } from 'node:fs';
import type { ByteString, LayerEntry } from '@tsbuild/oci';
import {
  errorCode,
  type Native,
  parseWhiteout,
  rawPath,
  type RawPath,
  S_IFCHR,
  whiteoutPath,
} from '@tsbuild/oci/internal';

import type { LayerIndex } from '@tsbuild/oci/node';
import type { Changes } from './diff.ts';
import type { FileFacts } from '../disk/file-facts.ts';

/**
 * Makes of an overlay's upper directory exactly what unpacking the layer written from it would make: what is not in the
 * layer goes, times become the layer's, overlayfs's own marks go and become whiteouts. Nothing may have touched the
 * directory since `changes` were found in it, so it is not walked again. Returns false when that did not work out; the
 * directory is of no use then.
 */
export function normalizeUpper(upper: string, changes: Changes, index: LayerIndex, native: Native): boolean {
  if (native.kind !== 'library') return false;
  const keeper = new UpperKeeper(Buffer.from(upper), changes, index, native);
  keeper.clean();
  return keeper.complete();
}

class UpperKeeper {
  readonly #root: RawPath;
  readonly #changes: Changes;
  readonly #index: LayerIndex;
  readonly #native: Native;

  constructor(root: RawPath, changes: Changes, index: LayerIndex, native: Native) {
    this.#root = root;
    this.#changes = changes;
    this.#index = index;
    this.#native = native;
  }

  /** Takes away what the layer does not have, from the leaves up, and overlayfs's marks. */
  clean(): void {
    for (const { path, type } of this.#changes.left.toReversed()) {
      if (this.#index.get(type === 'whiteout' ? whiteoutPath(path) : path) !== undefined) continue;
      (type === 'directory' ? rmdirSync : unlinkSync)(rawPath(this.#root, path));
    }
    this.#native.removeOverlayXattrs(this.#root);
    for (const path of this.#changes.marked) {
      if (this.#index.get(path) !== undefined) this.#native.removeOverlayXattrs(rawPath(this.#root, path));
    }
  }

  /** Adds the whiteouts that were a mark, sets the times, and checks that nothing of the layer is missing. */
  complete(): boolean {
    const found = new Map(this.#changes.changed.map((change) => [change.path, change.facts]));
    const directories: LayerEntry[] = [];
    for (const entry of this.#index.entries()) {
      const whiteout = parseWhiteout(entry.path);
      if (whiteout !== undefined) this.#hide(whiteout.path);
      else if (entry.type === 'directory') directories.push(entry);
      else if (!this.#finish(entry, found.get(entry.path))) return false;
    }
    return directories.toReversed().every((entry) => this.#finish(entry, found.get(entry.path)));
  }

  #finish({ path, type, mtime }: LayerEntry, found: FileFacts | undefined): boolean {
    if (found?.type !== (type === 'hardlink' ? 'file' : type)) return false;
    try {
      this.#native.setTimes(rawPath(this.#root, path), mtime.seconds, mtime.nanoseconds);
      return true;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  #hide(path: ByteString): void {
    const raw = rawPath(this.#root, path);
    try {
      this.#native.mknod(raw, S_IFCHR, 0, 0);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
}
