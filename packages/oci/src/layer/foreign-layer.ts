import type { ByteString } from '../byte-string.ts';
import type { OciError } from '../errors.ts';
import type { TarEntry } from '../tar/entry.ts';
import type { IndexBudget } from './index-budget.ts';
import type { LayerEntry } from './layer-entry.ts';
import { layerInvalid } from './layer-error.ts';
import type { LayerIndex } from './layer-index.ts';
import { LayerIndexBuilder } from './layer-index-builder.ts';
import { baseName, cleanPath, parentPath, PATH_MAX } from './layer-path.ts';
import { isOverlayXattr } from './overlay-xattr.ts';
import { isAufsMetadata, isWhiteoutName, parseWhiteout } from './whiteout.ts';

/** Longest file name that Linux takes, in bytes. */
const NAME_MAX = 255;

/** An entry with its place in the order of the archive. */
interface Placed {
  readonly entry: LayerEntry;
  readonly order: number;
  /** When something other than a directory last stood at its path; -1 for never. */
  readonly lastNonDirectory: number;
  /** Of a hard link: the file itself, as it was when the link came. */
  readonly target?: Placed;
}

/**
 * The entries of a layer that anyone may have written, taken as an engine would that extracts them in order:
 *
 * - names are cleaned (`./x`, `/x`, `x/`), the root's own entry is passed over, `..` is refused;
 * - of a path that comes twice the later counts; whatever is no directory takes what lay below it away;
 * - a hard link keeps the content that its target had when it came, and must point to an earlier entry of this layer; to
 *   anything but a file it is a copy of it;
 * - whiteouts that name nothing, 0:0 devices (overlayfs's own whiteouts) and entries below a file are refused, and
 *   overlayfs's attributes and AUFS's leftovers dropped.
 */
export class ForeignLayer {
  readonly #budget: IndexBudget;
  readonly #entries = new Map<ByteString, Placed>();
  /** Paths that something above took away; known when all entries are. */
  readonly #gone = new Set<ByteString>();
  /** For each removed path: when its whiteout came. */
  readonly #whiteouts = new Map<ByteString, number>();
  /** The directory looked at last that nothing could take away, as most entries come right after a neighbour. */
  #unharmed: ByteString | undefined;
  #order = 0;

  constructor(budget: IndexBudget) {
    this.#budget = budget;
  }

  /** Takes the next member of the archive. @throws OciError `LAYER_INVALID`, `LIMIT_EXCEEDED` */
  add(member: TarEntry, offset: number, contentSha256: string | undefined): void {
    const path = checkedPath(member);
    if (path === '' || isAufsMetadata(path)) return;
    const whiteout = parseWhiteout(path);
    if (whiteout?.kind === 'path') {
      if (this.#entries.has(whiteout.path)) throw lateWhiteout(whiteout.path);
      this.#whiteouts.set(whiteout.path, this.#order);
    }
    if (whiteout !== undefined && member.type === 'directory') throw layerInvalid(path, 'a directory as a whiteout');
    const order = this.#order++;
    const entry = layerEntry(member, path, offset, contentSha256);
    const placed = entry.type === 'hardlink' ? this.#link(entry) : { entry };
    this.#budget.spend(placed.entry);
    const lastNonDirectory =
      placed.entry.type === 'directory' ? (this.#entries.get(path)?.lastNonDirectory ?? -1) : order;
    this.#entries.set(path, { ...placed, order, lastNonDirectory });
  }

  /** The index of all that is left. @throws OciError `LAYER_INVALID` */
  index(): LayerIndex {
    const builder = new LayerIndexBuilder();
    for (const [path, { order }] of this.#entries) if (this.#isGone(path, order)) this.#gone.add(path);
    // Links whose target was replaced after they came: the first of them stands in as the file.
    const standIns = new Map<Placed, ByteString>();
    for (const [path, { entry, target }] of this.#entries) {
      if (this.#gone.has(path)) continue;
      if (target === undefined) {
        builder.add(entry);
      } else if (this.#entries.get(target.entry.path) === target && !this.#gone.has(target.entry.path)) {
        builder.add(entry);
      } else {
        const standIn = standIns.get(target);
        if (standIn === undefined) standIns.set(target, path);
        builder.add(standIn === undefined ? { ...target.entry, path } : { ...entry, linkPath: standIn });
      }
    }
    return builder.build();
  }

  #link(entry: LayerEntry): Pick<Placed, 'entry' | 'target'> {
    const target = this.#linkTarget(entry);
    if (target.entry.type !== 'file') return { entry: { ...target.entry, path: entry.path } };
    return { entry: { ...entry, linkPath: target.entry.path }, target };
  }

  #linkTarget(link: LayerEntry): Placed {
    const path = cleanPath(link.linkPath);
    const named = path === undefined || path === '' || path === link.path ? undefined : this.#entries.get(path);
    if (named === undefined || path === undefined || isWhiteoutName(baseName(path))) {
      throw layerInvalid(link.path, 'a hard link whose target is not earlier in the same layer');
    }
    const file = named.target ?? named;
    if (file.entry.type === 'directory') throw layerInvalid(link.path, 'a hard link to a directory');
    return file;
  }

  /** True when something above took the entry away. @throws OciError when it was put below a thing that holds nothing */
  #isGone(path: ByteString, order: number): boolean {
    const parent = parentPath(path);
    if (parent === this.#unharmed) return false;
    const hidable = this.#whiteouts.size > 0 && !isWhiteoutName(baseName(path));
    let isUnharmed = this.#whiteouts.size === 0;
    for (let above = parent; above !== ''; above = parentPath(above)) {
      if (hidable && (this.#whiteouts.get(above) ?? -1) > order) throw lateWhiteout(above);
      const there = this.#entries.get(above);
      if (there === undefined || there.lastNonDirectory < 0) continue;
      isUnharmed = false;
      const when = there.lastNonDirectory;
      if (when > order) return true;
      // Below a symlink engines follow it; that cannot be told from one layer, so the merged view decides.
      if (there.order === when && there.entry.type !== 'symlink' && !isWhiteoutName(baseName(above))) {
        throw layerInvalid(path, `it lies below a ${there.entry.type}`);
      }
    }
    if (isUnharmed) this.#unharmed = parent;
    return false;
  }
}

function lateWhiteout(path: ByteString): OciError {
  return layerInvalid(path, 'its whiteout comes after it in the same layer, which engines read differently');
}

function checkedPath(member: TarEntry): ByteString {
  const path = cleanPath(member.path);
  if (path === undefined) throw layerInvalid(member.path, 'the name has a .. component');
  if (path === '' && member.type !== 'directory')
    throw layerInvalid(member.path, `a ${member.type} in place of the root`);
  if (path.length > PATH_MAX) throw layerInvalid(member.path, `a path of more than ${PATH_MAX} bytes`);
  if (path.length > NAME_MAX && path.split('/').some((name) => name.length > NAME_MAX)) {
    throw layerInvalid(member.path, `a name of more than ${NAME_MAX} bytes`);
  }
  if (member.type === 'symlink' && member.linkPath === '') throw layerInvalid(path, 'a symlink without a target');
  if (member.type === 'char' && member.devMajor === 0 && member.devMinor === 0) {
    throw layerInvalid(path, 'a 0:0 character device, which overlayfs takes for a whiteout');
  }
  return path;
}

function layerEntry(member: TarEntry, path: ByteString, offset: number, contentSha256?: string): LayerEntry {
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
    ...(contentSha256 === undefined ? {} : { contentSha256 }),
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

function withoutOverlay(xattrs: TarEntry['xattrs']): TarEntry['xattrs'] {
  if (xattrs === undefined) return undefined;
  const kept = new Map([...xattrs].filter(([name]) => !isOverlayXattr(name)));
  return kept.size === 0 ? undefined : kept;
}
