import { request } from 'node:http';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { without, withoutRoot } from './support/lab.ts';
import { leftoversAfterDeath } from './support/leftovers.ts';
import { output } from './support/process.ts';
import { typeOnTerminal } from './support/terminal.ts';
import { testUser } from './support/test-user.ts';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const withoutPython = without('python3');

async function removeAll(builder: Tsbuild): Promise<void> {
  const ids = (await builder.output(['ps', '-aq'])).split('\n').filter((id) => id !== '');
  if (ids.length > 0) await builder.output(['rm', '-f', ...ids]);
}

/** The exit code, what was written, and what is left of it: nothing, as each test checks. */
const stateOf = async (builder: Tsbuild, name: string): Promise<string> =>
  (await builder.output(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name])).trim();

describe.skipIf(withoutRoot).each(['auto', 'namespaces'])('tsbuild run, isolation %s (needs root)', (isolation) => {
  let builder: Tsbuild;
  beforeAll(async () => {
    builder = await tsbuild();
  });
  afterEach(() => removeAll(builder));
  const inNew = (...args: string[]) => builder.run(['run', '--rm', '--isolation', isolation, ...args]);

  it("gives the command's output and exit code, and leaves nothing behind", async () => {
    const ended = await inNew('busybox', 'sh', '-c', 'echo out; echo err >&2; exit 42');
    expect(ended).toEqual({ exitCode: 42, stdout: 'out\n', stderr: 'err\n' });
    expect(await builder.output(['ps', '-aq'])).toBe('');
    expect(await readdir(join(builder.store, 'containers'))).toEqual([]);
  });

  it('says 125, 126 and 127 as docker does', async () => {
    expect((await inNew('--no-such-option', 'busybox')).exitCode).toBe(125);
    expect((await inNew('busybox', '/etc/passwd')).exitCode).toBe(126);
    const missing = await inNew('busybox', 'no-such-program');
    expect(missing.exitCode).toBe(127);
    expect(missing.stderr).toContain('"no-such-program": executable file not found in $PATH');
  });

  it('honours ENTRYPOINT, CMD, ENV, WORKDIR, USER and VOLUME, and what changes them', async () => {
    const Dockerfile =
      'FROM busybox\nRUN mkdir /vol && echo kept > /vol/file\nENV A=1 B=2\nWORKDIR /work\nUSER 1000:1000\nVOLUME /vol\n' +
      'ENTRYPOINT ["sh", "-c"]\nCMD ["echo $A $B; pwd; id -u; cat /vol/file"]\n';
    await builder.build(await contextOf({ Dockerfile }), ['-t', 'settings']);
    expect((await inNew('settings')).stdout).toBe('1 2\n/work\n1000\nkept\n');
    const changed = await inNew(
      '-e',
      'B=3',
      '-e',
      'C=4',
      '-w',
      '/tmp',
      '-u',
      '0',
      'settings',
      'echo $A $B $C; pwd; id -u',
    );
    expect(changed.stdout).toBe('1 3 4\n/tmp\n0\n');
    expect((await inNew('--entrypoint', 'echo', 'settings', 'a', 'b')).stdout).toBe('a b\n');
  });

  it('shows directories and files of the machine, and keeps the rest away', async () => {
    const folder = await contextOf({ file: 'of the machine\n' });
    const script = 'cat /data/file /one; echo x > /data/file; echo y > /rw/new; df /mem | tail -1; touch /x';
    const mounts = [
      '-v',
      `${folder}:/data:ro`,
      '-v',
      `${folder}/file:/one`,
      '-v',
      `${folder}:/rw`,
      '--tmpfs',
      '/mem:size=1m',
    ];
    const ended = await inNew(...mounts, '--read-only', 'busybox', 'sh', '-c', script);
    expect(ended.stdout).toMatch(/^of the machine\nof the machine\n.*1024 .*\/mem\n$/s);
    expect(ended.stderr).toMatch(/\/data\/file: Read-only file system\n[^]*\/x: Read-only file system/);
    expect((await readdir(folder)).toSorted()).toEqual(['file', 'new']);
  });

  it('gives it input to the end, a host name, more hosts, and no network when told so', async () => {
    const { words, env } = builder.commandLine(['run', '--rm', '-i', '--isolation', isolation, 'busybox', 'wc', '-c']);
    const [program = '', ...rest] = words;
    expect((await output(program, rest, { env, input: 'x'.repeat(300_000) })).trim()).toBe('300000');
    const network = ['--network', 'none', '--hostname', 'ship', '--add-host', 'far:10.1.2.3'];
    const script = 'hostname; grep far /etc/hosts; grep -c : /proc/net/dev';
    expect((await inNew(...network, 'busybox', 'sh', '-c', script)).stdout).toBe('ship\n10.1.2.3\tfar\n1\n');
  });

  it.skipIf(withoutPython)(
    'is a terminal that has its size, its keys, and can be left and come back to (needs python3)',
    async () => {
      const terminal = (args: string[], steps: Parameters<typeof typeOnTerminal>[2]) =>
        typeOnTerminal(builder, args, steps);
      const first = await terminal(
        ['run', '-it', '--name', 'shell', '--isolation', isolation, 'busybox', 'sh'],
        [
          ['# ', 'tty; stty size\n'],
          ['30 90', { resize: [44, 120] }],
          ['', 'stty size; sleep 1000\n'],
          ['44 120', '\x03'],
          ['# ', 'echo left-$((40+2))\n'],
          ['left-42', '\x10\x11'],
        ],
      );
      expect(first).toMatchObject({ exitCode: 0, stderr: '' });
      expect(first.stdout).toContain('/dev/pts/0\n');
      expect(await stateOf(builder, 'shell')).toBe('running 0');
      const second = await terminal(
        ['attach', 'shell'],
        [
          ['', 'echo back-$((1+1))\n'],
          ['back-2', 'exit 9\n'],
        ],
      );
      expect(second.exitCode).toBe(9);
      expect(await stateOf(builder, 'shell')).toBe('exited 9');
      expect(await builder.output(['logs', 'shell'])).toContain('left-42');
    },
  );

  it('runs in the background: logs, exec, top, stop, start, wait, kill', async () => {
    const script = 'trap "echo told; exit 3" TERM; echo started $WHO; while :; do sleep 0.1; done';
    await builder.output([
      'run',
      '-d',
      '--name',
      'job',
      '--isolation',
      isolation,
      '-e',
      'WHO=me',
      'busybox',
      'sh',
      '-c',
      script,
    ]);
    expect(await builder.output(['ps', '--format', '{{.Names}} {{.State}}'])).toBe('job running\n');
    expect(
      await builder.output([
        'exec',
        '-e',
        'X=1',
        '-w',
        '/tmp',
        '-u',
        '33',
        'job',
        'sh',
        '-c',
        'echo $WHO $X; pwd; id -u',
      ]),
    ).toBe('me 1\n/tmp\n33\n');
    expect((await builder.run(['exec', 'job', 'sh', '-c', 'exit 8'])).exitCode).toBe(8);
    expect(await builder.output(['top', 'job', '-o', 'args'])).toContain('while :; do');
    await builder.output(['stop', 'job']);
    expect(await builder.output(['logs', 'job'])).toBe('started me\ntold\n');
    expect(await stateOf(builder, 'job')).toBe('exited 3');
    await builder.output(['start', 'job']);
    const waiting = builder.output(['wait', 'job']);
    await sleep(500);
    expect((await builder.run(['rm', 'job'])).stderr).toContain('cannot remove the running container');
    await builder.output(['kill', 'job']);
    expect(await waiting).toBe('137\n');
    expect(await builder.output(['logs', '--tail', '1', '-t', 'job'])).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z started me\n$/,
    );
  });

  it('follows a log to its end', async () => {
    await builder.output([
      'run',
      '-d',
      '--name',
      'talks',
      '--isolation',
      isolation,
      'busybox',
      'sh',
      '-c',
      'for i in 1 2 3; do echo $i; sleep 0.3; done',
    ]);
    expect(await builder.output(['logs', '-f', 'talks'])).toBe('1\n2\n3\n');
  });

  it('keeps what two containers change apart, and the image as it is', async () => {
    const change = (name: string) => `echo ${name} > /etc/own; rm -f /bin/vi; echo ${name} >> /etc/passwd; sleep 1000`;
    for (const name of ['one', 'two']) {
      await builder.output([
        'run',
        '-d',
        '--name',
        name,
        '--isolation',
        isolation,
        'busybox',
        'sh',
        '-c',
        change(name),
      ]);
    }
    await sleep(1000);
    for (const name of ['one', 'two'])
      expect(await builder.output(['exec', name, 'cat', '/etc/own'])).toBe(`${name}\n`);
    expect(await builder.output(['diff', 'one'])).toBe('C /bin\nD /bin/vi\nC /etc\nA /etc/own\nC /etc/passwd\n');
    expect((await inNew('busybox', 'cat', '/etc/own')).exitCode).toBe(1);
    const refused = await builder.run(['rmi', 'busybox']);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('must force');
  });
});

describe.skipIf(withoutRoot)('containers whose processes are killed (needs root)', () => {
  describe.each(['auto', 'namespaces'])('isolation %s', (isolation) => {
    let builder: Tsbuild;
    const nap = 800_000_000 + process.pid;
    beforeAll(async () => {
      builder = await tsbuild();
    });
    afterEach(() => removeAll(builder));
    const start = async (name: string): Promise<void> => {
      await builder.output([
        'run',
        '-d',
        '--name',
        name,
        '--isolation',
        isolation,
        'busybox',
        'sh',
        '-c',
        `sleep ${nap} & sleep ${nap}`,
      ]);
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
  it("have the image's bytes on the disk once", async () => {
    const builder = await tsbuild();
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
  }, 240_000);
});

const NETWORK_TOOLS = ['pasta', 'slirp4netns'].filter((name) => !without(name));

describe.skipIf(withoutRoot || NETWORK_TOOLS.length === 0)(
  'a server with a port (needs root, and pasta or slirp4netns)',
  () => {
    it.each(['root', 'an ordinary user'])('run -d -p, ps, curl, logs, exec, stop, rm as %s', async (who) => {
      // Debian gives users this device; a machine that keeps it for root has no user-mode networks.
      if (who !== 'root') await output('chmod', ['0666', '/dev/net/tun']);
      const builder = await tsbuild(who === 'root' ? {} : { user: await testUser() });
      const folder = await contextOf({ 'index.html': 'hello from the machine\n' });
      const Dockerfile =
        'FROM busybox\nEXPOSE 80\nCMD ["sh", "-c", "echo serving $GREETING; exec httpd -f -v -p 80 -h /www"]\n';
      await builder.build(await contextOf({ Dockerfile }), ['-t', 'my-app']);
      const port = 20_000 + (process.pid % 20_000) + (who === 'root' ? 0 : 1);
      const args = [
        '-d',
        '-p',
        `${port}:80`,
        '-e',
        'GREETING=hello',
        '-v',
        `${folder}:/www:ro`,
        '--name',
        'web',
        'my-app',
      ];
      expect(await builder.output(['run', ...args])).toMatch(/^[0-9a-f]{64}\n$/);
      expect(await builder.output(['ps', '--format', '{{.Names}} {{.Ports}}'])).toBe(`web 0.0.0.0:${port}->80/tcp\n`);
      expect(await get(port)).toBe('hello from the machine\n');
      const logs = builder.output(['logs', '-f', 'web']);
      expect(await builder.output(['exec', 'web', 'sh', '-c', 'echo $GREETING; ls /www'])).toBe('hello\nindex.html\n');
      await builder.output(['stop', '-t', '1', 'web']);
      expect(await logs).toContain('serving hello\n');
      expect(await builder.output(['ps', '-q'])).toBe('');
      expect(await builder.output(['ps', '-a', '--format', '{{.Names}} {{.State}}'])).toBe('web exited\n');
      await builder.output(['rm', 'web']);
      expect(await builder.output(['ps', '-aq'])).toBe('');
      expect(await leftoversAfterDeath(builder.store)).toEqual([]);
    });
  },
);

/** What a server answers; it may need a moment to come up. */
async function get(port: number): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await new Promise<string>((resolve, reject) => {
        request({ host: '127.0.0.1', port, path: '/' }, (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString())).once('end', () => resolve(body));
        })
          .once('error', reject)
          .end();
      });
    } catch (error) {
      if (attempt > 50) throw error;
      await sleep(100);
    }
  }
}
