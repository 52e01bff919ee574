import type { ByteString } from '../spec/byte-string.ts';
import type { TarEntryType } from '../tar/entry.ts';
import { layerInvalid } from './layer-error.ts';
import { isCleanPath, parentPath, PATH_MAX } from './layer-path.ts';
import { isWhiteoutName, WHITEOUT_PREFIX, whiteoutPath } from './whiteout.ts';

/**
 * What a layer may hold so that every engine loads it and all read it alike. Docker refuses a path that comes twice, a
 * hard link before its target, a name before its own whiteout; nobody agrees on entries below a non-directory.
 */
export class EmissionRules {
  readonly #kinds = new Map<ByteString, TarEntryType | 'whiteout' | 'implied'>();
  /** The directory of the entry before: most entries share it, so its ancestors need not be looked at again. */
  #directory: ByteString = '';

  /** True when the layer holds an entry of exactly this path. */
  has(path: ByteString): boolean {
    const kind = this.#kinds.get(path);
    return kind !== undefined && kind !== 'implied';
  }

  /** Takes note of an entry. @throws OciError `LAYER_INVALID` */
  enter(path: ByteString, type: TarEntryType, linkPath: ByteString): void {
    if (path === '' && type === 'directory') return this.#enterRoot();
    checkPath(path);
    if (type === 'hardlink' && this.#kinds.get(linkPath) !== 'file') {
      throw layerInvalid(path, 'the target of a hard link must be a file that is earlier in the same layer');
    }
    this.#enter(path, type);
  }

  /** Takes note of the removal of `path`; returns the path of its whiteout. @throws OciError `LAYER_INVALID` */
  whiteout(path: ByteString): ByteString {
    checkPath(path);
    if (this.#kinds.has(path)) throw layerInvalid(path, 'its whiteout must come before it is added again');
    const whiteout = whiteoutPath(path);
    this.#enter(whiteout, 'whiteout');
    return whiteout;
  }

  #enterRoot(): void {
    if (this.has('')) throw layerInvalid('', 'the root is in the layer twice');
    this.#kinds.set('', 'directory');
  }

  #enter(path: ByteString, kind: TarEntryType | 'whiteout'): void {
    const before = this.#kinds.get(path);
    if (before === 'implied' && kind !== 'directory') throw layerInvalid(path, `a ${kind} with entries below it`);
    if (before !== undefined && before !== 'implied') throw layerInvalid(path, 'it is in the layer twice');
    const directory = parentPath(path);
    if (directory !== this.#directory) {
      this.#enterDirectories(path, directory);
      this.#directory = directory;
    }
    this.#kinds.set(path, kind);
  }

  #enterDirectories(path: ByteString, nearest: ByteString): void {
    for (let directory = nearest; directory !== ''; directory = parentPath(directory)) {
      const kind = this.#kinds.get(directory);
      // What is above a known directory was looked at when that came.
      if (kind === 'directory' || kind === 'implied') return;
      if (kind !== undefined) throw layerInvalid(path, `it is below a ${kind}`);
      this.#kinds.set(directory, 'implied');
    }
  }
}

function checkPath(path: ByteString): void {
  if (!isCleanPath(path)) throw layerInvalid(path, 'not a clean path relative to the root');
  if (path.length > PATH_MAX) throw layerInvalid(path, `a path of more than ${PATH_MAX} bytes`);
  if (path.includes(WHITEOUT_PREFIX) && path.split('/').some(isWhiteoutName)) {
    throw layerInvalid(path, 'names that begin with .wh. are reserved for removals and cannot be stored in an image');
  }
}
