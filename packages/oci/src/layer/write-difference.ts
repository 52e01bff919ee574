import { type ByteString, compareByteStrings } from '../spec/byte-string.ts';
import type { FileReader } from './file-reader.ts';
import { baseName, parentPath } from './layer-path.ts';
import type { TreeComparison, TreeEntry } from './tree-comparison.ts';
import type { LayerWriter, NewLayerEntry } from './write.ts';

/** What goes into a layer that turns one tree into another. */
export interface LayerDifference<E extends TreeEntry> {
  /** In byte order: what is added or changed, with all names of a file and all directories above. */
  readonly changed: readonly E[];
  /** What is removed; not what goes with its directory. */
  readonly removed: readonly ByteString[];
}

/** What a layer must say of a comparison. */
export function layerDifference<B extends TreeEntry, A extends TreeEntry>({
  changes,
  directories,
}: TreeComparison<B, A>): LayerDifference<A> {
  const changed = new Map<ByteString, A>();
  const removed: ByteString[] = [];
  for (const { kind, path, after, withDirectory } of changes) {
    if (after !== undefined) changed.set(path, after);
    else if (kind === 'removed' && withDirectory !== true) removed.push(path);
    else continue;
    for (let parent = parentPath(path); parent !== '' && !changed.has(parent); parent = parentPath(parent)) {
      const directory = directories.get(parent);
      if (directory !== undefined) changed.set(parent, directory);
    }
  }
  return { changed: [...changed.values()].toSorted((a, b) => compareByteStrings(a.path, b.path)), removed };
}

/** Choices of {@link writeDifference}. */
export interface WriteDifferenceOptions {
  /** Later times become this one, in seconds since 1970 (SOURCE_DATE_EPOCH). */
  readonly epoch?: number;
  readonly signal?: AbortSignal;
}

/**
 * Writes a difference into a layer, in the one order there is: byte order of full paths, except that a directory's whiteouts
 * come before everything else in it. Of the names of one file the first is the file, the others are hard links to it.
 * @throws OciError `LAYER_INVALID` for what no layer can hold, and when a file changes while it is read
 */
export async function writeDifference<E extends TreeEntry>(
  difference: LayerDifference<E>,
  writer: LayerWriter,
  open: (entry: E) => FileReader,
  options: WriteDifferenceOptions = {},
): Promise<void> {
  const firstNames = new Map<string, E>();
  for (const { path, entry } of inOrder(difference)) {
    options.signal?.throwIfAborted();
    if (entry === undefined) {
      writer.whiteout(path);
      continue;
    }
    const key = entry.type === 'file' ? entry.hardLinkKey : undefined;
    const first = key === undefined ? undefined : firstNames.get(key);
    if (first !== undefined) {
      // Engines chown a link as they make it, which takes capabilities away: each name brings them again.
      const named = newEntry({ ...entry, ...(first.xattrs !== undefined && { xattrs: first.xattrs }) }, options);
      writer.add({ ...named, type: 'hardlink', linkPath: first.path, size: 0 });
    } else if (entry.type === 'file') await addFile(writer, newEntry(entry, options), () => open(entry));
    else writer.add(newEntry(entry, options));
    if (key !== undefined && first === undefined) firstNames.set(key, entry);
  }
}

interface Step<E> {
  readonly path: ByteString;
  readonly key: string;
  readonly entry?: E;
}

function inOrder<E extends TreeEntry>({ changed, removed }: LayerDifference<E>): readonly Step<E>[] {
  const steps: Step<E>[] = changed.map((entry) => ({ path: entry.path, key: entry.path, entry }));
  for (const path of removed) {
    const parent = parentPath(path);
    // No name holds a zero byte, so this sorts before every name of the directory.
    steps.push({ path, key: `${parent === '' ? '' : `${parent}/`}\0${baseName(path)}` });
  }
  return steps.toSorted((a, b) => compareByteStrings(a.key, b.key));
}

function newEntry(entry: TreeEntry, { epoch }: WriteDifferenceOptions): NewLayerEntry {
  const { path, type, uid, gid, mtime, xattrs, devMajor, devMinor, linkPath } = entry;
  const seconds = epoch === undefined ? mtime.seconds : Math.min(mtime.seconds, epoch);
  const common = {
    path,
    type,
    uid,
    gid,
    mode: type === 'symlink' ? 0o777 : entry.mode,
    mtime: { seconds, nanoseconds: 0 },
  };
  if (type === 'symlink') return { ...common, linkPath };
  if (type === 'char' || type === 'block') return { ...common, devMajor, devMinor };
  return { ...common, ...(type === 'file' && { size: entry.size }), ...(xattrs !== undefined && { xattrs }) };
}

async function addFile(writer: LayerWriter, entry: NewLayerEntry, open: () => FileReader): Promise<void> {
  if (entry.size === 0) {
    writer.add(entry);
    return;
  }
  const file = open();
  try {
    await writer.addFile(entry, (buffer) => file.read(buffer));
  } finally {
    file.close();
  }
}
