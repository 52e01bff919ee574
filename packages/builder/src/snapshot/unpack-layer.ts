import { type BlobInfo, type ByteString, byteStringToUtf8, IMPLIED_DIRECTORY, type LayerEntry } from '@tsbuild/oci';
import type { LayerIndex, RootfsTree } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { Materializer } from './materialize.ts';
import type { MaterializeTools } from './materialize.ts';
import { nameOf, parentOf, join } from '../disk/raw-path.ts';

/** Names with this prefix remove what is below (image-spec layer.md, "Whiteouts"). */
export const WHITEOUT_PREFIX = '.wh.';
const OPAQUE = '.wh..wh..opq';
const AUFS_PREFIX = '.wh..wh.';

/**
 * True when a layer means the same whatever is below it: every entry's parents are in it as directories, and nothing is
 * removed or linked to from there. Its directory can then serve every image that has the layer.
 */
export function isSelfContained(index: LayerIndex): boolean {
  if (index.linksBelow > 0) return false;
  const directories = new Set<ByteString>(['']);
  for (const entry of index.entries()) {
    if (!directories.has(parentOf(entry.path)) || nameOf(entry.path).startsWith(WHITEOUT_PREFIX)) return false;
    if (entry.type === 'directory') directories.add(entry.path);
  }
  return true;
}

/**
 * Writes a layer into an empty directory in the form that overlayfs stacks: removed paths as devices 0:0. Whiteouts are
 * made only for what is there to hide, and opaque directories hide their lower children one by one, so that no
 * extended attribute is needed and root and ordinary users read the directory alike.
 * @param below the layers under this one
 */
export async function unpackLayer(
  root: string,
  layer: BlobInfo,
  index: LayerIndex,
  below: RootfsTree,
  tools: MaterializeTools,
): Promise<void> {
  const files = new Materializer(root, tools);
  try {
    const removed: ByteString[] = [];
    const links: LayerEntry[] = [];
    for (const entry of index.entries()) {
      if (entry.path === '') continue;
      await addParents(files, parentOf(entry.path), layer, index, below);
      const removes = removedPath(entry.path);
      if (removes !== undefined) removed.push(...removes);
      else if (entry.type === 'hardlink') links.push(entry);
      else if (!files.hasDirectory(entry.path)) await files.add(entry, layer.digest);
    }
    const firstNames = new Map<ByteString, ByteString>();
    for (const link of links) {
      if (link.linksBelow === true) await linkBelow(files, link, below, firstNames);
      else files.link(link.linkPath, link.path);
    }
    for (const path of new Set(removed)) hide(files, path, index, below);
    files.finish();
  } finally {
    files.close();
  }
}

/** What a whiteout removes; undefined for other entries, nothing for AUFS's own leftovers. An opaque one removes children. */
function removedPath(path: ByteString): readonly ByteString[] | undefined {
  const name = nameOf(path);
  if (!name.startsWith(WHITEOUT_PREFIX)) return undefined;
  if (name === OPAQUE) return [parentOf(path)];
  return name.startsWith(AUFS_PREFIX) ? [] : [join(parentOf(path), name.slice(WHITEOUT_PREFIX.length))];
}

/** Makes the directories above an entry that the layer does not describe itself, as the layers below have them. */
async function addParents(
  files: Materializer,
  path: ByteString,
  layer: BlobInfo,
  index: LayerIndex,
  below: RootfsTree,
): Promise<void> {
  if (files.hasDirectory(path)) return;
  await addParents(files, parentOf(path), layer, index, below);
  const own = index.get(path);
  const lower = own === undefined ? below.lookup(path) : undefined;
  if (own !== undefined) await files.add(own, layer.digest);
  else await files.add(lower?.type === 'directory' ? lower : { ...IMPLIED_DIRECTORY, path }, layer.digest);
}

/**
 * Makes a hard link to a file of the layers below: a copy, as the kernel makes one of each name that is written to. Names of
 * this layer for the same file are one.
 */
async function linkBelow(
  files: Materializer,
  link: LayerEntry,
  below: RootfsTree,
  firstNames: Map<ByteString, ByteString>,
): Promise<void> {
  const parent = below.resolve(parentOf(link.linkPath));
  const target = parent === undefined ? undefined : below.lookup(join(parent, nameOf(link.linkPath)));
  if (target === undefined || target.type === 'directory') {
    const name = byteStringToUtf8(link.path);
    throw new BuildError('LAYER_INVALID', `the layer entry ${name}: a hard link whose target is not in a lower layer`);
  }
  const key = target.hardLinkKey ?? target.path;
  const first = firstNames.get(key);
  if (first !== undefined && target.type === 'file') return files.link(first, link.path);
  firstNames.set(key, link.path);
  await files.add({ ...target, path: link.path }, target.layer);
}

/** Hides what the layers below have at `path`: with a whiteout, or child by child where this layer has a directory there. */
function hide(files: Materializer, path: ByteString, index: LayerIndex, below: RootfsTree): void {
  const lower = below.lookup(path);
  if (lower === undefined) return;
  if (files.hasDirectory(path)) {
    if (lower.type !== 'directory') return;
    for (const child of below.list(path)) hide(files, child.path, index, below);
  } else if (index.get(path) === undefined) {
    files.whiteout(path);
  }
}
