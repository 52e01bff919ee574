import { beforeAll, describe, expect, it } from 'vitest';
import { lab, withoutRoot } from './support/lab.ts';
import { type Ended, run } from './support/process.ts';
import { type TestUser, testUser } from './support/test-user.ts';
import { contextOf, scratch } from './support/tsbuild.ts';

const WITHOUT_RUN = 'FROM scratch\nWORKDIR /app\nCOPY Dockerfile .\nCMD ["x"]\n';
const WITH_RUN = 'FROM scratch\nCOPY Dockerfile /\nRUN true\n';

/** Everything that a build in such a place needs. */
interface Place {
  build(dockerfile: string): Promise<Ended>;
  doctor(): Promise<Ended>;
}

async function place(
  command: (words: readonly string[], home: string) => Promise<Ended>,
  owner?: TestUser,
): Promise<Place> {
  const home = await scratch(owner);
  const tsbuild = (...words: readonly string[]): Promise<Ended> =>
    command([process.execPath, lab.cli, '--root', `${home}/store`, ...words], home);
  return {
    build: async (dockerfile) => tsbuild('build', await contextOf({ Dockerfile: dockerfile })),
    doctor: () => tsbuild('doctor'),
  };
}

describe.skipIf(withoutRoot)('in a pod without privileges (needs root, to give them up)', () => {
  let root: Place;
  let user: Place;
  beforeAll(async () => {
    root = await place((words, home) =>
      run('setpriv', ['--bounding-set=-all', '--inh-caps=-all', ...words], { env: { HOME: home } }),
    );
    const owner = await testUser();
    // A user namespace that has a user of its own, and allows no more user namespaces.
    const script =
      'echo 0 >/proc/sys/user/max_user_namespaces; chown -R 1000:1000 "$HOME"; exec setpriv --reuid=1000 --regid=1000 --clear-groups --bounding-set=-all "$@"';
    const identity = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--init-groups'];
    user = await place(
      (words, home) =>
        run(
          'setpriv',
          [...identity, 'unshare', '--user', '--map-root-user', '--map-auto', 'sh', '-c', script, 'sh', ...words],
          { env: { HOME: home } },
        ),
      owner,
    );
  });

  it.each(['root', 'user'])('a Dockerfile without RUN builds, as %s', async (who) => {
    const ended = await (who === 'root' ? root : user).build(WITHOUT_RUN);
    expect(ended).toMatchObject({ exitCode: 0 });
  });

  it('a RUN says what is missing, as root', async () => {
    const { exitCode, stderr } = await root.build(WITH_RUN);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('CAP_SYS_ADMIN is missing');
    expect(stderr).toContain('--privileged');
  });

  it('a RUN says what is missing, as a user', async () => {
    const { exitCode, stderr } = await user.build(WITH_RUN);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('allows no user namespaces (/proc/sys/user/max_user_namespaces is 0)');
    expect(stderr).toContain('sysctl user.max_user_namespaces');
  });

  it('tsbuild doctor says it, too', async () => {
    for (const where of [root, user]) {
      const { exitCode, stdout } = await where.doctor();
      expect(exitCode).toBe(1);
      expect(stdout).toMatch(/MISSING +namespaces/);
      expect(stdout).toContain('RUN does not work here. Dockerfiles without RUN');
    }
  });
});
