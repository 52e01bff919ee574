import { randomBytes } from 'node:crypto';
import { closeSync, renameSync } from 'node:fs';
import type { ByteString } from '../spec/byte-string.ts';
import { SparseFile } from '../blob/sparse-file.ts';
import { joinPath, parentPath } from '../layer/layer-path.ts';
import type { RawPath } from './raw-path.ts';
import type { Target } from './target.ts';

/** A file that is being written; until `finish` only its owner can open it. */
export class NewFile implements Disposable {
  readonly #target: Target;
  readonly #path: ByteString;
  /** Where it lies until it is complete. */
  readonly #place: ByteString;
  readonly #seal: (fd: number, at: () => RawPath) => void;
  readonly #fd: number;
  readonly #content: SparseFile;
  #isFinished = false;

  /** @param seal sets owner, mode and time of the open file */
  constructor(target: Target, path: ByteString, atomically: boolean, seal: (fd: number, at: () => RawPath) => void) {
    this.#target = target;
    this.#path = path;
    this.#place = atomically ? joinPath(parentPath(path), `.tsbuild-${randomBytes(6).toString('hex')}`) : path;
    this.#seal = seal;
    this.#fd = target.makeFile(this.#place);
    this.#content = new SparseFile(this.#fd);
  }

  write(bytes: Uint8Array): void {
    this.#content.write(bytes);
  }

  finish(): void {
    this.#content.finish();
    this.#seal(this.#fd, () => this.#target.at(this.#place));
    if (this.#place !== this.#path) renameSync(this.#target.at(this.#place), this.#target.at(this.#path));
    this.#isFinished = true;
  }

  /** Closes the file; one with a name of its own goes when it is not complete. */
  [Symbol.dispose](): void {
    closeSync(this.#fd);
    if (!this.#isFinished && this.#place !== this.#path) this.#target.remove(this.#place);
  }
}
