import { type BlobInfo, type ByteString, byteStringToUtf8, IMPLIED_DIRECTORY, type LayerEntry } from '@tsbuild/oci';
import { baseName, isWhiteoutName, joinPath, parentPath, parseWhiteout } from '@tsbuild/oci/internal';
import type { LayerIndex, RootfsTree } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { SnapshotFiles, type SnapshotTools } from './snapshot-files.ts';

/**
 * True when a layer means the same whatever is below it: every entry's parents are in it as directories, and nothing is
 * removed or linked to from there. Its directory can then serve every image that has the layer.
 */
export function isSelfContained(index: LayerIndex): boolean {
  if (index.linksBelow > 0) return false;
  const directories = new Set<ByteString>(['']);
  for (const entry of index.entries()) {
    if (!directories.has(parentPath(entry.path)) || isWhiteoutName(baseName(entry.path))) return false;
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
  tools: SnapshotTools,
): Promise<void> {
  const files = new SnapshotFiles(root, tools);
  try {
    const removed: ByteString[] = [];
    const links: LayerEntry[] = [];
    for (const entry of index.entries()) {
      if (entry.path === '') continue;
      await addParents(files, parentPath(entry.path), layer, index, below);
      const whiteout = parseWhiteout(entry.path);
      // An opaque directory hides its children, as `hide` does of any directory that is there.
      if (whiteout !== undefined) removed.push(whiteout.path);
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

/** Makes the directories above an entry that the layer does not describe itself, as the layers below have them. */
async function addParents(
  files: SnapshotFiles,
  path: ByteString,
  layer: BlobInfo,
  index: LayerIndex,
  below: RootfsTree,
): Promise<void> {
  if (files.hasDirectory(path)) return;
  await addParents(files, parentPath(path), layer, index, below);
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
  files: SnapshotFiles,
  link: LayerEntry,
  below: RootfsTree,
  firstNames: Map<ByteString, ByteString>,
): Promise<void> {
  const parent = below.resolve(parentPath(link.linkPath));
  const target = parent === undefined ? undefined : below.lookup(joinPath(parent, baseName(link.linkPath)));
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
function hide(files: SnapshotFiles, path: ByteString, index: LayerIndex, below: RootfsTree): void {
  const lower = below.lookup(path);
  if (lower === undefined) return;
  if (files.hasDirectory(path)) {
    if (lower.type !== 'directory') return;
    for (const child of below.list(path)) hide(files, child.path, index, below);
  } else if (index.get(path) === undefined) {
    files.whiteout(path);
  }
}
