import { readlinkSync } from 'node:fs';
import type { ByteString } from '@tsbuild/oci';
import { baseName, CAPABILITY_XATTR, parentPath, rawPath, type RawPath } from '@tsbuild/oci/internal';
import type { LayerWriter, NewLayerEntry } from '@tsbuild/oci/node';
import { ChangedContent } from './changed-content.ts';
import type { ChangedPath, Changes } from './diff.ts';
import type { DiskOwners } from '../disk/disk-owners.ts';
import type { LayerTimes } from './snapshotter.ts';

/**
 * Writes changes into a layer: byte order of full paths, except that a directory's whiteouts come before everything else
 * in it. Of the names of one file the first is the file and the others are hard links to it.
 * @throws OciError `LAYER_INVALID` when a file changes while it is read
 */
export async function writeLayer(
  root: string,
  changes: Changes,
  writer: LayerWriter,
  times: LayerTimes,
  owners: DiskOwners,
): Promise<void> {
  const base = Buffer.from(root);
  const steps = inOrder(changes);
  const names = firstNames(steps);
  const content = await ChangedContent.open(base, [...names.values()]);
  try {
    for (const { path, change } of steps) {
      if (change === undefined) {
        writer.whiteout(path);
        continue;
      }
      const first = change.facts.type === 'file' ? names.get(change.facts.inode)?.path : undefined;
      const entry = entryOf(change, base, times, owners, first);
      if (entry.type === 'file') await content.add(writer, entry);
      else writer.add(entry);
    }
  } finally {
    content.close();
  }
}

/** The files whose content goes into the layer, by inode, in the order of the layer. */
function firstNames(steps: readonly Step[]): ReadonlyMap<bigint, ChangedPath> {
  const first = new Map<bigint, ChangedPath>();
  for (const { change } of steps) {
    if (change?.facts.type === 'file' && !first.has(change.facts.inode)) first.set(change.facts.inode, change);
  }
  return first;
}

interface Step {
  readonly path: ByteString;
  readonly key: string;
  readonly change?: ChangedPath;
}

function inOrder({ changed, removed }: Changes): readonly Step[] {
  const steps: Step[] = changed.map((change) => ({ path: change.path, key: change.path, change }));
  for (const path of removed) {
    const parent = parentPath(path);
    // No name holds a zero byte, so this sorts before every name of the directory.
    steps.push({ path, key: `${parent === '' ? '' : `${parent}/`}\0${baseName(path)}` });
  }
  return steps.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function entryOf(
  { path, facts, lower, capability }: ChangedPath,
  root: RawPath,
  { epoch }: LayerTimes,
  owners: DiskOwners,
  first: ByteString | undefined,
): NewLayerEntry {
  const { seconds } = facts.mtime;
  // An owner that this machine could not give the file is still the one that the image says.
  const kept = lower !== undefined && owners.uid(lower.uid) === facts.uid && owners.gid(lower.gid) === facts.gid;
  const common = {
    path,
    mode: facts.type === 'symlink' ? 0o777 : facts.mode,
    uid: kept ? lower.uid : facts.uid,
    gid: kept ? lower.gid : facts.gid,
    mtime: { seconds: epoch === undefined ? seconds : Math.min(seconds, epoch), nanoseconds: 0 },
  };
  if (facts.type === 'whiteout' || facts.type === 'socket') throw new RangeError(`a ${facts.type} is no entry`);
  if (facts.type === 'symlink')
    return { ...common, type: 'symlink', linkPath: readlinkSync(rawPath(root, path), { encoding: 'latin1' }) };
  if (facts.type !== 'file') return { ...common, type: facts.type, devMajor: facts.devMajor, devMinor: facts.devMinor };
  const xattrs = capability === undefined ? {} : { xattrs: new Map([[CAPABILITY_XATTR, capability]]) };
  // Engines chown a link as they make it, which takes capabilities away: each name brings them again, as in their own layers.
  if (first !== undefined && first !== path) return { ...common, type: 'hardlink', linkPath: first, ...xattrs };
  return { ...common, type: 'file', size: facts.size, ...xattrs };
}
