import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Executor, RunResult, RunSpec } from '../src/executor/executor.ts';
import { BusyboxRoot, IN_USER_NAMESPACE, NO_SANDBOX } from './busybox-root.ts';
import { CapturedOutput } from './captured-output.ts';

/** What an executor under test may lack, and how it is made. */
export interface ExecutorContractOptions {
  /** Makes the executor; `scratch` is a directory for it alone. */
  readonly make: (scratch: string) => Executor;
  /** Why it cannot run here, for the end of a title; empty when it can. */
  readonly skip?: string;
  /** It has neither namespaces nor mounts: what only they give is not asked for, and roots are whole copies. */
  readonly noSandbox?: boolean;
}

const DOCKER_CAPABILITIES = '00000000a80425fb';
/** Less CAP_NET_RAW, which in a user namespace counts for nothing there. */
export const HOST_NETWORK_CAPABILITIES = IN_USER_NAMESPACE ? DOCKER_CAPABILITIES : '00000000a80405fb';

/** The contract of the seam `Executor`, on real commands of a busybox system. */
export function executorContract(name: string, options: ExecutorContractOptions): void {
  const skip = options.skip ?? NO_SANDBOX;
  const { noSandbox = false } = options;
  describe.skipIf(skip !== '')(`executor contract: ${name}${skip}`, () => {
    let root: BusyboxRoot;
    let scratch: string;
    let executor: Executor;
    beforeAll(() => {
      root = new BusyboxRoot(undefined, noSandbox);
      scratch = mkdtempSync(join(tmpdir(), 'tsbuild-scratch-'));
      executor = options.make(scratch);
    });
    afterAll(() => {
      root[Symbol.dispose]();
      rmSync(scratch, { recursive: true, force: true });
    });

    const run = async (
      argv: readonly string[],
      more: Partial<RunSpec> = {},
    ): Promise<RunResult & { out: string; err: string }> => {
      const output = new CapturedOutput();
      const result = await executor.run(root.spec(argv, more), output, new AbortController().signal);
      return { ...result, out: output.out, err: output.err };
    };
    const sh = (script: string, more: Partial<RunSpec> = {}) => run(['sh', '-c', script], more);

    it('passes on output and the exit code', async () => {
      expect(await sh('echo to out; echo to err >&2; exit 7')).toEqual({
        exitCode: 7,
        out: 'to out\n',
        err: 'to err\n',
      });
    });

    it('gives 128 + n for death by a signal', async () => {
      expect((await sh("sh -c 'kill -9 $$'; exit $?")).exitCode).toBe(137);
    });

    it('says in its own words that a program is missing or cannot be run', async () => {
      expect(await run(['no-such-program'])).toMatchObject({
        exitCode: 127,
        out: '',
        err: expect.stringContaining('exec: "no-such-program": executable file not found in $PATH'),
      });
      expect(await run(['/no/such'])).toMatchObject({
        exitCode: 127,
        err: expect.stringContaining('exec: "/no/such": '),
      });
      expect(await run(['/etc/passwd'])).toMatchObject({
        exitCode: 126,
        err: expect.stringContaining('permission denied'),
      });
    });

    it('gives the environment as it is said and nothing of its own', async () => {
      process.env['TSBUILD_TEST_SECRET'] = 'secret';
      const { out } = await run(['env'], {
        env: ['PATH=/bin', 'HOME=/root', 'SPACES=a  b', 'EMPTY=', 'DOT.NAME=x', 'LINES=a\nb=c'],
      });
      expect(out.split('\n').toSorted().join('\n').trim()).toBe(
        'DOT.NAME=x\nEMPTY=\nHOME=/root\nLINES=a\nPATH=/bin\nSPACES=a  b\nb=c',
      );
    });

    it('sets variables that make programs load code for the command only', async () => {
      const { out, exitCode } = await run(['env'], {
        env: ['PATH=/bin', 'HOME=/root', 'LD_PRELOAD=/nowhere/evil.so', 'GCONV_PATH=/x'],
      });
      expect(exitCode).toBe(0);
      expect(out.trim().split('\n').toSorted()).toEqual([
        'GCONV_PATH=/x',
        'HOME=/root',
        'LD_PRELOAD=/nowhere/evil.so',
        'PATH=/bin',
      ]);
    });

    it.skipIf(noSandbox)('has an empty stdin, no descriptors of ours, umask 022 and is process 1', async () => {
      const { out } = await sh('cat; ls /proc/self/fd | tr "\\n" " "; umask; echo $$; ps >/tmp/ps; wc -l </tmp/ps');
      // 3 is the directory that ls reads; ps shows a heading, sh and ps.
      expect(out).toBe('0 1 2 3 0022\n1\n3\n');
    });

    it.skipIf(noSandbox)('lets commands open /dev/stdout and /dev/stderr, as an ordinary user too', async () => {
      expect(await sh('echo a >/dev/stdout; echo b >/dev/stderr')).toMatchObject({ out: 'a\n', err: 'b\n' });
      const user = { uid: 1000, gid: 1000, groups: [1000] };
      expect(await sh('echo a >/dev/stdout; echo b >/dev/stderr', { user })).toMatchObject({ out: 'a\n', err: 'b\n' });
    });

    it.skipIf(noSandbox)("has Docker's capabilities as root, none inheritable", async () => {
      const { out } = await sh('grep -E "Cap|NoNewPrivs" /proc/self/status');
      expect(Object.fromEntries([...out.matchAll(/(\w+):\s+(\w+)/g)].map(([, key, value]) => [key, value]))).toEqual({
        CapInh: '0'.repeat(16),
        CapPrm: HOST_NETWORK_CAPABILITIES,
        CapEff: HOST_NETWORK_CAPABILITIES,
        CapBnd: HOST_NETWORK_CAPABILITIES,
        CapAmb: '0'.repeat(16),
        NoNewPrivs: '0',
      });
    });

    it.skipIf(noSandbox)('runs as the user with the groups it is told, without capabilities', async () => {
      const { out } = await sh('id -u; id -g; id -G; grep CapEff /proc/self/status', {
        user: { uid: 1000, gid: 1000, groups: [1000, 1001, 27] },
      });
      expect(out).toBe(`1000\n1000\n1000 27 1001\nCapEff:\t${'0'.repeat(16)}\n`);
    });

    it('starts in the working directory', async () => {
      expect((await run(['pwd'], { cwd: '/etc' })).out).toBe('/etc\n');
    });

    it.skipIf(noSandbox)('has a hostname, a fresh /proc, a small /dev and no view of the host', async () => {
      const { out } = await sh(
        'hostname; ls /dev | tr "\\n" " "; echo; cat /proc/1/comm; test -s /proc/keys || echo masked; test -d /work || echo none',
      );
      expect(out).toBe(
        'buildkitsandbox\nfd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero \nsh\nmasked\nnone\n',
      );
      expect(execFileSync('hostname', { encoding: 'utf8' })).not.toBe('buildkitsandbox\n');
    });

    it.skipIf(noSandbox)('does not let a command write to /proc/sys or /sys, or mount', async () => {
      for (const script of [
        'echo 1 >/proc/sys/kernel/printk',
        'echo b >/proc/sysrq-trigger',
        'touch /sys/x',
        'touch /sys/fs/cgroup/x',
        'mount -t tmpfs x /tmp',
        'umount /proc',
        'head -c1 /proc/kcore | grep .',
      ]) {
        // biome-ignore format: one list
        expect((await sh(`${script} 2>/dev/null`)).exitCode, script).not.toBe(0);
      }
    });

    it.skipIf(noSandbox)('keeps a command with CAP_MKNOD from the disks of the host', async () => {
      const { out } = await sh(
        'for d in / /dev /dev/shm /tmp; do mknod $d/disk b 7 0 2>/dev/null; mknod $d/zero2 c 1 5 2>/dev/null; ' +
          'head -c1 $d/disk >/dev/null 2>&1 && echo opened $d/disk; done; mknod /fifo p && echo fifo; head -c1 /dev/zero | wc -c',
      );
      expect(out).toBe('fifo\n1\n');
    });

    it('keeps a command from changing the devices of the host', async () => {
      const state = (): string => {
        const { mode, uid, gid } = statSync('/dev/full');
        return [mode, uid, gid].join(' ');
      };
      const before = state();
      await sh('chmod 0600 /dev/full; chown 1:1 /dev/full; touch /dev/full; echo x >/dev/null');
      expect(state()).toBe(before);
    });

    it.skipIf(noSandbox)('filters system calls, and keeps a command from making user namespaces', async () => {
      expect((await sh('grep Seccomp: /proc/self/status')).out).toBe('Seccomp:\t2\n');
      expect((await sh('unshare -U true 2>/dev/null')).exitCode).not.toBe(0);
      expect(
        (await sh('unshare -Ur true 2>/dev/null', { user: { uid: 1000, gid: 1000, groups: [] } })).exitCode,
      ).not.toBe(0);
    });

    it.skipIf(noSandbox || !existsSync('/usr/bin/perl'))("keeps root's keys from a command (with perl)", async () => {
      // keyctl(2) 11 reads a ring, -4 is the ring of the user; add_key(2) puts one into it.
      const [keyctl, addKey] = process.arch === 'x64' ? [250, 248] : [219, 217];
      const script = `my ($t, $d, $b) = ("user\\0", "tsbuild\\0", "\\0" x 64); for my $ring (-4, -5) {
        print "read $ring\\n" if syscall(${keyctl}, 11, $ring, $b, 64, 0) >= 0;
        print "added to $ring\\n" if syscall(${addKey}, $t, $d, $b, 1, $ring) >= 0; } print "done\\n";`;
      const spec = root.spec([]);
      const perl = { ...spec.root, lower: ['/usr', root.lower] } as RunSpec['root'];
      expect((await run(['perl', '-e', script], { root: perl })).out).toBe('done\n');
    });

    it.skipIf(IN_USER_NAMESPACE || noSandbox)("lets a command listen to nobody on the host's network", async () => {
      const listens = 'grep CapBnd /proc/self/status';
      expect((await sh(listens)).out).toBe(`CapBnd:\t${HOST_NETWORK_CAPABILITIES}\n`);
      expect((await sh(listens, { network: 'none' })).out).toBe(`CapBnd:\t${DOCKER_CAPABILITIES}\n`);
      const asked = await sh(listens, { capabilities: ['net_raw', 'sys_chroot'] });
      expect(asked.out).toBe('CapBnd:\t0000000000042000\n');
    });

    it.skipIf(noSandbox)('gives a command no new privileges when that is asked for', async () => {
      expect((await sh('grep NoNewPrivs /proc/self/status', { noNewPrivileges: true })).out).toBe('NoNewPrivs:\t1\n');
    });

    it.skipIf(noSandbox)(
      'shows a user namespace no more of the machine: no /proc without masks, no writable /sys',
      async () => {
        const { out } = await sh(
          'mkdir /p; unshare -Urmpf mount -t proc proc /p 2>/dev/null && echo proc; unshare -Urmn mount -t sysfs sysfs /p 2>/dev/null && echo sysfs; true',
        );
        expect(out).toBe('');
      },
    );

    it.skipIf(noSandbox)('shows files of the host read-only', async () => {
      const source = join(scratch, 'hosts with space');
      writeFileSync(source, 'from the host\n');
      const files = [{ target: '/etc/passwd', source }];
      expect(await sh('cat /etc/passwd; echo x 2>/dev/null >/etc/passwd || echo refused', { files })).toMatchObject({
        out: 'from the host\nrefused\n',
      });
      expect(readFileSync(source, 'utf8')).toBe('from the host\n');
    });

    it.skipIf(noSandbox)("is on the host's network or on none", async () => {
      const server = createServer((socket) => socket.end('reached\n')).listen(0, '127.0.0.1');
      const port = await new Promise<number>((done) =>
        server.once('listening', () => done((server.address() as { port: number }).port)),
      );
      try {
        expect((await sh(`nc 127.0.0.1 ${port} </dev/null`)).out).toBe('reached\n');
        const none = await sh(`ls /sys/class/net; nc -w 1 127.0.0.1 ${port} </dev/null 2>&1`, { network: 'none' });
        expect(none.out).toMatch(/^lo\n/);
        expect(none.out).not.toMatch(/reached/);
      } finally {
        server.close();
      }
    });

    it('takes background processes down with the command, also those in a session of their own', async () => {
      // They would sleep for longer than the test may take.
      expect(await sh(`setsid sleep 4711${process.pid} & sleep 4711${process.pid} & echo on`)).toMatchObject({
        exitCode: 0,
        out: 'on\n',
      });
      expect(processesNamed(`sleep 4711${process.pid}`)).toEqual([]);
    });

    it('kills the command when it is aborted, and rejects with the reason', async () => {
      const reason = new Error('stop');
      for (const delay of [0, 5, 20, 60, 150]) {
        const controller = new AbortController();
        const running = executor.run(
          root.spec(['sh', '-c', `trap "" INT TERM; setsid sleep 4712${process.pid} & sleep 4712${process.pid}`], {
            user: { uid: 1000, gid: 1000, groups: [] },
          }),
          new CapturedOutput(),
          controller.signal,
        );
        void sleep(delay).then(() => controller.abort(reason));
        await expect(running).rejects.toBe(reason);
        expect(processesNamed(`sleep 4712${process.pid}`), `after ${delay} ms`).toEqual([]);
      }
    });

    it('is not deaf to an abort that comes while it makes its pipes', async () => {
      const reason = new Error('stop');
      const controller = new AbortController();
      // More at once than there can be pipes of earlier commands.
      const running = Array.from({ length: 8 }, () =>
        executor.run(root.spec(['sleep', `4713${process.pid}`]), new CapturedOutput(), controller.signal),
      );
      controller.abort(reason);
      const ends = await Promise.allSettled(running);
      expect(ends).toEqual(running.map(() => ({ status: 'rejected', reason })));
      expect(processesNamed(`sleep 4713${process.pid}`)).toEqual([]);
    });

    it('rejects at once when it is aborted before', async () => {
      await expect(
        executor.run(root.spec(['true']), new CapturedOutput(), AbortSignal.abort(new Error('before'))),
      ).rejects.toThrow('before');
    });

    it('passes on 100 MiB without a newline in flat memory', async () => {
      let bytes = 0;
      let peak = 0;
      const before = process.memoryUsage().rss;
      const output = {
        stdout: (chunk: Uint8Array) => {
          bytes += chunk.length;
          peak = Math.max(peak, process.memoryUsage().rss);
        },
        stderr: () => {},
      };
      const spec = root.spec(['dd', 'if=/dev/zero', 'bs=1M', 'count=100']);
      await executor.run(spec, output, new AbortController().signal);
      expect(bytes).toBe(100 * 1024 * 1024);
      expect(peak - before).toBeLessThan(64 * 1024 * 1024);
    });

    it('runs several commands at the same time', async () => {
      const results = await Promise.all([1, 2, 3, 4].map((n) => sh(`sleep 0.1; echo ${n}; exit ${n}`)));
      expect(results.map(({ exitCode, out }) => `${exitCode} ${out.trim()}`)).toEqual(['1 1', '2 2', '3 3', '4 4']);
    });

    it.skipIf(noSandbox)(
      'gives each of many commands in a row what is its own, and nothing of the ones before',
      async () => {
        const words = ["it's", '"$HOME" `x` $(x) \\', 'a\nb', 'é\u{1f4e6}', '', '-n', '#', '*'];
        for (const n of ['1', '2', '3', '4']) {
          const script = 'printf "%s|" "$(hostname)" "$A" "$(ls /dev/shm)" "$@"; echo "$A" >"/dev/shm/$A"';
          const { exitCode, out, err } = await run(['sh', '-c', script, 'x', ...words], {
            env: ['PATH=/bin', `A='${n}'`],
            hostname: `host${n}`,
          });
          expect({ exitCode, out, err }).toEqual({
            exitCode: 0,
            out: [`host${n}`, `'${n}'`, '', ...words, ''].join('|'),
            err: '',
          });
        }
      },
    );

    it.skipIf(noSandbox)('makes the next sandbox ready beside a command, and does not keep it long', async () => {
      const waiting = (): number => {
        const ours = execFileSync('ps', ['-ww', '-eo', 'ppid=,args='], { encoding: 'utf8' });
        return ours.split('\n').filter((line) => Number.parseInt(line) === process.pid && line.includes('read -r _ <&'))
          .length;
      };
      for (let i = 0; i < 3; i++) await sh('sleep 0.1');
      expect(waiting()).toBeGreaterThan(0);
      for (const until = Date.now() + 20_000; waiting() > 0 && Date.now() < until; ) await sleep(100);
      expect(waiting()).toBe(0);
      expect((await sh('echo again')).out).toBe('again\n');
    });

    it('leaves no mount behind', async () => {
      await sh('true');
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(scratch);
    });
  });
}

/** Command lines of processes that contain `text`, of the whole machine. */
export function processesNamed(text: string): readonly string[] {
  const all = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(text) && !line.includes('tsbuild-never'));
}
