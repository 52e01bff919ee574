import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { boundsCapability } from './capabilities.ts';
import { findTool } from './host-tools.ts';
import { kernelSetting } from './procfs/kernel-setting.ts';

/** How unshare(1) makes a user namespace with the user's subordinate ids. */
export const withRanges = ['--user', '--map-root-user', '--map-auto'] as const;

const CAP_SYS_ADMIN = 21n;

const SETUID = 0o4000;

let refused: boolean | undefined;

/** Why ranges of ids cannot be mapped; undefined when they can. */
export function missingForRanges(): string | undefined {
  const newuidmap = findTool('newuidmap');
  if (newuidmap === undefined || findTool('newgidmap') === undefined) {
    return 'newuidmap is missing: install the package uidmap or shadow-utils';
  }
  const uid = process.getuid?.() ?? 0;
  const name = userName();
  if (name === undefined) return `user ${uid} has no entry in /etc/passwd`;
  for (const path of ['/etc/subuid', '/etc/subgid']) {
    if (!hasRange(kernelSetting(path) ?? '', name, uid))
      return `${name} has no range in ${path}: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`;
  }
  if (mayBeRefused(newuidmap)) {
    refused ??= isRefused();
    if (refused)
      return `newuidmap is setuid root, and this container has no CAP_SYS_ADMIN: in its image, setcap cap_setuid=ep ${newuidmap} && setcap cap_setgid=ep ${findTool('newgidmap')}`;
  }
  return undefined;
}

/**
 * The kernel writes an id map for whoever has CAP_SYS_ADMIN in the new namespace: its owner, or root around it. A setuid newuidmap is
 * no longer the owner, and root of a container usually lacks the capability; with file capabilities it stays the owner. Some
 * builds of it go back to the user by themselves, so this is only a reason to try.
 */
function mayBeRefused(newuidmap: string): boolean {
  return process.getuid?.() !== 0 && !boundsCapability(CAP_SYS_ADMIN) && (statSync(newuidmap).mode & SETUID) !== 0;
}

function isRefused(): boolean {
  const unshare = findTool('unshare');
  // Where the kernel forbids namespaces, `unshare --map-auto` leaves a process behind (see explainUserNamespaces).
  if (unshare === undefined || !succeeds(unshare, ['--user', '--map-root-user'])) return false;
  return !succeeds(unshare, withRanges);
}

function succeeds(unshare: string, options: readonly string[]): boolean {
  return spawnSync(unshare, [...options, '--', '/bin/sh', '-c', ':'], { stdio: 'ignore' }).status === 0;
}

/** True when a subuid(5) text gives the user a range. */
export function hasRange(text: string, name: string, uid: number): boolean {
  return text.split('\n').some((line) => {
    const [owner, start, count] = line.split(':');
    return (owner === name || owner === String(uid)) && start !== undefined && Number(count) > 0;
  });
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
