import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { foreignArchitecture } from '../packages/builder/src/emulation/architectures.ts';
import { probeProgram } from '../packages/builder/src/emulation/probe-program.ts';
import { ordinaryUser } from '../packages/builder/testing/ordinary-user.ts';
import { removeAll } from './support/containers.ts';
import { type Foreign, foreign, foreignObstacle } from './support/foreign.ts';
import { without } from './support/lab.ts';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const obstacle = foreignObstacle();
const hasNetwork = ['pasta', 'slirp4netns'].some((name) => !without(name));

/** What a command is, and what it does against the mechanism that runs it. */
const CHECK = `echo machine=$(uname -m) children=$(echo a | (cat; uname -m) | wc -l) name=$(/bin/dash -c 'echo $0' own)
grep -c binfmt /proc/self/mountinfo
for try in 'mount -t binfmt_misc none /tmp' 'unshare -U true' 'sh -c "echo x >>/proc/1/exe"'; do
  if eval "$try" >/dev/null 2>&1; then echo "could: $try"; fi
done
exit 42`;

describe.skipIf(obstacle !== undefined)(
  `tsbuild run of an image for another platform (${obstacle ?? 'emulated'})`,
  () => {
    let files: Foreign;
    let image: string;
    let builder: Tsbuild;
    beforeAll(async () => {
      files = await foreign();
      // A word of zeros is no instruction (udf).
      const arm64 = foreignArchitecture('arm64');
      if (arm64 === undefined) throw new Error('arm64 is known');
      const crash = probeProgram({ ...arm64, exit: [0] });
      image = await contextOf({ Dockerfile: 'FROM scratch\nCOPY arm64 /\nCOPY --chmod=755 crash /\n', crash });
      await cp(join(files.systems, 'arm64'), join(image, 'arm64'), { recursive: true, verbatimSymlinks: true });
    });
    afterEach(() => removeAll(builder));
    const start = async (ids: 'subordinate' | 'single' | undefined): Promise<void> => {
      builder = await tsbuild({ bases: false, ...(ids === undefined ? {} : { user: ordinaryUser(ids) }) });
      await builder.output(['build', '-q', '--platform', 'linux/arm64', '-t', 'system', image]);
    };

    it.each([
      ['root, runc', [], undefined],
      ['root, util-linux', ['--isolation', 'namespaces'], undefined],
      ['user, subordinate ids', [], 'subordinate'],
      ['user, single id', [], 'single'],
    ] as const)('%s: its commands run, those of exec too, and again after a stop', async (_, args, ids) => {
      await start(ids);
      const { env } = files;
      const once = ['run', '--rm', ...args, '--platform', 'linux/arm64', 'system'];
      const ended = await builder.run([...once, 'sh', '-c', CHECK], { env });
      expect(ended).toMatchObject({ exitCode: 42, stdout: 'machine=aarch64 children=2 name=own\n0\n' });
      expect(ended.stderr).toContain('WARNING: an image for linux/arm64 runs emulated by qemu-aarch64 7.2');
      expect(await builder.run([...once, '/crash'], { env })).toMatchObject({ exitCode: 132 });
      // A network of its own, with a port that only root may listen on elsewhere.
      const port = ids === undefined && hasNetwork ? ['-p', `${20_000 + (process.pid % 20_000)}:80`] : [];
      const serve = `${port.length > 0 ? 'busybox httpd -p 80 -h /etc; ' : ''}exec sleep 1000`;
      const [look, seen] =
        port.length > 0
          ? ['until busybox wget -qO- http://127.0.0.1/group; do sleep 0.2; done', 'root:x:0:\nnobody:x:65534:\n']
          : [':', ''];
      const words = ['run', '-d', '--name', 'emulated', ...port, ...args, 'system', 'sh', '-c', serve];
      await builder.output(words, { env });
      for (const time of ['first', 'second']) {
        const inside = await builder.run(['exec', 'emulated', 'sh', '-c', `uname -m; ${look}; exit 3`]);
        expect({ time, ...inside }).toMatchObject({ time, exitCode: 3, stdout: `aarch64\n${seen}` });
        await builder.output(['stop', '-t', '0', 'emulated']);
        if (time === 'first') await builder.output(['start', 'emulated'], { env });
      }
      const refused = await builder.run(['start', 'emulated']);
      expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('does not run on this machine') });
      expect(refused.stderr).toContain('qemu-user-static');
    });

    it('says before anything is made that nothing emulates it, with 125, and what can be done', async () => {
      await start(undefined);
      for (const asked of [[], ['--platform', 'linux/arm64']]) {
        const { exitCode, stdout, stderr } = await builder.run(['run', ...asked, 'system', 'true']);
        expect([exitCode, stdout]).toEqual([125, '']);
        expect(stderr).toMatch(
          /^ERROR: an image for linux\/arm64 does not run on this machine \(linux\/\w+\): no emulator is /m,
        );
        for (const way of ['qemu-user-static', 'docker run --privileged --rm tonistiigi/binfmt', '--platform linux/'])
          expect(stderr).toContain(way);
      }
      expect(await builder.output(['ps', '-aq'])).toBe('');
    });
  },
);
