import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RunningCommand } from '../../src/executor/executor.ts';
import type { RootMount } from '../../src/disk/root-mount.ts';
import { NamespacesExecutor } from '../../src/executor/namespaces-executor.ts';
import { prepareProcess } from '../../src/executor/prepare-process.ts';
import { BusyboxRoot, NO_SANDBOX } from '../../testing/busybox-root.ts';
import { CapturedOutput } from '../../testing/captured-output.ts';
import { executorContract } from '../../testing/executor-contract.ts';
import { executorControlContract } from '../../testing/executor-control-contract.ts';
import { executorMountsContract } from '../../testing/executor-mounts-contract.ts';

beforeAll(() => prepareProcess('namespaces'));

executorContract('namespaces', {
  make: (scratch) => new NamespacesExecutor({ scratch }),
});

executorControlContract('namespaces', (scratch) => new NamespacesExecutor({ scratch }), NO_SANDBOX);

executorMountsContract('namespaces', {
  make: (scratch) => new NamespacesExecutor({ scratch }),
  skip: NO_SANDBOX,
});

describe.skipIf(NO_SANDBOX !== '')(`namespaces${NO_SANDBOX}`, () => {
  const signal = new AbortController().signal;

  it('says that the working directory is missing', async () => {
    using root = new BusyboxRoot();
    const executor = new NamespacesExecutor({ scratch: join(root.directory, 'scratch') });
    await expect(
      executor.run(root.spec(['pwd'], { cwd: '/nowhere' }), new CapturedOutput(), signal),
    ).rejects.toMatchObject({
      code: 'RUN_FAILED',
      message: 'cannot change to the working directory /nowhere: no such file or directory',
    });
  });

  it('joins no command that could look into what joins it', async () => {
    using root = new BusyboxRoot();
    const executor = new NamespacesExecutor({ scratch: join(root.directory, 'scratch') });
    const spec = root.spec(['sleep', '60'], { capabilities: ['sys_chroot', 'sys_ptrace'] });
    const controller = new AbortController();
    const ended = new Promise<unknown>((resolve) => {
      const started = (command: RunningCommand): void => {
        const more = { argv: ['true'], env: [], cwd: '/', user: { uid: 0, gid: 0, groups: [0] } };
        resolve(command.exec(more, new CapturedOutput(), signal).catch((error: unknown) => error));
      };
      executor.run(spec, new CapturedOutput(), controller.signal, { started }).catch(resolve);
    });
    expect(await ended).toMatchObject({
      code: 'SANDBOX_UNAVAILABLE',
      message: expect.stringContaining('CAP_SYS_PTRACE'),
    });
    controller.abort(new Error('enough'));
  });

  it('says what of the set-up failed', async () => {
    using root = new BusyboxRoot();
    const executor = new NamespacesExecutor({ scratch: join(root.directory, 'scratch') });
    const spec = root.spec(['true']);
    const missing = { ...spec.root, lower: [join(root.directory, 'not-there')] };
    await expect(executor.run({ ...spec, root: missing }, new CapturedOutput(), signal)).rejects.toMatchObject({
      code: 'SANDBOX_UNAVAILABLE',
      message: expect.stringMatching(/^cannot set up the sandbox: mount: /),
      hint: expect.stringContaining('overlayfs'),
    });
  });

  it('refuses a variable that only the image could set safely, when the image cannot', async () => {
    using root = new BusyboxRoot();
    const executor = new NamespacesExecutor({ scratch: join(root.directory, 'scratch') });
    const setUp = root.spec(['rm', '/bin/env']);
    await executor.run(setUp, new CapturedOutput(), signal);
    const spec = { ...root.spec(['/bin/busybox', 'env']), env: ['LD_PRELOAD=/evil.so'] };
    const noEnv =
      setUp.root.kind === 'overlay' && spec.root.kind === 'overlay'
        ? { ...spec.root, lower: [root.lower, setUp.root.upper] }
        : spec.root;
    await expect(executor.run({ ...spec, root: noEnv }, new CapturedOutput(), signal)).rejects.toThrow(
      /LD_PRELOAD cannot be set/,
    );
  });

  it.skipIf(!existsSync('/usr/bin/perl'))('does not let a command out of its root by chroot (with perl)', async () => {
    using root = new BusyboxRoot();
    const executor = new NamespacesExecutor({ scratch: join(root.directory, 'scratch') });
    const output = new CapturedOutput();
    // The classic way out: a directory is open (or is the working directory) while the root moves below it.
    const script = `mkdir "/x"; opendir(my $d, "/"); chroot("/x") or die "chroot: $!"; chdir($d) or die "chdir: $!";
      chdir("..") for 1..64; chroot(".") or die "chroot: $!"; opendir(my $r, "/"); print join(" ", sort readdir $r), "\\n";`;
    const spec = root.spec(['perl', '-e', script]);
    const lower = ['/usr', root.lower];
    await executor.run({ ...spec, root: { ...spec.root, lower } as RootMount }, output, signal);
    expect(output.err).toBe('');
    expect(output.out).toContain(' x\n');
    expect(output.out).not.toContain(' home ');
    expect(output.out).not.toContain(' boot ');
  });
});
