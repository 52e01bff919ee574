import { statSync } from 'node:fs';
import { requireTool } from '../host-tools.ts';
import { onTerminal } from '../terminal.ts';

/*
 * In a copy of the sandbox's mount namespace, on the root that the host's programs have there. "/.." is what lies on top
 * of that root, the sandbox's own: no path that a command could change leads there. A terminal of the machine would be one
 * that other users with the command's number can open.
 */
const PLACE = `"$MOUNT" -n -c --bind /../dev/pts /dev/pts
if [ "$("$STAT" -c %d /dev/pts)" = "$HOSTPTS" ] || [ "$("$STAT" -f -c %t /dev/pts)" != 1cd1 ]; then
  echo "the sandbox has no devpts at /dev/pts" >&2
  exit 1
fi
if [ ! -L /dev/ptmx ]; then "$MOUNT" -n -c --bind /dev/pts/ptmx /dev/ptmx; fi
# As root the host's /proc was taken away from the sandbox (see namespaces-executor.ts).
if [ ! -e /proc/self ]; then "$MOUNT" -n -t proc proc /proc; fi
exec "$@"`;

const OWNED = `"$STTY" $TTYSIZE
if [ "$TTYOWNER" != 0 ]; then "$CHOWN" "$TTYOWNER" /proc/self/fd/0; fi
exec "$@"`;

/**
 * Wraps a command so that its standard streams are a terminal of the devpts that a sandbox has at /dev/pts.
 * @param parent the process that started the sandbox's innermost namespaces
 * @param owner whom the terminal belongs to
 */
export function onTerminalOf(
  parent: number,
  owner: number,
  command: readonly string[],
): { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const holder = onTerminal(['/bin/sh', '-euc', OWNED, 'terminal', ...command], 'here');
  return {
    command: [
      requireTool('nsenter'), `--mount=/proc/${parent}/ns/mnt`, `--root=/proc/${parent}/root`, '--wd=/', '--',
      requireTool('unshare'), '--mount', '--propagation', 'private', '--',
      '/bin/sh', '-euc', PLACE, 'terminal', ...holder,
    ], // biome-ignore format: one program a line
    env: {
      MOUNT: requireTool('mount', 'mount'),
      STAT: requireTool('stat', 'coreutils'),
      CHOWN: requireTool('chown', 'coreutils'),
      HOSTPTS: String(statSync('/dev/pts', { throwIfNoEntry: false })?.dev ?? ''),
      TTYOWNER: String(owner),
    },
  };
}
