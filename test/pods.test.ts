import { chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { docker, lab, withoutEngine } from './support/lab.ts';
import { type Ended, output } from './support/process.ts';
import { contextOf, scratch } from './support/tsbuild.ts';

const ACCOUNTS = 'root:x:0:0:root:/root:/bin/sh\nbuild:x:1000:1000::/tmp:/bin/sh\n';

/** An image of links only: programs and libraries are the machine's own, mounted read-only at /usr. */
async function importImage(): Promise<void> {
  const root = await scratch();
  for (const name of ['proc', 'sys', 'dev', 'etc', 'usr', 'tmp', 'tsbuild', 'context', 'case'])
    await mkdir(join(root, name));
  await writeFile(join(root, 'etc/passwd'), ACCOUNTS);
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) await output('ln', ['-s', `usr/${name}`, join(root, name)]);
  const archive = join(await scratch(), 'pod.tar');
  await output('tar', ['-C', root, '-cf', archive, '.']);
  await docker().output(['import', archive, 'tsbuild-pod']);
}

describe.skipIf(withoutEngine)('in a container with exactly these rights (needs an engine)', () => {
  let context: string;
  beforeAll(async () => {
    await importImage();
    context = await contextOf({
      Dockerfile: 'FROM busybox\nRUN id -u >/id\nCMD ["x"]\n',
      plain: 'FROM scratch\nCOPY plain /\n',
    });
  });

  /** Runs tsbuild in a container with a store of its own that has the bases. */
  const inPod = async (rights: readonly string[], args: readonly string[]): Promise<Ended> => {
    const home = await scratch();
    await cp(lab.seed, join(home, 'store'), { recursive: true });
    await output('chmod', ['-R', 'a+rwX', home]);
    await chmod(home, 0o777);
    const mounts = ['/usr:/usr:ro', `${dirname(lab.cli)}:/tsbuild:ro`, `${context}:/context:ro`, `${home}:/case`];
    const options = [...mounts.flatMap((mount) => ['-v', mount]), '-e', 'HOME=/case', '-e', 'TSBUILD_ROOT=/case/store'];
    const command = ['tsbuild-pod', process.execPath, '/tsbuild/main.js', ...args];
    return docker().run(['run', '--rm', '--network', 'none', ...options, ...rights, ...command], { timeout: 60_000 });
  };
  const level = async (rights: readonly string[]): Promise<unknown> =>
    JSON.parse((await inPod(rights, ['doctor', '--format', 'json'])).stdout).level.level;

  const RESTRICTED = ['--user', '1000:1000', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
  const USER = ['--user', '1000:1000', '--security-opt', 'seccomp=unconfined'];

  it('level 0, no privileges: everything but RUN, which says why', async () => {
    expect(await level(RESTRICTED)).toBe(0);
    expect(await inPod(RESTRICTED, ['build', '-f', '/context/plain', '/context'])).toMatchObject({ exitCode: 0 });
    const ended = await inPod(RESTRICTED, ['build', '/context']);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toContain('cannot make a user namespace');
  });

  it('level 1, root with the default capabilities: RUN with chroot, when that is asked for', async () => {
    expect(await level([])).toBe(1);
    const asked = await inPod([], ['build', '--isolation', 'chroot', '/context']);
    expect(asked).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('is no sandbox') });
    const alone = await inPod([], ['build', '/context']);
    expect(alone).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--isolation chroot') });
  });

  it('level 2, a user with user namespaces: RUN with the /proc of the container', async () => {
    expect(await level(USER)).toBe(2);
    const ended = await inPod(USER, ['build', '/context']);
    expect(ended).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('hides parts of /proc') });
  });
});
