import type { ContextObserver, DirectoryObserver, SourceEntry } from '@tsbuild/builder';
import type { ByteString } from '@tsbuild/oci';

/**
 * What one build read of the directories of its contexts: which of them it listed, which paths it looked up by themselves, and
 * which files it read. A change that it would not notice, were it made again, is none of its concern.
 */
export class ContextUse implements ContextObserver {
  readonly #watch: (directory: ByteString) => void;
  readonly #uses: DirectoryUse[] = [];

  /** `watch` is told of each directory (absolute) before anything of it is read: so no change goes unseen in between. */
  constructor(watch: (directory: ByteString) => void) {
    this.#watch = watch;
  }

  directory(root: string, ignores: (path: ByteString) => boolean): DirectoryObserver {
    const use = new DirectoryUse(Buffer.from(root).toString('latin1'), ignores, this.#watch);
    this.#uses.push(use);
    return use;
  }

  /**
   * Whether a change of this path (absolute) may make another image. `complete`: the build went to its end, so that a file that
   * it saw and did not read is none that it wants. What changed before the build looked (`changed`, in milliseconds of
   * `performance.now()`) it has seen as it is now.
   */
  concerns(path: ByteString, complete: boolean, changed: number = Number.POSITIVE_INFINITY): boolean {
    return this.#uses.some((use) => use.concerns(path, complete, changed));
  }

  /** Whether the path was there when the build looked. */
  knows(path: ByteString): boolean {
    return this.#uses.some((use) => use.knows(path));
  }
}

class DirectoryUse implements DirectoryObserver {
  readonly #prefix: ByteString;
  readonly #ignores: (path: ByteString) => boolean;
  readonly #watch: (directory: ByteString) => void;
  /** When it was looked. */
  readonly #listed = new Map<ByteString, number>();
  readonly #lookedUp = new Map<ByteString, number>();
  readonly #read = new Set<ByteString>();
  /** What the lists held; true for files whose content is all that can matter of them. */
  readonly #known = new Map<ByteString, boolean>();

  constructor(root: ByteString, ignores: (path: ByteString) => boolean, watch: (directory: ByteString) => void) {
    this.#prefix = root === '/' ? root : `${root}/`;
    this.#ignores = ignores;
    this.#watch = watch;
  }

  listing(directory: ByteString): void {
    this.#watch(this.#absolute(directory));
    if (!this.#listed.has(directory)) this.#listed.set(directory, performance.now());
  }

  listed(_directory: ByteString, entries: readonly SourceEntry[]): void {
    for (const { path, type, hardLinkKey } of entries) {
      this.#known.set(path, type === 'file' && hardLinkKey === undefined);
    }
  }

  lookingUp(path: ByteString): void {
    if (this.#lookedUp.has(path)) return;
    this.#watch(this.#absolute(parentOf(path)));
    this.#lookedUp.set(path, performance.now());
  }

  reading(path: ByteString): void {
    this.#read.add(path);
  }

  concerns(absolute: ByteString, complete: boolean, changed: number): boolean {
    const path = this.#relative(absolute);
    if (path === undefined) return false;
    const [lookedUp, listed] = [this.#lookedUp.get(path), this.#listed.get(parentOf(path))];
    const seen = Math.min(lookedUp ?? Number.POSITIVE_INFINITY, listed ?? Number.POSITIVE_INFINITY);
    if (changed < seen) return false;
    if (this.#read.has(path) || lookedUp !== undefined) return true;
    if (listed === undefined || this.#ignores(path)) return false;
    return !(complete && this.#known.get(path) === true);
  }

  knows(absolute: ByteString): boolean {
    const path = this.#relative(absolute);
    return path !== undefined && (this.#known.has(path) || this.#lookedUp.has(path));
  }

  #absolute(path: ByteString): ByteString {
    return path === '' ? this.#prefix.slice(0, -1) || '/' : this.#prefix + path;
  }

  #relative(absolute: ByteString): ByteString | undefined {
    return absolute.startsWith(this.#prefix) ? absolute.slice(this.#prefix.length) : undefined;
  }
}

function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
