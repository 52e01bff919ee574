import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canMakeCgroups, findRuntime, RuncExecutor } from '../../src/executor/runc-executor.ts';
import { resolveSeccomp } from '../../src/executor/seccomp/seccomp-profile.ts';
import { BusyboxRoot, IN_USER_NAMESPACE, NO_SANDBOX } from '../../testing/busybox-root.ts';
import { CapturedOutput } from '../../testing/captured-output.ts';
import { executorContract } from '../../testing/executor-contract.ts';
import { executorControlContract } from '../../testing/executor-control-contract.ts';
import { executorMountsContract } from '../../testing/executor-mounts-contract.ts';
import { killTest } from '../../testing/kill-test.ts';

const runtime = findRuntime();
const SKIP =
  runtime === undefined
    ? ' (needs runc or crun)'
    : IN_USER_NAMESPACE || !canMakeCgroups()
      ? ' (needs cgroups)'
      : NO_SANDBOX;

executorContract('runc', {
  make: (scratch) => new RuncExecutor({ scratch, runtime: runtime ?? { kind: 'runc', path: '/usr/bin/runc' } }),
  skip: SKIP,
});

executorMountsContract('runc', {
  make: (scratch) => new RuncExecutor({ scratch, runtime: runtime ?? { kind: 'runc', path: '/usr/bin/runc' } }),
  skip: SKIP,
});

executorControlContract(
  'runc',
  (scratch) => new RuncExecutor({ scratch, runtime: runtime ?? { kind: 'runc', path: '/usr/bin/runc' } }),
  SKIP,
);

killTest('runc', SKIP);

describe.skipIf(SKIP !== '')(`runc${SKIP}`, () => {
  it('filters system calls, and leaves no cgroup behind, not even when it is aborted', async () => {
    using root = new BusyboxRoot();
    const executor = new RuncExecutor({ scratch: join(root.directory, 'scratch'), runtime: runtime ?? missing() });
    const output = new CapturedOutput();
    await executor.run(root.spec(['grep', 'Seccomp:', '/proc/self/status']), output, new AbortController().signal);
    expect(output.out).toBe(`Seccomp:\t2\n`);
    const controller = new AbortController();
    const running = executor.run(root.spec(['sleep', '4714']), output, controller.signal);
    setTimeout(() => controller.abort(new Error('stop')), 200);
    await expect(running).rejects.toThrow('stop');
    const left = execFileSync('find', ['/sys/fs/cgroup', '-path', `*/tsbuild/${process.pid}-*`, '-type', 'd'], {
      encoding: 'utf8',
    });
    expect(left).toBe('');
  });
});

function missing(): never {
  throw new Error('no runtime');
}

describe('the seccomp profile', () => {
  it('keeps the rules that hold for the architecture and the capabilities', () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      syscalls: [
        { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [] },
        { names: ['bpf'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
        { names: ['chroot'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_CHROOT'] } },
        { names: ['keyctl'], action: 'SCMP_ACT_ERRNO', errnoRet: 38, excludes: { caps: ['CAP_SYS_ADMIN'] } },
        { names: ['clone', 'unshare', 'add_key', 'fork'], action: 'SCMP_ACT_ALLOW' },
        { names: ['arch_prctl'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['amd64', 'x32'] } },
        { names: ['cacheflush'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['arm'] } },
      ],
    };
    expect(resolveSeccomp(profile, 'x64')).toEqual({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 1,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
      syscalls: [
        { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [] },
        { names: ['chroot'], action: 'SCMP_ACT_ALLOW' },
        { names: ['keyctl'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
        { names: ['fork'], action: 'SCMP_ACT_ALLOW' },
        { names: ['arch_prctl'], action: 'SCMP_ACT_ALLOW' },
        // No namespaces, whatever the profile says.
        {
          names: ['clone'],
          action: 'SCMP_ACT_ALLOW',
          args: [{ index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
        },
        { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
      ],
    });
    expect(resolveSeccomp(profile, 'mips')).toBeUndefined();
  });
});
