import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { join, resolve } from 'node:path';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import { CopyingSnapshotter } from './copying-snapshotter.ts';
import { OverlaySnapshotter } from './overlay-snapshotter.ts';
import type { SnapshotterOptions } from './overlay-snapshotter.ts';
import { removeTree } from '../disk/remove-tree.ts';
import { ScratchSpace } from '../disk/scratch-space.ts';
import type { Snapshotter } from './snapshotter.ts';

/** Filesystems that are known to take overlayfs's upper directory (statfs(2)): ext2–4, xfs, btrfs, tmpfs, f2fs. */
const KNOWN_GOOD = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0xf2f52010]);

/** The snapshotter for this machine: overlayfs, or complete copies where it cannot be mounted, or `copies` asks for them. */
export async function selectSnapshotter(options: SnapshotterOptions, copies = false): Promise<Snapshotter> {
  if (copies) return new CopyingSnapshotter(options);
  if (await canOverlay(options.mounts)) return new OverlaySnapshotter(options);
  options.notice?.(
    'overlayfs cannot be mounted here, so every RUN copies its whole root filesystem: put the store on ext4, xfs or tmpfs',
  );
  return new CopyingSnapshotter(options);
}

/** Whether overlayfs can be mounted with its writable layer in `directory`, which is made when missing. */
export async function canOverlay(directory: string): Promise<boolean> {
  const mounts = resolve(directory);
  mkdirSync(mounts, { recursive: true, mode: 0o700 });
  return isSurelyPossible(mounts) || tryOverlay(mounts);
}

/** What can be told without trying, which takes ten milliseconds. */
function isSurelyPossible(directory: string): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const unprivileged = major > 5 || (major === 5 && minor >= 11);
  return (
    unprivileged &&
    KNOWN_GOOD.has(statfsSync(directory).type) &&
    /\toverlay$/m.test(readFileSync('/proc/filesystems', 'latin1'))
  );
}

async function tryOverlay(mounts: string): Promise<boolean> {
  const directory = await new ScratchSpace(mounts).create();
  try {
    for (const name of ['lower', 'upper', 'work', 'root']) mkdirSync(join(directory, name), { mode: 0o755 });
    const nested = !/^\s*0\s+0\s+4294967295/.test(readFileSync('/proc/self/uid_map', 'latin1'));
    const options = `${nested ? 'userxattr,' : ''}lowerdir=lower,upperdir=upper,workdir=work`;
    const script = `mount -n -t overlay -o ${options} overlay root && : >root/x`;
    const args = ['--mount', '--propagation', 'private', '/bin/sh', '-c', script];
    const env = { PATH: SYSTEM_PATH, LIBMOUNT_FORCE_MOUNT2: 'always' };
    execFileSync('unshare', args, { cwd: directory, stdio: 'ignore', env });
    return true;
  } catch {
    return false; // That is the answer.
  } finally {
    await removeTree(directory);
  }
}
