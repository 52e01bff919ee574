import { BuildError } from '../diagnostics/build-error.ts';
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

/** The capabilities by which root may read every file. */
const READS_ALL: readonly string[] = ['dac_override', 'dac_read_search'];

/**
 * For the two `setpriv` of a program that joins a sandbox (see namespaces-exec.ts). The bounding set is that of the command from the
 * `first` on; but until the program after the `last` one there is no right to read what nobody may read, though all
 * of them are root's.
 * @throws BuildError `SANDBOX_UNAVAILABLE` where the container could look into what joins it all the same
 */
export function joiningOptions(
  request: CapabilityRequest & Pick<RunSpec, 'noNewPrivileges'>,
  user: RunUser,
  ids: IdMaps,
): { readonly first: readonly string[]; readonly last: readonly string[] } {
  const granted = commandCapabilities(request, ids);
  if (granted.includes('sys_ptrace')) {
    throw new BuildError(
      'SANDBOX_UNAVAILABLE',
      'cannot join a container that has CAP_SYS_PTRACE: it could look into what joins it',
      {
        hint: 'Run it as root where runc is installed, or without --cap-add SYS_PTRACE.',
      },
    );
  }
  const [bounding = '', , ...more] = privilegeOptions({ ...request, capabilities: granted }, user, ids);
  // What is to have no new privileges (prctl(2)) has at most what the program before it had, so that one must have it.
  const kept = request.noNewPrivileges === true ? granted.filter((name) => !READS_ALL.includes(name)) : [];
  const list = ['-all', ...new Set(['+setpcap', ...kept.map((name) => `+${name}`)])].join(',');
  const borrowed = !granted.includes('setpcap');
  return {
    first: [
      `${bounding}${borrowed ? ',+setpcap' : ''}`,
      `--inh-caps=${list}`,
      `--ambient-caps=${list}`,
      '--securebits=+noroot',
    ],
    last: [
      ...(borrowed ? ['--bounding-set=-setpcap'] : []),
      '--inh-caps=-all', '--ambient-caps=-all', '--securebits=-noroot', ...more,
    ], // biome-ignore format: one program's options
  };
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
