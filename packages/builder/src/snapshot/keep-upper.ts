import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import type { ByteString, LayerEntry } from '@tsbuild/oci';

import type { LayerIndex } from '@tsbuild/oci/node';
import { readFacts } from './file-facts.ts';
import type { Native, RawPath } from './native.ts';
import { errorCode, join, nameOf, parentOf, rawPath } from './raw-path.ts';
import { WHITEOUT_PREFIX } from './unpack-layer.ts';

const S_IFCHR = 0o020000;

/**
 * Makes of an overlay's upper directory exactly what unpacking the layer written from it would make: what is not in the
 * layer goes, times become the layer's, overlayfs's own marks go and become whiteouts. Returns false when that did not
 * work out; the directory is of no use then.
 */
export function normalizeUpper(upper: string, index: LayerIndex, native: Native): boolean {
  if (native.kind !== 'library') return false;
  const keeper = new UpperKeeper(Buffer.from(upper), index, native);
  keeper.clean('');
  return keeper.complete();
}

class UpperKeeper {
  readonly #root: RawPath;
  readonly #index: LayerIndex;
  readonly #native: Native;

  constructor(root: RawPath, index: LayerIndex, native: Native) {
    this.#root = root;
    this.#index = index;
    this.#native = native;
  }

  /** Takes away what the layer does not have, from the leaves up. */
  clean(directory: ByteString): void {
    const raw = rawPath(this.#root, directory);
    for (const name of readdirSync(raw, { encoding: 'buffer' })) {
      const path = join(directory, name.toString('latin1'));
      const at = rawPath(this.#root, path);
      const { type } = readFacts(at);
      if (type === 'directory') this.clean(path);
      const entry = type === 'whiteout' ? this.#index.get(whiteoutOf(path)) : this.#index.get(path);
      if (entry === undefined) (type === 'directory' ? rmdirSync : unlinkSync)(at);
      else if (type !== 'whiteout') this.#native.removeOverlayXattrs(at);
    }
    if (directory === '') this.#native.removeOverlayXattrs(raw);
  }

  /** Adds the whiteouts that were a mark, sets the times, and checks that nothing of the layer is missing. */
  complete(): boolean {
    const directories: LayerEntry[] = [];
    for (const entry of this.#index.entries()) {
      if (nameOf(entry.path).startsWith(WHITEOUT_PREFIX)) this.#hide(removedBy(entry.path));
      else if (entry.type === 'directory') directories.push(entry);
      else if (!this.#finish(entry)) return false;
    }
    return directories.toReversed().every((entry) => this.#finish(entry));
  }

  #finish({ path, type, mtime }: LayerEntry): boolean {
    const raw = rawPath(this.#root, path);
    try {
      if (readFacts(raw).type !== (type === 'hardlink' ? 'file' : type)) return false;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
    this.#native.setTimes(raw, mtime.seconds, mtime.nanoseconds);
    return true;
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

function whiteoutOf(path: ByteString): ByteString {
  return join(parentOf(path), WHITEOUT_PREFIX + nameOf(path));
}

function removedBy(whiteout: ByteString): ByteString {
  return join(parentOf(whiteout), nameOf(whiteout).slice(WHITEOUT_PREFIX.length));
}
