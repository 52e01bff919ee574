import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { removeAll, startDetached, stateOf } from './support/containers.ts';
import { without, withoutRoot } from './support/lab.ts';
import { output, run } from './support/process.ts';
import { typeOnTerminal } from './support/terminal.ts';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const withoutPython = without('python3');

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
          // The new size gets there when it gets there; what is typed is echoed, so that it must not hold what is waited for.
          // One job: Ctrl-C between two of them would end the first, and the shell would go on to the second.
          ['', 'until stty size | grep -q "^44 1"; do sleep 0.1; done; sh -c "stty size; exec sleep 1000"\n'],
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
    await startDetached(builder, 'job', script, ['--isolation', isolation, '-e', 'WHO=me']);
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
    expect((await builder.run(['rm', 'job'])).stderr).toContain('You cannot remove a running container');
    await builder.output(['kill', 'job']);
    expect(await waiting).toBe('137\n');
    expect(await builder.output(['logs', '--tail', '1', '-t', 'job'])).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z started me\n$/,
    );
  });

  it('follows a log to its end', async () => {
    await startDetached(builder, 'talks', 'for i in 1 2 3; do echo $i; sleep 0.3; done', ['--isolation', isolation]);
    expect(await builder.output(['logs', '-f', 'talks'])).toBe('1\n2\n3\n');
  });

  it('keeps what two containers change apart, and the image as it is', async () => {
    const change = (name: string) => `echo ${name} > /etc/own; rm -f /bin/vi; echo ${name} >> /etc/passwd; sleep 1000`;
    for (const name of ['one', 'two']) {
      await startDetached(builder, name, change(name), ['--isolation', isolation]);
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

describe.skipIf(withoutRoot)('build --debug-shell (needs root)', () => {
  it.each(['auto', 'namespaces'])(
    'opens a shell in the state before the RUN that failed, isolation %s',
    async (isolation) => {
      const builder = await tsbuild();
      const Dockerfile =
        'FROM busybox\nENV A=b\nRUN echo before > /before\nWORKDIR /w\nRUN --mount=type=tmpfs,target=/mem echo x > /broken; exit 9\n';
      const { words, env } = builder.commandLine([
        'build',
        '--isolation',
        isolation,
        '--debug-shell',
        await contextOf({ Dockerfile }),
      ]);
      const [program = '', ...rest] = words;
      const input = 'cat /before; echo $A; pwd; ls /broken 2>/dev/null || echo gone; mount | grep -c " /mem "\n';
      const ended = await run(program, rest, { env, input });
      expect(ended.stdout).toBe('before\nb\n/w\ngone\n1\n');
      expect(ended.exitCode).toBe(1);
      expect(ended.stderr).toContain('exit code: 9');
    },
  );
});
