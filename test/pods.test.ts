import { chmod, copyFile, cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Docker, startEngine } from './support/engine.ts';
import { docker, lab, withoutEngine } from './support/lab.ts';
import { type Ended, output } from './support/process.ts';
import { testUser } from './support/test-user.ts';
import { contextOf, scratch } from './support/tsbuild.ts';

const ACCOUNTS = 'root:x:0:0:root:/root:/bin/sh\nbuild:x:1000:1000::/tmp:/bin/sh\n';

/** The user has subordinate ids in this image (subuid(5)). */
const WITH_RANGES = 'tsbuild-pod-ranges';

/** An image of links only: programs and libraries are the machine's own, mounted read-only at /usr. */
async function importImage(engine: Docker): Promise<void> {
  const root = await scratch();
  for (const name of ['proc', 'sys', 'dev', 'etc', 'usr', 'tmp', 'tsbuild', 'context', 'case'])
    await mkdir(join(root, name));
  await writeFile(join(root, 'etc/passwd'), ACCOUNTS);
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) await output('ln', ['-s', `usr/${name}`, join(root, name)]);
  const archive = join(await scratch(), 'pod.tar');
  await output('tar', ['-C', root, '-cf', archive, '.']);
  await engine.output(['import', archive, 'tsbuild-pod']);
  for (const name of ['subuid', 'subgid']) await writeFile(join(root, 'etc', name), 'build:100000:65536\n');
  await output('tar', ['-C', root, '-cf', archive, '.']);
  await engine.output(['import', archive, WITH_RANGES]);
}

/** What a container is run with. */
interface Pod {
  readonly engine?: Docker;
  readonly image?: string;
  /** Of the container: `--user 1000`. */
  readonly rights: readonly string[];
}

describe.skipIf(withoutEngine)('in a container with exactly these rights (needs an engine)', () => {
  let context: string;
  beforeAll(async () => {
    await importImage(docker());
    context = await contextOf({
      Dockerfile: 'FROM busybox\nRUN id -u >/id\nCMD ["x"]\n',
      plain: 'FROM scratch\nCOPY plain /\n',
      owners: 'FROM busybox\nRUN touch /file && chown 12:34 /file && [ "$(stat -c %u:%g /file)" = 12:34 ]\n',
    });
  });

  /** Runs tsbuild in a container with a store of its own that has the bases. */
  const inPod = async (
    { engine = docker(), image = 'tsbuild-pod', rights }: Pod,
    args: readonly string[],
  ): Promise<Ended> => {
    const home = await scratch();
    await cp(lab.seed, join(home, 'store'), { recursive: true });
    await output('chmod', ['-R', 'a+rwX', home]);
    await chmod(home, 0o777);
    const mounts = ['/usr:/usr:ro', `${dirname(lab.cli)}:/tsbuild:ro`, `${context}:/context:ro`, `${home}:/case`];
    const options = [...mounts.flatMap((mount) => ['-v', mount]), '-e', 'HOME=/case', '-e', 'TSBUILD_ROOT=/case/store'];
    const command = [image, process.execPath, '/tsbuild/main.js', ...args];
    return engine.run(['run', '--rm', '--network', 'none', ...options, ...rights, ...command], { timeout: 60_000 });
  };
  const level = async (pod: Pod): Promise<{ readonly level: number; readonly missing: readonly string[] }> =>
    JSON.parse((await inPod(pod, ['doctor', '--format', 'json'])).stdout).level;

  const RESTRICTED: Pod = {
    rights: ['--user', '1000:1000', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
  };
  const ROOT: Pod = { rights: [] };
  const USER: Pod = { rights: ['--user', '1000:1000', '--security-opt', 'seccomp=unconfined'] };

  it('level 0, no privileges: everything but RUN, which says why', async () => {
    expect((await level(RESTRICTED)).level).toBe(0);
    expect(await inPod(RESTRICTED, ['build', '-f', '/context/plain', '/context'])).toMatchObject({ exitCode: 0 });
    const ended = await inPod(RESTRICTED, ['build', '/context']);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toContain('cannot make a user namespace');
  });

  it('level 1, root with the default capabilities: RUN with chroot, when that is asked for', async () => {
    expect((await level(ROOT)).level).toBe(1);
    const asked = await inPod(ROOT, ['build', '--isolation', 'chroot', '/context']);
    expect(asked).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('is no sandbox') });
    const alone = await inPod(ROOT, ['build', '/context']);
    expect(alone).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--isolation chroot') });
  });

  it('level 2, a user with user namespaces: RUN with the /proc of the container', async () => {
    expect((await level(USER)).level).toBe(2);
    const ended = await inPod(USER, ['build', '/context']);
    expect(ended).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('hides parts of /proc') });
  });

  it('level 2, where newuidmap is setuid and may not write id maps: says how it may, and takes one id', async () => {
    const pod: Pod = { ...USER, image: WITH_RANGES };
    expect((await level(pod)).missing.join()).toContain('setcap cap_setuid=ep');
    const ended = await inPod(pod, ['build', '/context']);
    expect(ended).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('only one user id is available') });
  });

  it('level 2, where newuidmap has file capabilities: RUN with the ids of all users', async () => {
    const programs = await scratch();
    const mounts: string[] = [];
    for (const [name, capability] of [
      ['newuidmap', 'cap_setuid'],
      ['newgidmap', 'cap_setgid'],
    ] as const) {
      const own = join(programs, name);
      await copyFile(`/usr/bin/${name}`, own);
      await chmod(own, 0o755);
      await output('setcap', [`${capability}=ep`, own]);
      mounts.push('-v', `${own}:/usr/bin/${name}:ro`);
    }
    await chmod(programs, 0o755);
    const pod: Pod = { image: WITH_RANGES, rights: [...USER.rights, ...mounts] };
    expect((await level(pod)).missing.join()).not.toContain('setcap');
    const ended = await inPod(pod, ['build', '-f', '/context/owners', '/context']);
    expect(ended).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('only one user id') });
  });

  it('level 3, root of a user namespace with CAP_SYS_ADMIN: RUN in a sandbox, with a /proc of its own', async () => {
    const { name } = await testUser();
    const { docker: engine, stop } = await startEngine(await scratch(), { 'userns-remap': name });
    try {
      await importImage(engine);
      const rights = ['--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'];
      // The masks on /proc that the engine makes are this root's own: they do not stand in the way of another /proc.
      for (const masks of [[], ['--security-opt', 'systempaths=unconfined']]) {
        const pod: Pod = { engine, rights: [...rights, ...masks] };
        expect(await level(pod)).toMatchObject({ level: 3, missing: [] });
        const ended = await inPod(pod, ['build', '-f', '/context/owners', '/context']);
        expect(ended).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('hides parts of /proc') });
      }
    } finally {
      await stop();
    }
  });
});
