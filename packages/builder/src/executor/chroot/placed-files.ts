import { lstatSync, mkdirSync, mkdtempSync, renameSync } from 'node:fs';
import { type ByteString, byteStringToUtf8 } from '@tsbuild/oci';
import { type Native, type RawPath, rawPath } from '@tsbuild/oci/internal';
import { BuildError } from '../../diagnostics/build-error.ts';
import { removeTree } from '../../disk/remove-tree.ts';

/** What takes a path of the root for as long as a command runs. */
export interface Placing {
  /** Makes it; nothing is there. */
  readonly put: (at: RawPath) => void;
  /** Saves of it what must stay; the rest is removed. Called also when the command has removed or replaced it. */
  readonly take?: (at: RawPath) => void;
}

/** Something in its place. */
interface Placed extends Placing {
  readonly path: ByteString;
  /** What the image has there, set aside. */
  readonly original: string | undefined;
}

const SECOND = 1_000_000_000n;

/**
 * Puts things into a root in place of what the image has there, where a mount would cover it, and takes them out again. The
 * directories that they lie in keep their times: a command's layer holds nothing of all this.
 */
export class PlacedFiles implements AsyncDisposable {
  readonly #root: RawPath;
  readonly #native: Native;
  readonly #aside: string;
  readonly #placed: Placed[] = [];
  #out = 0;

  constructor(root: string, native: Native) {
    this.#root = Buffer.from(root);
    this.#native = native;
    // Beside the root, so on its filesystem, and removed with it if this process dies.
    this.#aside = mkdtempSync(`${root}-aside-`);
  }

  /**
   * Places something at `target`, absolute; directories that are missing on the way are made.
   * @throws BuildError `RUN_FAILED` where a link or a file is in the way
   */
  place(target: ByteString, placing: Placing): void {
    const path = target.replace(/^\/+|\/+$/g, '');
    this.#makeParents(path);
    const at = rawPath(this.#root, path);
    this.#keepingTimes(path, () => {
      const exists = lstatSync(at, { throwIfNoEntry: false }) !== undefined;
      const original = exists ? `${this.#aside}/${this.#placed.length}` : undefined;
      if (original !== undefined) renameSync(at, original);
      this.#placed.push({ path, original, ...placing });
      placing.put(at);
    });
  }

  /** Takes everything out, last first, and puts back what the image has. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const placed of this.#placed.splice(0).toReversed()) this.#takeOut(placed);
    } finally {
      await removeTree(this.#aside);
    }
  }

  #takeOut({ path, original, take }: Placed): void {
    const at = rawPath(this.#root, path);
    // A command may have put a link in the place of a directory on the way: nothing is done through it.
    if (!this.#hasRealParents(path)) return take?.(Buffer.from(`${this.#aside}/nothing`));
    const times = this.#timesOf(path);
    take?.(at);
    if (lstatSync(at, { throwIfNoEntry: false }) !== undefined) renameSync(at, `${this.#aside}/out${this.#out++}`);
    if (original !== undefined) renameSync(original, at);
    this.#setTimes(path, times);
  }

  #makeParents(path: ByteString): void {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      const parent = path.slice(0, end);
      const at = rawPath(this.#root, parent);
      const stat = lstatSync(at, { throwIfNoEntry: false });
      if (stat === undefined) this.#keepingTimes(parent, () => mkdirSync(at, { mode: 0o755 }));
      else if (!stat.isDirectory()) {
        const what = stat.isSymbolicLink() ? 'a symlink' : 'no directory';
        throw new BuildError(
          'RUN_FAILED',
          `cannot mount on /${byteStringToUtf8(path)}: /${byteStringToUtf8(parent)} is ${what}`,
        );
      }
    }
  }

  #hasRealParents(path: ByteString): boolean {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      const stat = lstatSync(rawPath(this.#root, path.slice(0, end)), { throwIfNoEntry: false });
      if (stat?.isDirectory() !== true) return false;
    }
    return true;
  }

  #keepingTimes(path: ByteString, change: () => void): void {
    const times = this.#timesOf(path);
    change();
    this.#setTimes(path, times);
  }

  #timesOf(path: ByteString): bigint {
    return lstatSync(this.#parent(path), { bigint: true }).mtimeNs;
  }

  #setTimes(path: ByteString, time: bigint): void {
    const nanoseconds = ((time % SECOND) + SECOND) % SECOND;
    this.#native.setTimes(this.#parent(path), Number((time - nanoseconds) / SECOND), Number(nanoseconds));
  }

  #parent(path: ByteString): RawPath {
    const slash = path.lastIndexOf('/');
    return slash < 0 ? this.#root : rawPath(this.#root, path.slice(0, slash));
  }
}
