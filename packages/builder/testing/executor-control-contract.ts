import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecSpec, Executor, RunControl, RunningCommand, RunResult, RunSpec } from '../src/executor/executor.ts';
import { BusyboxRoot, NO_SANDBOX } from './busybox-root.ts';
import { CapturedOutput } from './captured-output.ts';
import { HOST_NETWORK_CAPABILITIES } from './executor-contract.ts';
import { JOIN_ATTACK } from './join-attack.ts';

/** The contract of `RunControl`: input, terminals, and further commands in a sandbox that runs. */
export function executorControlContract(name: string, make: (scratch: string) => Executor, skip = NO_SANDBOX): void {
  describe.skipIf(skip !== '')(`executor control contract: ${name}${skip}`, () => {
    let root: BusyboxRoot;
    let scratch: string;
    let executor: Executor;
    beforeAll(() => {
      root = new BusyboxRoot();
      scratch = mkdtempSync(join(tmpdir(), 'tsbuild-scratch-'));
      executor = make(scratch);
    });
    afterAll(() => {
      root[Symbol.dispose]();
      rmSync(scratch, { recursive: true, force: true });
    });

    const run = async (
      script: string,
      control: RunControl,
      changes: Partial<RunSpec> = {},
    ): Promise<RunResult & { out: string; err: string }> => {
      const output = new CapturedOutput();
      const spec = root.spec(['/bin/sh', '-c', script], changes);
      const result = await executor.run(spec, output, new AbortController().signal, control);
      return { ...result, out: output.out, err: output.err };
    };
    const execIn = async (command: RunningCommand, script: string, changes: Partial<ExecSpec> = {}) => {
      const output = new CapturedOutput();
      const user = { uid: 0, gid: 0, groups: [0] };
      const spec = { argv: ['/bin/sh', '-c', script], env: ['PATH=/bin'], cwd: '/', user, ...changes };
      const result = await command.exec(spec, output, new AbortController().signal);
      return { ...result, out: output.out, err: output.err };
    };
    /** Runs `body` beside a command that waits for a line. */
    const beside = async (
      body: (command: RunningCommand) => Promise<void>,
      changes: Partial<RunSpec> = {},
    ): Promise<void> => {
      const input = new PassThrough();
      let done: Promise<void> = Promise.reject(new Error('never started'));
      done.catch(() => {});
      const started = (command: RunningCommand): void => {
        done = body(command).finally(() => input.end('go on\n'));
      };
      expect((await run('read x; echo "$x"; exit 9', { input, started }, changes)).exitCode).toBe(9);
      await done;
    };

    it('gives the command what is written to it, to the end', async () => {
      const input = new PassThrough();
      input.end('one\ntwo\n');
      expect(await run('cat; exit 3', { input })).toEqual({ exitCode: 3, out: 'one\ntwo\n', err: '' });
    });

    it('gives it a terminal of a size, with echo, and its own name', async () => {
      const input = new PassThrough();
      input.write('typed\n');
      const terminal = { rows: 33, columns: 77 };
      const { exitCode, out } = await run('tty; stty size; read x; echo "got $x" >&2; exit 4', { input }, { terminal });
      expect(out.replaceAll('\r', '').split('\n').toSorted()).toEqual(
        ['/dev/pts/0', '33 77', '', 'got typed', 'typed'].toSorted(),
      );
      expect(exitCode).toBe(4);
    });

    it('says on the terminal why a command cannot be started', async () => {
      const terminal = { rows: 24, columns: 80 };
      const { exitCode, out } = await run('', {}, { terminal, argv: ['nothing-like-this'] });
      expect(exitCode).toBe(127);
      expect(out).toContain('"nothing-like-this": executable file not found in $PATH');
    });

    it('changes the size of a terminal while the command runs', async () => {
      let resize: ((size: { rows: number; columns: number }) => Promise<void>) | undefined;
      const output: CapturedOutput = new CapturedOutput(() => {
        // Only when the command has seen the size that it began with.
        if (output.out.includes('24 80')) void resize?.({ rows: 40, columns: 100 });
      });
      const script = 'stty size; while [ "$(stty size)" = "24 80" ]; do sleep 0.05; done; stty size';
      const spec = root.spec(['/bin/sh', '-c', script], { terminal: { rows: 24, columns: 80 } });
      const control: RunControl = { resizable: (to) => void (resize = to) };
      await executor.run(spec, output, new AbortController().signal, control);
      expect(output.out.trim().split('\r\n')).toEqual(['24 80', '40 100']);
    });

    it('lets nothing be written to a read-only root', async () => {
      expect(await run('echo x >/x 2>/dev/null || echo refused', {}, { readOnly: true })).toMatchObject({
        out: 'refused\n',
      });
    });

    it('runs more commands in the same namespaces, with the same rights', async () => {
      await beside(async (command) => {
        const facts =
          'cat /proc/1/comm; hostname; grep -E "^(CapEff|CapBnd|CapPrm|CapInh)" /proc/self/status; pwd; id -u';
        const { out, err, exitCode } = await execIn(command, `${facts}; echo oops >&2; exit 5`, { cwd: '/tmp' });
        expect(err).toBe('oops\n');
        expect(exitCode).toBe(5);
        expect(out.split('\n').slice(0, 2)).toEqual(['sh', 'buildkitsandbox']);
        expect(out.split(`\t${HOST_NETWORK_CAPABILITIES}`)).toHaveLength(4);
        expect(out).toContain('CapInh:\t0000000000000000');
        expect(out).toContain('/tmp\n0\n');
        expect((await execIn(command, 'ls /proc/1/root/bin/busybox; ls /etc | head -3')).out).toContain('passwd');
      });
    });

    it.each([
      ['fewer capabilities', { capabilities: ['sys_chroot', 'setuid', 'dac_override'] }, 'Cap|NoNewPrivs'],
      // Without a runtime root's right to read everything is lost on the way (see joiningOptions).
      ['no new privileges', { noNewPrivileges: true }, 'CapBnd|CapInh|CapAmb|NoNewPrivs'],
    ])('gives a further command what its container has: %s', async (_, changes, facts) => {
      await beside(async (command) => {
        const [own, first] = await Promise.all(
          ['self', '1'].map((process) => execIn(command, `grep -E "^(${facts})" /proc/${process}/status`)),
        );
        expect(own).toEqual(first);
        const user = { uid: 1000, gid: 1000, groups: [1000] };
        expect((await execIn(command, 'id -u', { user })).out).toBe('1000\n');
      }, changes);
    });

    it('runs more commands as another user, on a terminal', async () => {
      await beside(async (command) => {
        const user = { uid: 1000, gid: 1000, groups: [1000] };
        const terminal = { rows: 30, columns: 90 };
        const { out, exitCode } = await execIn(command, 'id -u; stty size; [ -t 0 ] && exit 6', { user, terminal });
        expect(out.replaceAll('\r', '')).toBe('1000\n30 90\n');
        expect(exitCode).toBe(6);
      });
    });

    it('gives a further command a terminal of the sandbox, not of the machine', async () => {
      await beside(async (command) => {
        const terminal = { rows: 30, columns: 90 };
        const user = { uid: 1000, gid: 1000, groups: [1000] };
        const script = 'tty; [ "$(tty)" -ef /proc/self/fd/0 ] && stat -c %u "$(tty)"; stat -c %d /dev/pts';
        const { out } = await execIn(command, script, { terminal, user });
        const [path, owner, device] = out.replaceAll('\r', '').split('\n');
        expect([path, owner]).toEqual([expect.stringMatching(/^\/dev\/pts\/\d+$/), '1000']);
        expect(device).not.toBe(String(statSync('/dev/pts').dev));
      });
    });

    it('shows a command nothing of the programs that join it', { timeout: 60_000 }, async () => {
      const output = new CapturedOutput();
      const controller = new AbortController();
      const watched = {
        stdout: (chunk: Uint8Array) => {
          output.stdout(chunk);
          // Who escaped may keep the others stopped.
          if (output.out.includes('escaped')) controller.abort(new Error('enough'));
        },
        stderr: (chunk: Uint8Array) => output.stderr(chunk),
      };
      let joined: Promise<void> | undefined;
      const started = (command: RunningCommand): void => {
        joined = (async () => {
          for (let i = 0; i < 6; i++) {
            const terminal = i % 2 === 1 ? { terminal: { rows: 24, columns: 80 } } : {};
            expect((await execIn(command, 'echo joined', terminal)).out.trim()).toBe('joined');
          }
        })().finally(() => controller.abort(new Error('enough')));
      };
      // Process 1 cannot be stopped by what is in its namespace; it has to be another one that looks.
      const spec = root.spec(['/bin/sh', '-c', 'sh -c "$0"; exit', JOIN_ATTACK]);
      await expect(executor.run(spec, watched, controller.signal, { started })).rejects.toThrow('enough');
      expect(output.out).toContain('looking\n');
      expect(output.out.split('\n').filter((line) => line.startsWith('escaped'))).toEqual([]);
      await joined;
    });

    it('says that a further command was killed, in its exit code alone', async () => {
      await beside(async (command) => {
        const killed = await execIn(command, 'echo before >&2; kill -KILL $$');
        expect(killed).toEqual({ exitCode: 137, out: '', err: 'before\n' });
        expect((await execIn(command, 'kill -TERM $$')).exitCode).toBe(143);
      });
    });

    it('gives a further command its variables, whatever they are, and shows their values to nobody', async () => {
      const value = `it's "$HOME" \`x\` \\ \u00e9\u{1f4e6}\n\nend\n`;
      const env = [
        'PATH=/bin',
        'HOME=/',
        `TOKEN=${value}`,
        'EMPTY=',
        'UID=77',
        'a.b-c=d',
        'IFS=x',
        'PWD=/nowhere',
        'PS4=$(id)',
      ];
      await beside(async (command) => {
        const seen = await execIn(command, '', { argv: ['/bin/cat', '/proc/self/environ'], env });
        expect(seen.out.split('\0').slice(0, -1).toSorted()).toEqual(env.toSorted());
        const marked = { env: ['PATH=/bin', `TOKEN=never${process.pid}shown`] };
        const running = execIn(command, 'echo $TOKEN >/tmp/there; while [ -e /tmp/there ]; do sleep 0.1; done', marked);
        while ((await execIn(command, 'cat /tmp/there')).out === '') continue;
        expect(commandLinesWith(`never${process.pid}shown`)).toEqual([]);
        await execIn(command, 'rm /tmp/there');
        await running;
      });
    });

    it('says why a further command cannot be started', async () => {
      await beside(async (command) => {
        const { err, exitCode } = await execIn(command, '', { argv: ['nothing-like-this'] });
        expect(err).toBe('exec: "nothing-like-this": executable file not found in $PATH\n');
        expect(exitCode).toBe(127);
      });
    });

    it('has a network of its own that the caller connects first', async () => {
      let connected = 0;
      const connect = async (pid: number): Promise<void> => void (connected = pid);
      const { out } = await run(
        "grep -c : /proc/net/dev; ip link show lo | grep -o 'LOOPBACK,UP'",
        { connect },
        {
          network: 'private',
        },
      );
      expect(out).toBe('1\nLOOPBACK,UP\n');
      expect(connected).toBeGreaterThan(1);
    });
  });
}

/** Command lines of this machine with a text in them. */
function commandLinesWith(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // It has ended.
      }
    })
    .filter((line) => line.includes(text));
}
