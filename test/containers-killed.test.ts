import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { removeAll, startDetached, stateOf } from './support/containers.ts';
import { withoutRoot } from './support/lab.ts';
import { leftoversAfterDeath } from './support/leftovers.ts';
import { output } from './support/process.ts';
import { testUser } from './support/test-user.ts';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';

describe.skipIf(withoutRoot)('containers whose processes are killed (needs root)', () => {
  describe.each([
    ['auto', 'root'],
    ['namespaces', 'root'],
    ['auto', 'an ordinary user'],
  ])('isolation %s, as %s', (isolation, who) => {
    let builder: Tsbuild;
    const nap = 800_000_000 + process.pid;
    beforeAll(async () => {
      builder = await tsbuild(who === 'root' ? {} : { user: await testUser() });
    });
    afterEach(() => removeAll(builder));
    const start = async (name: string): Promise<void> => {
      await startDetached(builder, name, `sleep ${nap} & sleep ${nap}`, ['--isolation', isolation]);
    };
    const pidOf = async (name: string): Promise<number> =>
      Number(await builder.output(['inspect', '-f', '{{.State.Pid}}', name]));
    const monitorOf = async (name: string): Promise<number> => {
      const id = (await builder.output(['inspect', '-f', '{{.Id}}', name])).trim();
      return Number(await output('pgrep', ['-f', `__container-monitor ${builder.store} ${id}`]));
    };

    it('the command line: the container goes on', async () => {
      const child = builder.start(['run', '--name', 'cli', '--isolation', isolation, 'busybox', 'sleep', String(nap)]);
      for (let i = 0; i < 100 && (await builder.run(['exec', 'cli', 'true'])).exitCode !== 0; i++) await sleep(100);
      child.kill('SIGKILL');
      await sleep(300);
      expect(await stateOf(builder, 'cli')).toBe('running 0');
      await builder.output(['rm', '-f', 'cli']);
      expect(await leftoversAfterDeath(builder.store, String(nap))).toEqual([]);
    });

    it('the monitor: the container goes with it, which is told, and can be started again', async () => {
      await start('monitored');
      process.kill(await monitorOf('monitored'), 'SIGKILL');
      expect(await leftoversAfterDeath(builder.store, String(nap))).toEqual([]);
      expect(await stateOf(builder, 'monitored')).toBe('exited 137');
      expect(await builder.output(['ps', '-q'])).toBe('');
      await builder.output(['start', 'monitored']);
      expect(await stateOf(builder, 'monitored')).toBe('running 0');
      await builder.output(['rm', '-f', 'monitored']);
      expect(await leftoversAfterDeath(builder.store, String(nap))).toEqual([]);
    });

    it('the container: its monitor says so and ends', async () => {
      await start('killed');
      process.kill(await pidOf('killed'), 'SIGKILL');
      expect(await leftoversAfterDeath(builder.store, String(nap))).toEqual([]);
      expect(await stateOf(builder, 'killed')).toBe('exited 137');
      await builder.output(['rm', 'killed']);
      expect(await readdir(join(builder.store, 'containers'))).toEqual([]);
      const cgroups = await output('sh', ['-c', 'find /sys/fs/cgroup -path "*/tsbuild/*" -type d']);
      for (const each of cgroups.split('\n').filter((line) => line !== '')) {
        const [, pid = ''] = /\/tsbuild\/(\d+)-/.exec(each) ?? [];
        expect(await output('sh', ['-c', `test -d /proc/${pid} && echo alive || echo gone`]), each).toBe('alive\n');
      }
    });
  });
});

describe.skipIf(withoutRoot)('twenty containers of one image (needs root)', () => {
  it.each(['root', 'an ordinary user'])(
    "have the image's bytes on the disk once, as %s",
    async (who) => {
      const builder = await tsbuild(who === 'root' ? {} : { user: await testUser() });
      const Dockerfile = 'FROM busybox\nRUN dd if=/dev/urandom of=/big bs=1M count=40\n';
      await builder.build(await contextOf({ Dockerfile }), ['-t', 'big']);
      const names = Array.from({ length: 20 }, (_, i) => `c${i}`);
      const used = async (): Promise<number> => Number((await output('du', ['-sk', builder.store])).split('\t')[0]);
      await builder.output(['run', '--rm', 'big', 'true']);
      const before = await used();
      await Promise.all(
        names.map((name) =>
          builder.output([
            'run',
            '-d',
            '--name',
            name,
            'big',
            'sh',
            '-c',
            'echo $HOSTNAME > /own; md5sum /big; sleep 1000',
          ]),
        ),
      );
      expect((await builder.output(['ps', '-q'])).trim().split('\n')).toHaveLength(20);
      // Less than one copy of the image for all twenty together.
      expect((await used()) - before).toBeLessThan(10_000);
      const sums = await Promise.all(names.map((name) => builder.output(['exec', name, 'md5sum', '/big'])));
      expect(new Set(sums).size).toBe(1);
      await builder.output(['rm', '-f', ...names]);
      expect(await leftoversAfterDeath(builder.store)).toEqual([]);
    },
    400_000,
  );
});
