import { chmodSync, constants, linkSync, mkdirSync, openSync, rmSync, symlinkSync } from 'node:fs';
import type { ByteString } from '../spec/byte-string.ts';
import { layerInvalid } from '../layer/layer-error.ts';
import { baseName, parentPath } from '../layer/layer-path.ts';
import { type Native, S_IFCHR } from './native.ts';
import { errorCode, type RawPath, rawPath } from './raw-path.ts';
import type { Target } from './target.ts';

/**
 * A directory that was empty and that nobody else writes to. Every parent must have been made here as a real directory, so
 * no entry can reach outside through a symlink, and nothing need be looked up before it is made.
 */
export class FreshDirectory implements Target {
  readonly #root: RawPath;
  readonly #native: Native;
  readonly #directories = new Set<ByteString>(['']);
  #whiteout: RawPath | undefined;

  /** @param root an empty directory */
  constructor(root: string, native: Native) {
    this.#root = Buffer.from(root);
    this.#native = native;
  }

  hasDirectory(path: ByteString): boolean {
    return this.#directories.has(path);
  }

  makeParents(path: ByteString): void {
    const name = baseName(path);
    const isName = name !== '' && name !== '.' && name !== '..' && !name.includes('\0');
    if (isName && this.#directories.has(parentPath(path))) return;
    throw layerInvalid(path, 'it is not inside a directory of the image');
  }

  makeDirectory(path: ByteString): void {
    mkdirSync(this.at(path), { mode: 0o700 });
    this.#directories.add(path);
  }

  makeFile(path: ByteString): number {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
    return openSync(this.at(path), flags, 0o600);
  }

  makeSymlink(path: ByteString, target: ByteString): void {
    symlinkSync(Buffer.from(target, 'latin1'), this.at(path));
  }

  makeLink(path: ByteString, target: ByteString): void {
    this.makeParents(target);
    linkSync(this.at(target), this.at(path));
  }

  makeRoom(path: ByteString): RawPath {
    return this.at(path);
  }

  remove(path: ByteString): void {
    rmSync(this.at(path), { force: true });
  }

  chmod(path: ByteString, mode: number): void {
    chmodSync(this.at(path), mode);
  }

  at(path: ByteString): RawPath {
    return rawPath(this.#root, path);
  }

  /**
   * Makes what overlayfs takes for "not here": a device 0:0. All of them share one inode, as the kernel's own do. In a directory
   * that holds what the layers below made, `DirectoryWriter.remove` is what a whiteout means.
   */
  hide(path: ByteString): void {
    this.makeParents(path);
    const at = this.at(path);
    try {
      if (this.#whiteout !== undefined) return linkSync(this.#whiteout, at);
    } catch (error) {
      if (errorCode(error) !== 'EMLINK') throw error;
    }
    this.#native.mknod(at, S_IFCHR, 0, 0);
    this.#whiteout = at;
  }
}
