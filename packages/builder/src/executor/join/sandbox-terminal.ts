import { statSync } from 'node:fs';
import { requireTool } from '../host-tools.ts';
import BECOME from '../scripts/become.sh';
import DEVPTS from '../scripts/sandbox-devpts.sh';
import OWNER from '../scripts/terminal-owner.sh';
import { onTerminal, SIZE_TERMINAL } from '../terminal.ts';

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
  const holder = onTerminal(['/bin/sh', '-euc', `${SIZE_TERMINAL}${OWNER}${BECOME}`, 'terminal', ...command], 'here');
  return {
    command: [
      requireTool('nsenter'), `--mount=/proc/${parent}/ns/mnt`, `--root=/proc/${parent}/root`, '--wd=/', '--',
      requireTool('unshare'), '--mount', '--propagation', 'private', '--',
      '/bin/sh', '-euc', `${DEVPTS}${BECOME}`, 'terminal', ...holder,
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
