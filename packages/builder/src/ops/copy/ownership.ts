import type { BlobStore } from '@tsbuild/oci';
import type { RootfsTree } from '@tsbuild/oci/node';
import { readTreeFile } from '../run/tree-file.ts';

/** Numeric owner of new files. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const ROOT: Owner = { uid: 0, gid: 0 };

/**
 * The owner that `--chown` or USER names: `user[:group]`, numbers as they are, names from the filesystem's own
 * /etc/passwd and /etc/group. A user alone brings its primary group (a numeric one: the group of the same number).
 * As in BuildKit, a user that is not there means 0, a group that is not there changes nothing, and `unknown` is told.
 */
export function resolveOwner(
  spec: string,
  tree: RootfsTree,
  blobs: BlobStore,
  unknown: (kind: 'user' | 'group', name: string) => void,
): Owner {
  if (spec === '') return ROOT;
  const colon = spec.indexOf(':');
  const user = colon < 0 ? spec : spec.slice(0, colon);
  const group = colon < 0 ? undefined : spec.slice(colon + 1);
  const found = lookUpUser(user, tree, blobs);
  if (found === undefined) unknown('user', user);
  const { uid, gid } = found ?? ROOT;
  if (group === undefined) return { uid, gid };
  return { uid, gid: resolveGroup(group, tree, blobs, unknown) ?? gid };
}

function lookUpUser(user: string, tree: RootfsTree, blobs: BlobStore): Owner | undefined {
  if (user === '') return ROOT;
  const number = idOf(user);
  if (number !== undefined) return { uid: number, gid: number };
  const row = findRow(readTreeFile(tree, blobs, 'etc/passwd'), user);
  const uid = idOf(row?.[2] ?? '');
  return uid === undefined ? undefined : { uid, gid: idOf(row?.[3] ?? '') ?? 0 };
}

function resolveGroup(
  group: string,
  tree: RootfsTree,
  blobs: BlobStore,
  unknown: (kind: 'user' | 'group', name: string) => void,
): number | undefined {
  if (group === '') return 0;
  const gid = idOf(group) ?? idOf(findRow(readTreeFile(tree, blobs, 'etc/group'), group)?.[2] ?? '');
  if (gid === undefined) unknown('group', group);
  return gid;
}

function findRow(file: Buffer | undefined, name: string): readonly string[] | undefined {
  for (const line of file?.toString('utf8').split('\n') ?? []) {
    const fields = line.split(':');
    if (fields[0] === name) return fields;
  }
  return undefined;
}

/** A decimal id that fits the kernel's 32 bits; -1 and its like are no ids. */
function idOf(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id < 0xffff_ffff ? id : undefined;
}
