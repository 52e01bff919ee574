import type { ByteString } from '../spec/byte-string.ts';
import type { OciError } from '../spec/oci-error.ts';
import type { TarEntry } from '../tar/entry.ts';
import type { TarMember } from '../tar/reader.ts';
import type { IndexBudget } from './index-budget.ts';
import type { LayerEntry } from './layer-entry.ts';
import { layerInvalid } from './layer-error.ts';
import type { LayerIndex } from './layer-index.ts';
import { LayerIndexBuilder } from './layer-index-builder.ts';
import { baseName, cleanPath, joinPath, parentPath, PATH_MAX } from './layer-path.ts';
import { isOverlayXattr } from './kept-xattrs.ts';
import { MAX_SYMLINKS, resolveInRoot } from './resolve-in-root.ts';
import { aufsLinkName, isAufsMetadata, isWhiteoutName, parseWhiteout } from './whiteout.ts';

/** Longest file name that Linux takes, in bytes. */
const NAME_MAX = 255;

/** A member of the archive, as far as a layer needs it. */
type StoredMember = Pick<TarMember, 'entry' | 'offset' | 'sparse'>;

/** Where the content is, and its digest. */
type Place = Pick<LayerEntry, 'offset' | 'sparse' | 'contentSha256'>;

/** An entry with its place in the order of the archive. */
interface Placed {
  readonly entry: LayerEntry;
  readonly order: number;
  /** Of a hard link: the file itself, as it was when the link came. */
  readonly target?: Placed;
}

/**
 * The entries of a layer that anyone may have written, taken as an engine would that extracts them in order:
 *
 * - names are cleaned (`./x`, `/x`, `x/`), `..` is refused; the root's own entry gives the root its attributes;
 * - symlinks of this layer that lie on the way to a name are followed inside of the root, as they stand when it comes;
 * - of a path that comes twice the later counts; whatever is no directory takes what lay below it away;
 * - a hard link keeps the content that its target had when it came. A target that no earlier entry of this layer has is
 *   one of the layers below; a link to anything but a file is a copy of it;
 * - whiteouts that name nothing, 0:0 devices (overlayfs's own whiteouts) and entries below a file are refused, and
 *   overlayfs's attributes and AUFS's leftovers dropped, but for the files that hard links of this layer point to.
 */
export class ForeignLayer {
  readonly #budget: IndexBudget;
  readonly #lowest: boolean;
  readonly #entries = new Map<ByteString, Placed>();
  /** For each path: when something other than a directory last stood there. */
  readonly #lastNonDirectory = new Map<ByteString, number>();
  /** For each removed path: when its whiteout came. */
  readonly #whiteouts = new Map<ByteString, number>();
  /** Directories whose lower content is hidden. */
  readonly #opaque = new Set<ByteString>();
  /** Paths where a symlink stood at some time. */
  readonly #symlinks = new Set<ByteString>();
  /** What AUFS kept for files with several names, by the name of the kept file. */
  readonly #aufsFiles = new Map<ByteString, Placed>();
  #order = 0;

  /** `budget` bounds what is kept of all entries; below a `lowest` layer is nothing that its hard links could mean. */
  constructor(budget: IndexBudget, lowest = false) {
    this.#budget = budget;
    this.#lowest = lowest;
  }

  /** Takes the next member of the archive. @throws OciError `LAYER_INVALID`, `LIMIT_EXCEEDED` */
  add({ entry: member, offset, sparse }: StoredMember, contentSha256: string | undefined): void {
    const path = this.#resolved(checkedPath(member), member.path);
    const place: Place = {
      offset,
      ...(sparse !== undefined && { sparse }),
      ...(contentSha256 !== undefined && { contentSha256 }),
    };
    if (isAufsMetadata(path)) {
      const name = aufsLinkName(path);
      const kept = name === undefined || member.type !== 'file' ? undefined : layerEntry(member, path, place);
      if (name === undefined || kept === undefined) return;
      this.#budget.spend(kept);
      this.#aufsFiles.set(name, { entry: kept, order: this.#order++ });
      return;
    }
    const whiteout = parseWhiteout(path);
    if (whiteout?.kind === 'path') {
      if (this.#entries.has(whiteout.path)) throw lateWhiteout(whiteout.path);
      this.#whiteouts.set(whiteout.path, this.#order);
    } else if (whiteout !== undefined) this.#opaque.add(whiteout.path);
    if (whiteout !== undefined && member.type === 'directory') throw layerInvalid(path, 'a directory as a whiteout');
    const order = this.#order++;
    const placed = this.#placed(member, path, order, place);
    refuseLost(this.#entries.get(path));
    this.#budget.spend(placed.entry);
    this.#entries.set(path, placed);
    if (placed.entry.type !== 'directory') this.#lastNonDirectory.set(path, order);
    if (placed.entry.type === 'symlink' && whiteout === undefined) this.#symlinks.add(path);
  }

  /** The index of all that is left. @throws OciError `LAYER_INVALID` */
  index(): LayerIndex {
    const builder = new LayerIndexBuilder();
    const gone = new Set<ByteString>();
    for (const [path, placed] of this.#entries) {
      if (!this.#isGone(path, placed.order)) continue;
      refuseLost(placed);
      gone.add(path);
    }
    // Links whose target was replaced after they came, or is AUFS's: the first of them stands in as the file.
    const standIns = new Map<Placed, ByteString>();
    for (const [path, { entry, target }] of this.#entries) {
      if (gone.has(path)) continue;
      if (target === undefined) {
        builder.add(entry);
      } else if (this.#entries.get(target.entry.path) === target && !gone.has(target.entry.path)) {
        builder.add(entry);
      } else {
        const standIn = standIns.get(target);
        if (standIn === undefined) standIns.set(target, path);
        builder.add(standIn === undefined ? { ...target.entry, path } : { ...entry, linkPath: standIn });
      }
    }
    return builder.build();
  }

  #placed(member: TarEntry, path: ByteString, order: number, place: Place): Placed {
    const entry = layerEntry(member, path, place);
    if (entry.type !== 'hardlink') return { entry, order };
    const linkPath = this.#linkPath(entry);
    const target = this.#linkTarget(entry, linkPath);
    if (target === undefined) return { entry: { ...entry, linkPath, linksBelow: true }, order };
    if (target.entry.type !== 'file') return { entry: { ...target.entry, path }, order };
    return { entry: { ...entry, linkPath: target.entry.path }, order, target };
  }

  /** Where a hard link's target lies. */
  #linkPath(link: LayerEntry): ByteString {
    const named = cleanPath(link.linkPath);
    const path = named === undefined ? '' : this.#resolved(named, link.path);
    const isFile = path !== '' && path !== link.path && !isWhiteoutName(baseName(path));
    if (isFile || aufsLinkName(path) !== undefined) return path;
    throw layerInvalid(link.path, 'a hard link whose target is not an earlier file of this layer or a lower layer');
  }

  /** The file that a hard link means; undefined when that is one of the layers below. */
  #linkTarget(link: LayerEntry, path: ByteString): Placed | undefined {
    const aufsName = aufsLinkName(path);
    const named = aufsName === undefined ? this.#entries.get(path) : this.#aufsFiles.get(aufsName);
    if (named === undefined && aufsName === undefined && this.#showsBelow(path)) return undefined;
    if (named === undefined || this.#isHidden(path, named.order)) {
      throw layerInvalid(link.path, 'a hard link whose target is removed or missing when the link is applied');
    }
    const file = named.target ?? named;
    if (file.entry.type === 'directory') throw layerInvalid(link.path, 'a hard link to a directory');
    return file;
  }

  /** True when nothing of this layer so far hides what the layers below may have at `path`. */
  #showsBelow(path: ByteString): boolean {
    if (this.#lowest) return false;
    if (this.#whiteouts.has(path) || this.#lastNonDirectory.has(path)) return false;
    for (let above = parentPath(path); ; above = parentPath(above)) {
      if (this.#opaque.has(above)) return false;
      if (above === '') return true;
      if (this.#whiteouts.has(above) || this.#lastNonDirectory.has(above)) return false;
    }
  }

  /**
   * The path with the symlinks of this layer on the way to it followed, never out of the root; its last name is not.
   * @throws OciError `LAYER_INVALID` on a loop, or when what comes out is too long
   */
  #resolved(path: ByteString, name: ByteString): ByteString {
    if (this.#symlinks.size === 0 || !this.#hasSymlinkAbove(path)) return path;
    const resolution = resolveInRoot(parentPath(path), (at) => this.#symlinkAt(at) ?? OTHER);
    if (resolution === undefined) throw layerInvalid(name, `more than ${MAX_SYMLINKS} symlinks on the way, or a loop`);
    const resolved = joinPath(resolution.path, baseName(path));
    refuseLength(resolved, name);
    return resolved;
  }

  #hasSymlinkAbove(path: ByteString): boolean {
    for (let above = parentPath(path); above !== ''; above = parentPath(above)) {
      if (this.#symlinks.has(above)) return true;
    }
    return false;
  }

  #symlinkAt(path: ByteString): LayerEntry | undefined {
    const placed = this.#symlinks.has(path) ? this.#entries.get(path) : undefined;
    return placed?.entry.type === 'symlink' && !this.#isHidden(path, placed.order) ? placed.entry : undefined;
  }

  /** True when something that is no directory took the place of a directory above it since. */
  #isHidden(path: ByteString, order: number): boolean {
    for (let above = parentPath(path); above !== ''; above = parentPath(above)) {
      if ((this.#lastNonDirectory.get(above) ?? -1) > order) return true;
    }
    return false;
  }

  /** True when something above took the entry away. @throws OciError when it was put below a thing that holds nothing */
  #isGone(path: ByteString, order: number): boolean {
    const hidable = this.#whiteouts.size > 0 && !isWhiteoutName(baseName(path));
    for (let above = parentPath(path); above !== ''; above = parentPath(above)) {
      if (hidable && (this.#whiteouts.get(above) ?? -1) > order) throw lateWhiteout(above);
      const when = this.#lastNonDirectory.get(above);
      if (when === undefined) continue;
      if (when > order) return true;
      const there = this.#entries.get(above);
      const holds = there?.order !== when || isWhiteoutName(baseName(above)) || this.#isHidden(above, when);
      if (!holds) {
        throw layerInvalid(path, `it is below a ${there.entry.type}`);
      }
    }
    return false;
  }
}

/** What resolving sees where no symlink of this layer is: it goes on as if a directory were there. */
const OTHER = { type: 'other', linkPath: '' };

/** Engines fail where the target of such a link is missing, and what became of the link afterwards does not matter. */
function refuseLost(placed: Placed | undefined): void {
  if (placed?.entry.linksBelow !== true) return;
  throw layerInvalid(
    placed.entry.path,
    'a hard link whose target is not an earlier entry of this layer and is replaced later in the layer',
  );
}

function lateWhiteout(path: ByteString): OciError {
  return layerInvalid(path, 'its whiteout comes after it in the same layer, which engines interpret differently');
}

function checkedPath(member: TarEntry): ByteString {
  const path = cleanPath(member.path);
  if (path === undefined) throw layerInvalid(member.path, 'the name has a .. component');
  if (path === '' && member.type !== 'directory')
    throw layerInvalid(member.path, `a ${member.type} in place of the root`);
  refuseLength(path, member.path);
  if (member.type === 'symlink' && member.linkPath === '') throw layerInvalid(path, 'a symlink without a target');
  if (member.type === 'char' && member.devMajor === 0 && member.devMinor === 0) {
    throw layerInvalid(path, 'a 0:0 character device, which overlayfs treats as a whiteout');
  }
  return path;
}

function refuseLength(path: ByteString, name: ByteString): void {
  if (path.length > PATH_MAX) throw layerInvalid(name, `a path of more than ${PATH_MAX} bytes`);
  if (path.length > NAME_MAX && path.split('/').some((part) => part.length > NAME_MAX)) {
    throw layerInvalid(name, `a name of more than ${NAME_MAX} bytes`);
  }
}

function layerEntry(member: TarEntry, path: ByteString, { offset, ...content }: Place): LayerEntry {
  const xattrs = withoutOverlay(member.xattrs);
  return {
    path,
    type: member.type,
    mode: member.mode,
    uid: member.uid,
    gid: member.gid,
    size: member.size,
    mtime: member.mtime,
    linkPath: member.linkPath,
    devMajor: member.devMajor,
    devMinor: member.devMinor,
    offset: member.type === 'file' ? offset : 0,
    ...content,
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

function withoutOverlay(xattrs: TarEntry['xattrs']): TarEntry['xattrs'] {
  if (xattrs === undefined) return undefined;
  const kept = new Map([...xattrs].filter(([name]) => !isOverlayXattr(name)));
  return kept.size === 0 ? undefined : kept;
}
