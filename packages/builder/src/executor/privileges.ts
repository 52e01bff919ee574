import { BuildError } from '../errors.ts';
import { commandCapabilities, type CapabilityRequest } from './capabilities.ts';
import type { RunSpec, RunUser } from './executor.ts';
import type { IdMaps } from './id-map.ts';

/** For `setpriv`: the capabilities that stay, and whether more can come back. */
export function privilegeOptions(
  request: CapabilityRequest & Pick<RunSpec, 'noNewPrivileges'>,
  user: RunUser,
  ids: IdMaps,
): readonly string[] {
  const capabilities = commandCapabilities(request, ids);
  // The program that starts the command changes the root and the user with what is left by then.
  for (const needed of ['sys_chroot', ...(user.uid === 0 ? [] : ['setuid'])]) {
    if (capabilities.includes(needed)) continue;
    throw new BuildError('SANDBOX_UNAVAILABLE', `the capability ${needed.toUpperCase()} cannot be dropped here`, {
      hint: `Only runc can: run it as root where runc is installed, or keep the capability (--cap-add ${needed.toUpperCase()}).`,
    });
  }
  return [
    `--bounding-set=${['-all', ...capabilities.map((name) => `+${name}`)].join(',')}`,
    '--inh-caps=-all',
    ...(request.noNewPrivileges === true ? ['--no-new-privs'] : []),
  ];
}

/**
 * Groups are set by `setpriv`, while it may; the uid last of all, by the program that starts the command, which also
 * takes root's capabilities away.
 */
export function identityOptions(user: RunUser, ids: IdMaps): readonly string[] {
  const groups = user.groups.filter(ids.hasGid);
  for (const [id, has, kind] of [
    [user.uid, ids.hasUid, 'user'],
    [user.gid, ids.hasGid, 'group'],
  ] as const) {
    if (has(id)) continue;
    throw new BuildError(
      'SANDBOX_UNAVAILABLE',
      `cannot run as ${kind} ${id}: this user namespace has no such ${kind}`,
      {
        hint: rangesHint(id, kind, ids),
      },
    );
  }
  const change = user.gid === 0 ? [] : ['--regid', String(user.gid)];
  if (!ids.setgroups) return [...change, ...(change.length > 0 ? ['--keep-groups'] : [])];
  if (groups.length === 0) return ['--regid', String(user.gid), '--clear-groups'];
  return ['--regid', String(user.gid), '--groups', groups.join(',')];
}

/** With ranges that are there it is more ids that are missing, and not the ranges. */
function rangesHint(id: number, kind: 'user' | 'group', ids: IdMaps): string {
  const last = kind === 'user' ? ids.lastUid : ids.lastGid;
  const file = kind === 'user' ? '/etc/subuid' : '/etc/subgid';
  if (last > 0) {
    return `Its ids end at ${last}: add a longer range to ${file} (a COUNT of more than ${id}), choose a smaller number, or run tsbuild as root.`;
  }
  return 'Add ranges for this user to /etc/subuid and /etc/subgid (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME) and install newuidmap.';
}
