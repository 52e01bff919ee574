import { type ByteString, compareByteStrings } from '@tsbuild/oci';
import type { RootfsTree } from '@tsbuild/oci/node';
import type { SourceEntry } from '../../context/source-tree.ts';
import { BuildError } from '../../diagnostics/build-error.ts';
import { type CopyItem, type CopyPlan, type ItemLook, itemType } from './copy-item.ts';
import { printablePath } from '../listing.ts';
import { joinRelative, parentOf } from '../relative-path.ts';

/** What is at a place of the {@link WrittenTree}, not followed when it is a symlink. */
export interface Place extends ItemLook {
  readonly type: string;
  readonly linkPath: ByteString;
}

/** New folders of a folder with this bit inherit it (mkdir(2)). */
export const SETGID = 0o2000;

/** As many symlinks as one path may lead through. */
const MAX_SYMLINKS = 255;

/**
 * The parent's files with what a copy has put over them so far, name by name: where the next source will land is
 * decided on this. In the end it gives the {@link CopyPlan}.
 */
export class WrittenTree {
  readonly #parent: RootfsTree;
  readonly #items = new Map<ByteString, { readonly item: CopyItem; readonly order: number }>();
  /** When a path was emptied: whatever was there or below before is gone. */
  readonly #emptied = new Map<ByteString, number>();
  #order = 0;

  constructor(parent: RootfsTree) {
    this.#parent = parent;
  }

  /** The item that this copy has put at exactly this path. */
  item(path: ByteString): CopyItem | undefined {
    const own = this.#items.get(path);
    return own !== undefined && this.#isAlive(path, own.order) ? own.item : undefined;
  }

  lookup(path: ByteString): Place | undefined {
    const item = this.item(path);
    if (item !== undefined) {
      return { ...item.look, type: itemType(item), linkPath: item.kind === 'copied' ? item.entry.linkPath : '' };
    }
    return this.#isAlive(path, -1) && !this.#emptied.has(path) ? this.#parent.lookup(path) : undefined;
  }

  /** The type at this path, `directory` for the root. */
  typeAt(path: ByteString): string | undefined {
    return path === '' ? 'directory' : this.lookup(path)?.type;
  }

  /**
   * Where something written to `path` would lie: symlinks on the way (the last name too) are followed as a process
   * would whose root directory `root` is; what is missing stays as written.
   * @throws BuildError `COPY_FAILED` on a loop
   */
  resolve(path: ByteString, root: ByteString = ''): ByteString {
    const ahead = path.split('/').toReversed();
    let at: ByteString = '';
    let followed = 0;
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        at = parentOf(at);
        continue;
      }
      const next: ByteString = joinRelative(at, name);
      const place: Place | undefined = this.lookup(joinRelative(root, next));
      if (place?.type !== 'symlink') {
        at = next;
        continue;
      }
      if (++followed > MAX_SYMLINKS) {
        throw new BuildError(
          'COPY_FAILED',
          `/${printablePath(joinRelative(root, path))}: too many levels of symbolic links`,
        );
      }
      if (place.linkPath.startsWith('/')) at = '';
      ahead.push(...place.linkPath.split('/').toReversed());
    }
    return joinRelative(root, at);
  }

  /** @throws BuildError `COPY_FAILED` for what every engine would take for a removal */
  put(path: ByteString, item: CopyItem): void {
    if (item.kind === 'copied' && isOverlayWhiteout(item.entry)) throw isRemoval(path);
    this.#items.set(path, { item, order: this.#order++ });
  }

  /** Takes away what is at this path and below, so that something of another type can be put there. */
  empty(path: ByteString): void {
    this.#items.delete(path);
    this.#emptied.set(path, this.#order++);
  }

  /**
   * Sees to it that every folder from the root down to `folder` is in the layer: with the metadata it has, or new.
   * @throws BuildError `COPY_FAILED` when something else than a folder is on the way
   */
  addParents(folder: ByteString, look: ItemLook, timeFrom?: SourceEntry): void {
    if (folder === '') return;
    this.addParents(parentOf(folder), look);
    const item = this.item(folder);
    if (item !== undefined) {
      if (itemType(item) !== 'directory') throw notADirectory(folder);
      if (item.kind === 'parent' && timeFrom !== undefined) this.put(folder, { ...item, timeFrom });
      return;
    }
    const place = this.lookup(folder);
    if (place !== undefined && place.type !== 'directory') throw notADirectory(folder);
    const { mode, uid, gid } = place ?? this.#made(folder, look);
    this.put(folder, { kind: 'parent', look: { mode, uid, gid }, timeFrom });
  }

  /** As the kernel makes folders: in one with the setgid bit they have it too. */
  #made(folder: ByteString, look: ItemLook): ItemLook {
    const above = this.lookup(parentOf(folder));
    return { ...look, mode: look.mode | ((above?.mode ?? 0) & SETGID) };
  }

  finish(): CopyPlan {
    const alive: [ByteString, CopyItem][] = [];
    for (const [path, { item, order }] of this.#items) if (this.#isAlive(path, order)) alive.push([path, item]);
    const items = new Map(alive.toSorted(([a], [b]) => compareByteStrings(a, b)));
    const removed: ByteString[] = [];
    for (const path of this.#emptied.keys()) {
      const item = items.get(path);
      // Anything but a folder takes what is below it away by itself.
      if (item !== undefined && itemType(item) === 'directory') this.#removeChildren(path, items, removed);
    }
    return { items, removed: [...new Set(removed)].toSorted(compareByteStrings) };
  }

  /** What the parent has in a folder that was emptied: named one by one, as engines differ on other ways to say it. */
  #removeChildren(folder: ByteString, items: ReadonlyMap<ByteString, CopyItem>, removed: ByteString[]): void {
    for (const { path, type } of this.#parent.list(folder)) {
      const item = items.get(path);
      if (item === undefined) removed.push(path);
      else if (type === 'directory' && itemType(item) === 'directory') this.#removeChildren(path, items, removed);
    }
  }

  /** Whether nothing above `path` was emptied after `order`. */
  #isAlive(path: ByteString, order: number): boolean {
    if (this.#emptied.size === 0) return true;
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
      if ((this.#emptied.get(above) ?? -1) > order) return false;
    }
    return true;
  }
}

/** The mark by which overlayfs says that a file of the layers below is gone: it comes with copies of an upper directory. */
function isOverlayWhiteout({ type, devMajor, devMinor }: SourceEntry): boolean {
  return type === 'char' && devMajor === 0 && devMinor === 0;
}

function isRemoval(path: ByteString): BuildError {
  const shown = printablePath(path);
  return new BuildError(
    'COPY_FAILED',
    `cannot copy the character device 0:0 to /${shown}: overlayfs treats it as a removal`,
    {
      hint: 'add it to .dockerignore, or create the archive without it; to remove a file in the Dockerfile, use RUN rm',
    },
  );
}

function notADirectory(path: ByteString): BuildError {
  return new BuildError('COPY_FAILED', `/${printablePath(path)}: not a directory`);
}
