import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SharedProc } from '../../src/executor/procfs/shared-proc.ts';
import { hasWholeProc, isRefused } from '../../src/executor/procfs/surrounding-proc.ts';
import { IN_USER_NAMESPACE, NO_SANDBOX } from '../../testing/busybox-root.ts';
import { asUser, ordinaryUser } from '../../testing/ordinary-user.ts';

const PROC = '21 1 0:19 / /proc rw,nosuid - proc proc rw';

describe('whether a whole /proc is in sight', () => {
  it.each([
    ['of a machine', [PROC], true],
    ['of a machine with systemd', [PROC, '30 21 0:26 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw'], true],
    ['in a container with masks', [PROC, '31 21 0:5 /null /proc/kcore rw - tmpfs tmpfs rw'], false],
    ['in a container whose /proc/sys is read-only', [PROC, '31 21 0:19 /sys /proc/sys ro - proc proc rw'], false],
    ['beside one with masks', [PROC, '31 21 0:5 / /proc/acpi ro - tmpfs x ro', PROC.replace('/proc', '/mnt')], true],
    ['of which only a part is mounted', [PROC.replace(' / ', ' /sys ')], false],
    ['with optional fields', [PROC.replace(' - ', ' shared:4 master:1 - ')], true],
    ['where none is mounted', ['21 1 0:19 / / rw - ext4 /dev/vda rw'], false],
  ])('%s', (_, lines, whole) => expect(hasWholeProc(`${lines.join('\n')}\n`)).toBe(whole));

  it('is told from other faults by what mount says', () => {
    expect(isRefused('mount: /proc: permission denied.\n')).toBe(true);
    expect(isRefused('mount: /proc: Operation not permitted.\n')).toBe(true);
    expect(isRefused('unshare: unshare failed: Operation not permitted\n')).toBe(false);
    expect(isRefused('mount: /proc: unknown filesystem type proc.\n')).toBe(false);
  });
});

describe('a shared /proc', () => {
  const argv = (capabilities: readonly string[]) => new SharedProc().take({ capabilities }, async () => 'ran');

  it('gives no capability by which a command could look into what starts others', async () => {
    expect(await argv(['chown', 'setuid'])).toBe('ran');
    for (const name of ['sys_ptrace', 'sys_admin']) {
      await expect(argv(['chown', name])).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
    }
    expect(() => new SharedProc().refuseToJoin()).toThrow(/cannot join/);
  });

  const skip = IN_USER_NAMESPACE || !existsSync('/usr/bin/newuidmap') ? ' (needs root and newuidmap)' : NO_SANDBOX;

  it.skipIf(skip !== '')(`keeps a command with the same rights from the last of the host's programs${skip}`, () => {
    const hiding = new SharedProc().hidingOptions({ hasUid: () => true });
    // What a command is in the moment before its root is changed, and what another command sees of it.
    const look = (options: readonly string[]): string => {
      const rights =
        '--regid=0 --clear-groups --bounding-set=-all,+chown,+setuid,+setgid,+dac_override --inh-caps=-all';
      const script = `setpriv ${options.join(' ')} ${rights} sleep 30 & p=/proc/$!
        until read -r name <"$p/comm" && [ "$name" = sleep ]; do sleep 0.05; done 2>/dev/null
        setpriv ${rights} sh -c 'for f in root cwd exe; do ls -d "$0/$f/." >/dev/null 2>&1 || readlink "$0/$f" >/dev/null 2>&1 || echo "no $f"; done; cat "$0/environ" >/dev/null 2>&1 || echo "no environ"; true' "$p"
        kill "$!"`;
      const words = [...asUser(ordinaryUser('subordinate')), 'unshare', '--user', '--map-root-user', '--map-auto'];
      return spawnSync('setpriv', [...words, 'sh', '-c', script], { encoding: 'utf8' }).stdout;
    };
    expect(look(hiding)).toBe('no root\nno cwd\nno exe\nno environ\n');
    expect(look([])).toBe('');
  });
});
