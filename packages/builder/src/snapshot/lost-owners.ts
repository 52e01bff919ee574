import type { BlobInfo, Digest } from '@tsbuild/oci';
import type { LayerIndexStore } from '@tsbuild/oci/node';
import type { DiskOwners } from '../disk/disk-owners.ts';
import type { Changes } from './diff.ts';

/** Layers that were looked through: their first owner that cannot be on this disk, or that there is none. */
const known = new Map<Digest, string | undefined>();

/**
 * What to tell of a command whose files may have lost their owner: layers below have files of ids that this user cannot
 * map. They are root's while commands run; one that stays in its place keeps its owner, one that is moved or copied
 * becomes root's. Undefined where nothing can be lost, and with a single id, where every build says so.
 */
export async function lostOwners(
  changes: Changes,
  layers: readonly BlobInfo[],
  indexes: LayerIndexStore,
  owners: DiskOwners,
): Promise<string | undefined> {
  if (!owners.nested || owners.limited !== undefined) return undefined;
  if (!changes.changed.some(({ lower, facts }) => lower === undefined && facts.uid === 0)) return undefined;
  for (const { digest } of layers) {
    const owner = known.has(digest) ? known.get(digest) : await firstBeyond(digest, indexes, owners);
    known.set(digest, owner);
    if (owner === undefined) continue;
    return `the image has files owned by ${owner}, which is outside this user's id range: commands see them as owned by root, and files that a command moves or copies become root's; a larger range in /etc/subuid and /etc/subgid keeps the owner`;
  }
  return undefined;
}

async function firstBeyond(layer: Digest, indexes: LayerIndexStore, owners: DiskOwners): Promise<string | undefined> {
  for (const { uid, gid } of (await indexes.get(layer)).entries()) {
    if (owners.uid(uid) !== uid || owners.gid(gid) !== gid) return `${uid}:${gid}`;
  }
  return undefined;
}
