import type { ByteString } from '@tsbuild/oci';
import { type ArchivedFile, type ArchiveEntry, unpackable } from './archive-entry.ts';
import { type CopiedItem, type CopyOrigin, type ItemLook, itemType } from '../copy/copy-item.ts';
import type { Owner } from '../copy/ownership.ts';
import { joinRelative, nameOf, parentOf } from '../relative-path.ts';
import type { WrittenTree } from '../copy/written-tree.ts';

/** Folders that an archive does not name but has things in. */
const IMPLIED: ItemLook = { mode: 0o755, uid: 0, gid: 0 };

/**
 * Plans the entries of an archive, in its order, below `folder`, which is their root: no `..`, symlink or hard link leads
 * out of it, whether the archive brought it or the image had it. Something of another type is replaced; folders keep
 * what is in them. `owner` is that of --chown; without it entries keep their own.
 * @throws BuildError `COPY_FAILED`
 */
export function planUnpack(
  entries: Iterable<ArchiveEntry>,
  folder: ByteString,
  written: WrittenTree,
  origin: CopyOrigin,
  owner: Owner | undefined,
): void {
  const unpacking = new Unpacking(folder, written, origin, owner);
  for (const entry of entries) unpacking.add(entry);
  unpacking.finish();
}

/** Tells the hard links of one archive from those of the next. */
let archives = 0;

class Unpacking {
  readonly #folder: ByteString;
  readonly #written: WrittenTree;
  readonly #origin: CopyOrigin;
  readonly #owner: Owner | undefined;
  readonly #scope = `archive ${archives++}`;
  /** Files with several names, by their group. */
  readonly #inodes = new Map<string, { readonly names: ByteString[]; last: ArchiveEntry }>();

  constructor(folder: ByteString, written: WrittenTree, origin: CopyOrigin, owner: Owner | undefined) {
    this.#folder = folder;
    this.#written = written;
    this.#origin = origin;
    this.#owner = owner;
  }

  add(entry: ArchiveEntry): void {
    const target = this.#place(entry.path);
    // A link that leads to the destination itself: there is nothing to unpack there.
    if (target === this.#folder) return;
    this.#written.addParents(parentOf(target), IMPLIED);
    const item = entry.type === 'hardlink' ? this.#link(entry) : this.#item(entry as ArchivedFile);
    if (item.linkGroup !== undefined) this.#inodes.get(item.linkGroup)?.names.push(target);
    const before = this.#written.typeAt(target);
    if (before === 'directory' && itemType(item) !== 'directory') this.#written.empty(target);
    this.#written.put(target, item);
  }

  /** What the last link to a file says of mode, owner and time holds for all its names. */
  finish(): void {
    for (const [linkGroup, { names, last }] of this.#inodes) {
      for (const name of names) {
        const item = this.#written.item(name);
        if (item?.kind !== 'copied' || item.linkGroup !== linkGroup) continue;
        this.#written.put(name, { ...item, entry: { ...item.entry, mtime: last.mtime }, look: this.#lookOf(last) });
      }
    }
  }

  /** Where a name lies: links on the way to it are followed, the last name is not. */
  #place(path: ByteString): ByteString {
    return joinRelative(this.#written.resolve(parentOf(path), this.#folder), nameOf(path));
  }

  #item(entry: ArchivedFile): CopiedItem {
    return { kind: 'copied', entry, origin: this.#origin, look: this.#lookOf(entry), linkGroup: undefined };
  }

  /** Another name of a file that came before. */
  #link(link: ArchiveEntry): CopiedItem {
    const path = this.#place(link.linkPath);
    const target = this.#written.item(path);
    if (link.linkPath === '' || target?.kind !== 'copied' || target.origin !== this.#origin) {
      throw unpackable(
        link.path,
        `it is a hard link to ${link.linkPath}, which does not come before it in the archive`,
      );
    }
    if (target.entry.type === 'directory') throw unpackable(link.path, 'it is a hard link to a directory');
    if (target.entry.type !== 'file') return target;
    const linkGroup = target.linkGroup ?? `${this.#scope}:${this.#inodes.size}`;
    const inode = this.#inodes.get(linkGroup) ?? { names: [path], last: link };
    this.#inodes.set(linkGroup, inode);
    inode.last = link;
    const item = { ...target, linkGroup };
    if (target.linkGroup === undefined) this.#written.put(path, item);
    return item;
  }

  #lookOf(entry: ArchiveEntry): ItemLook {
    const { uid, gid } = this.#owner ?? entry;
    return { mode: entry.type === 'symlink' ? 0o777 : entry.mode, uid, gid };
  }
}
