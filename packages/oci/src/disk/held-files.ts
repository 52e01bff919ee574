import { linkSync, readlinkSync, renameSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import type { ByteString } from '../spec/byte-string.ts';
import type { DirectoryWriter } from './directory-writer.ts';
import { layerInvalid } from '../layer/layer-error.ts';
import { baseName, joinPath, parentPath } from '../layer/layer-path.ts';
import type { LayerEntry } from '../layer/layer-entry.ts';
import { type Resolvable, resolveInRoot } from '../layer/resolve-in-root.ts';

/**
 * Files of a directory that hard links of the next layer mean. The layer may replace or remove them before a link can be
 * made, so each has one more name in the root of the directory until then. Symlinks on the way are followed inside of the root.
 */
export class HeldFiles {
  readonly #writer: DirectoryWriter;
  readonly #prefix = `.tsbuild-${randomBytes(6).toString('hex')}-`;
  /** By the path that the link gets: the name for now. */
  readonly #names = new Map<ByteString, ByteString>();

  constructor(writer: DirectoryWriter) {
    this.#writer = writer;
  }

  /** @throws OciError `LAYER_INVALID` when the target is not there, or is a directory */
  hold({ path, linkPath }: Pick<LayerEntry, 'path' | 'linkPath'>): void {
    const parent = resolveInRoot(parentPath(linkPath), (at) => this.#look(at));
    const target = joinPath(parent?.path ?? '', baseName(linkPath));
    const type = parent?.exists === true ? this.#look(target)?.type : undefined;
    if (type === undefined) throw layerInvalid(path, 'a hard link whose target is not in a lower layer');
    if (type === 'directory') throw layerInvalid(path, 'a hard link to a directory');
    const name = `${this.#prefix}${this.#names.size}`;
    // Both lie in a directory of their own, and only the one used last stays open: the target goes by a descriptor.
    this.#writer.withFile(target, (at) => linkSync(at, this.#writer.at(name)));
    this.#names.set(path, name);
  }

  /** Gives the file that was held for a link the link's name. */
  place(path: ByteString): void {
    const name = this.#names.get(path);
    if (name === undefined) throw new RangeError(`nothing is held for ${path}`);
    this.#writer.remove(path);
    this.#writer.withFile(name, (at) => renameSync(at, this.#writer.at(path)));
    this.#names.delete(path);
  }

  /** Takes the names away that were not used. */
  release(): void {
    for (const name of this.#names.values()) this.#writer.remove(name);
    this.#names.clear();
  }

  #look(path: ByteString): Resolvable | undefined {
    if (path === '') return { type: 'directory', linkPath: '' };
    const type = this.#writer.typeAt(path);
    if (type !== 'symlink') return type === undefined ? undefined : { type, linkPath: '' };
    return { type, linkPath: readlinkSync(this.#writer.at(path), { encoding: 'latin1' }) };
  }
}
