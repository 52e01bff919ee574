import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { RunSpec } from '../../src/executor/executor.ts';
import { NamespacesExecutor } from '../../src/executor/namespaces-executor.ts';
import { canMakeCgroups } from '../../src/executor/runc-executor.ts';
import { prepareProcess } from '../../src/executor/prepare-process.ts';
import { selectExecutor } from '../../src/executor/select.ts';
import { BusyboxRoot, IN_USER_NAMESPACE, NO_SANDBOX } from '../../testing/busybox-root.ts';
import { CapturedOutput } from '../../testing/captured-output.ts';

// As on a machine where the optional dependency is not installed.
vi.mock('koffi', () => {
  throw new Error('not installed');
});

const SKIP = NO_SANDBOX || (IN_USER_NAMESPACE || !canMakeCgroups() ? ' (needs cgroups)' : '');

describe.skipIf(SKIP !== '')(`namespaces without koffi${SKIP}`, () => {
  const signal = new AbortController().signal;
  const hierarchies = () => {
    const points = readFileSync('/proc/self/mountinfo', 'latin1').matchAll(/ (\/sys\/fs\/cgroup\S*) rw.* - cgroup2? /g);
    return [...points].map(([, point = '']) => point);
  };
  const left = () =>
    execFileSync('find', ['/sys/fs/cgroup', '-path', `*/tsbuild/${process.pid}-*`, '-type', 'd'], { encoding: 'utf8' });

  it.skipIf(!existsSync('/usr/bin/perl'))(
    'shows a user namespace no cgroups of the host, and leaves none behind (with perl)',
    async () => {
      using root = new BusyboxRoot();
      const victim = `tsbuild-victim-${process.pid}`;
      const victims = hierarchies().map((point) => join(point, victim));
      for (const path of victims) mkdirSync(path);
      try {
        const executor = new NamespacesExecutor({ scratch: join(root.directory, 'scratch') });
        const output = new CapturedOutput();
        // unshare(2) with CLONE_NEWUSER, NEWNS and NEWCGROUP: busybox knows the last one not.
        const attack = `syscall(${process.arch === 'x64' ? 272 : 97}, 0x12020000) == 0 or die $!;
        for (["setgroups", "deny"], ["uid_map", "0 0 1"], ["gid_map", "0 0 1"]) {
          open(my $f, ">", "/proc/self/$_->[0]"); syswrite $f, $_->[1]; } exec "/bin/sh", "-c", $ARGV[0];`;
        const types = [
          '-t cgroup2',
          ...['freezer', 'devices', 'memory', 'pids', 'cpu'].map((name) => `-t cgroup -o ${name}`),
        ];
        const mounts = `mkdir /cg; for t in ${types.map((type) => `"${type}"`).join(' ')}; do
        mount $t none /cg 2>/dev/null && { echo mounted; ls -d /cg/${victim} 2>/dev/null; umount /cg; }; done; true`;
        const spec = root.spec(['sh', '-c', 'grep Seccomp: /proc/self/status; exec perl -e "$0" "$1"', attack, mounts]);
        const lower = ['/usr', root.lower];
        await executor.run({ ...spec, root: { ...spec.root, lower } as RunSpec['root'] }, output, signal);
        // The attack itself works, or the test would show nothing.
        expect(output.out).toMatch(/Seccomp:\t0\nmounted\n/);
        expect(output.out).not.toContain(victim);
        expect(left()).toBe('');
      } finally {
        for (const path of victims) rmdirSync(path);
      }
    },
  );

  it('is said to lack a filter', async () => {
    using root = new BusyboxRoot();
    const notices: string[] = [];
    await prepareProcess('namespaces');
    await selectExecutor('namespaces', { scratch: root.directory, notice: (text) => notices.push(text) });
    expect(notices).toEqual([expect.stringMatching(/seccomp.*koffi/)]);
  });

  it('takes away what a killed process has left', async () => {
    using root = new BusyboxRoot();
    const child = spawn('sleep', ['0']);
    await new Promise((resolve) => child.once('exit', resolve));
    const stale = hierarchies().map((point) => join(point, 'tsbuild', `${child.pid}-1-abcdef012345`));
    for (const path of stale) mkdirSync(path, { recursive: true });
    const executor = new NamespacesExecutor({ scratch: join(root.directory, 'scratch') });
    await executor.run(root.spec(['true']), new CapturedOutput(), signal);
    const found = execFileSync('find', ['/sys/fs/cgroup', '-name', `${child.pid}-1-*`], { encoding: 'utf8' });
    expect(found).toBe('');
  });
});
