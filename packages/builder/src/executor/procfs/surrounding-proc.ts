import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import { requireTool } from '../host-tools.ts';

/** What a sandbox has as /proc: one of its own pid namespace, or the one around it. */
export type ProcSource = 'fresh' | 'shared';

/** Where every kernel has an empty directory made for mounting on: nothing is hidden by that. */
const EMPTY_BY_NATURE = /^\/sys\/fs\/binfmt_misc$/;

/**
 * Whether nothing covers a part of some /proc, by the text of /proc/self/mountinfo. A user namespace may mount a fresh
 * procfs only where its mount namespace has a whole one already (`mount_too_revealing` in the kernel's fs/namespace.c):
 * else it would take off the masks that a container's runtime has put on.
 */
export function hasWholeProc(mountinfo: string): boolean {
  const mounts = mountinfo
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields.length > 6);
  const points = mounts.map(([, , , , point = '']) => point);
  return mounts.some((fields) => {
    const [, , , root, point = ''] = fields;
    if (root !== '/' || fields[fields.indexOf('-') + 1] !== 'proc') return false;
    return !points.some((other) => other.startsWith(`${point}/`) && !EMPTY_BY_NATURE.test(other.slice(point.length)));
  });
}

/**
 * The /proc that sandboxes of this process can have. Only where a part of /proc is covered, as in a container, it is tried:
 * that takes some ten milliseconds. A fresh one is always taken where there can be one.
 */
export function procSource(nested: boolean): ProcSource {
  if (!nested || hasWholeProc(readFileSync('/proc/self/mountinfo', 'latin1'))) return 'fresh';
  const args = ['--mount', '--pid', '--fork', '--kill-child=KILL', '--propagation', 'private', '--'];
  const { status, stderr } = spawnSync(
    requireTool('unshare'),
    [...args, requireTool('mount', 'mount'), '-n', '-t', 'proc', 'proc', '/proc'],
    { encoding: 'utf8', env: { PATH: SYSTEM_PATH, LC_ALL: 'C' } },
  );
  return status !== 0 && isRefused(stderr) ? 'shared' : 'fresh';
}

/** Whether `mount` says that the kernel does not want to show a whole /proc, and not that something else failed. */
export function isRefused(said: string): boolean {
  return /^mount: .*proc: .*(?:permission denied|not permitted)/im.test(said);
}
