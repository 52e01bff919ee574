import { BuildError } from '../errors.ts';
import { CAPABILITIES } from './capabilities.ts';
import type { RunUser } from './executor.ts';
import type { IdMaps } from './id-map.ts';

const BOUNDING_SET = `--bounding-set=-all,${CAPABILITIES.map((name) => `+${name}`).join(',')}`;

/** For `setpriv`: the capabilities that stay. */
export const CAPABILITY_OPTIONS = [BOUNDING_SET, '--inh-caps=-all'];

/**
 * For the `setpriv` of a program that joins a sandbox: the bounding set is that of the command, but until
 * {@link LAST_JOINING_OPTIONS} a program has CAP_SETPCAP only, though it is root's.
 */
export const JOINING_OPTIONS = [
  BOUNDING_SET, '--inh-caps=-all,+setpcap', '--ambient-caps=-all,+setpcap', '--securebits=+noroot',
] as const; // biome-ignore format: one list

/** For the `setpriv` after that: what is executed next has root's capabilities again, as far as the bounding set goes. */
export const LAST_JOINING_OPTIONS = ['--inh-caps=-all', '--ambient-caps=-all', '--securebits=-noroot'] as const;

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
        hint: 'Add ranges for this user to /etc/subuid and /etc/subgid (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME) and install newuidmap.',
      },
    );
  }
  const change = user.gid === 0 ? [] : ['--regid', String(user.gid)];
  if (!ids.setgroups) return [...change, ...(change.length > 0 ? ['--keep-groups'] : [])];
  if (groups.length === 0) return ['--regid', String(user.gid), '--clear-groups'];
  return ['--regid', String(user.gid), '--groups', groups.join(',')];
}
