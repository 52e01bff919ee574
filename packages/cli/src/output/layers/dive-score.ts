import type { ByteString, LayerEntry } from '@tsbuild/oci';

/** What dive says of an image. */
interface DiveScore {
  /** 1 where nothing is there twice. */
  readonly score: number;
  /** Bytes of all versions of the paths that are in more than one layer. */
  readonly wasted: number;
  readonly references: readonly { readonly path: ByteString; readonly count: number; readonly bytes: number }[];
}

type Entry = Pick<LayerEntry, 'path' | 'type' | 'size'>;

interface Versions {
  count: number;
  bytes: number;
  least: number;
}

const WHITEOUT = '.wh.';

/**
 * The arithmetic of dive's `filetree.Efficiency`: for each path, the smallest size that it has in any layer by the sum of all. Directories
 * with something in them are left out. A whiteout counts as one more version of its path: of no bytes where it removes a file, and
 * of all that was below where it removes a directory, whose files then count twice and are held against nobody.
 * @param layers their entries, lowest layer first, whiteouts among them
 */
export function diveScore(layers: readonly Iterable<Entry>[]): DiveScore {
  const versions = new Map<ByteString, Versions>();
  const view = new Map<ByteString, Entry>();
  for (const layer of layers) {
    const entries = [...layer];
    const parents = new Set(entries.map(({ path }) => path.slice(0, Math.max(0, path.lastIndexOf('/')))));
    for (const entry of entries) {
      if (parents.has(entry.path)) continue;
      const { path, size } = shown(entry, view);
      const known = versions.get(path) ?? { count: 0, bytes: 0, least: size };
      versions.set(path, {
        count: known.count + 1,
        bytes: known.bytes + size,
        least: Math.min(known.least, size),
      });
    }
    stack(entries, view);
  }
  const all = [...versions.values()];
  const total = all.reduce((sum, { bytes }) => sum + bytes, 0);
  const least = all.reduce((sum, one) => sum + one.least, 0);
  const several = [...versions].filter(([, { count }]) => count > 1);
  return {
    score: total === 0 ? 1 : least / total,
    wasted: several.reduce((sum, [, { bytes }]) => sum + bytes, 0),
    references: several.flatMap(([path, { count, bytes }]) => (bytes > 0 ? [{ path, count, bytes }] : [])),
  };
}

/** An entry as dive counts it, over the layers below. */
function shown(entry: Entry, below: ReadonlyMap<ByteString, Entry>): Pick<Entry, 'path' | 'size'> {
  const removed = removedPath(entry.path);
  if (removed === undefined) return { path: entry.path, size: entry.type === 'file' ? entry.size : 0 };
  if (below.get(removed)?.type !== 'directory') return { path: removed, size: 0 };
  let size = 0;
  for (const [path, one] of below) if (path.startsWith(`${removed}/`) && one.type === 'file') size += one.size;
  return { path: removed, size };
}

function stack(entries: readonly Entry[], view: Map<ByteString, Entry>): void {
  for (const { path } of entries) {
    const removed = removedPath(path);
    if (removed === undefined) continue;
    if (view.get(removed)?.type === 'directory') {
      for (const below of view.keys()) if (below.startsWith(`${removed}/`)) view.delete(below);
    }
    view.delete(removed);
  }
  for (const entry of entries) if (removedPath(entry.path) === undefined) view.set(entry.path, entry);
}

/** What a whiteout removes; undefined of everything else. */
function removedPath(path: ByteString): ByteString | undefined {
  const name = path.lastIndexOf('/') + 1;
  return path.startsWith(WHITEOUT, name) ? path.slice(0, name) + path.slice(name + WHITEOUT.length) : undefined;
}
