import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readlinkSync, readSync } from 'node:fs';
import { CAPABILITY_XATTR, type RawPath } from '@tsbuild/oci/internal';
import type { RootfsEntry } from '@tsbuild/oci/node';
import type { DiskOwners } from '../disk/disk-owners.ts';
import type { FileFacts } from '../disk/file-facts.ts';

const READ_SIZE = 256 * 1024;

/**
 * True when a file that was copied up is still what the layers below say: same type, mode, owner, time, capabilities, size
 * and content. The content is always compared: a program can set a time back to the nanosecond (strip-nondeterminism,
 * objcopy -p), and the ctime of a copy says nothing of the original's.
 */
export function isUnchanged(
  lower: RootfsEntry,
  facts: FileFacts,
  path: RawPath,
  capability: Uint8Array | undefined,
  owners: DiskOwners,
): boolean {
  if (!hasSameMetadata(lower, facts, owners)) return false;
  if (facts.mtime.seconds !== lower.mtime.seconds || facts.mtime.nanoseconds !== lower.mtime.nanoseconds) return false;
  if (facts.type === 'directory') return true;
  if (facts.type === 'symlink') return readlinkSync(path, { encoding: 'latin1' }) === lower.linkPath;
  if (facts.type !== 'file') return facts.devMajor === lower.devMajor && facts.devMinor === lower.devMinor;
  if (facts.size !== lower.size || !isSameValue(capability, lower.xattrs?.get(CAPABILITY_XATTR))) return false;
  return hashFile(path) === lower.contentSha256;
}

function hasSameMetadata(lower: RootfsEntry, facts: FileFacts, owners: DiskOwners): boolean {
  return (
    lower.type === facts.type &&
    (facts.type === 'symlink' || lower.mode === facts.mode) &&
    owners.uid(lower.uid) === facts.uid &&
    owners.gid(lower.gid) === facts.gid
  );
}

function isSameValue(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}

function hashFile(path: RawPath): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const sha256 = createHash('sha256');
    const buffer = Buffer.allocUnsafe(READ_SIZE);
    for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer))
      sha256.update(buffer.subarray(0, length));
    return sha256.digest('hex');
  } finally {
    closeSync(fd);
  }
}
