import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Executor, RunMount, RunResult, RunSpec } from '../src/executor/executor.ts';
import { BusyboxRoot } from './busybox-root.ts';
import { CapturedOutput } from './captured-output.ts';
import type { ExecutorContractOptions } from './executor-contract.ts';

const SECRET = 'hush\nhush\n\n';

/** The part of the executor's contract that is about mounts, secrets and limits. */
export function executorMountsContract(
  name: string,
  options: ExecutorContractOptions & { readonly skip: string },
): void {
  const { noSandbox = false } = options;
  describe.skipIf(options.skip !== '')(`executor mounts: ${name}${options.skip}`, () => {
    let root: BusyboxRoot;
    let scratch: string;
    let executor: Executor;
    beforeAll(() => {
      root = new BusyboxRoot(undefined, noSandbox);
      scratch = mkdtempSync(join(tmpdir(), 'tsbuild-scratch-'));
      executor = options.make(scratch);
      for (const path of ['mnt', 'cache', 'run', 'run/secrets']) mkdirSync(join(root.lower, path), { recursive: true });
      for (const path of ['run/secrets/token', 'run/agent']) writeFileSync(join(root.lower, path), '');
    });
    afterAll(() => {
      root[Symbol.dispose]();
      rmSync(scratch, { recursive: true, force: true });
    });
    const sh = async (
      script: string,
      mounts: readonly RunMount[],
      more: Partial<RunSpec> = {},
    ): Promise<RunResult & { out: string; err: string }> => {
      const output = new CapturedOutput();
      const spec = root.spec(['sh', '-c', script], { mounts, ...more });
      const result = await executor.run(spec, output, new AbortController().signal);
      return { ...result, out: output.out, err: output.err };
    };
    const directory = (base: string): string => {
      const path = join(scratch, base);
      mkdirSync(path, { recursive: true });
      return path;
    };
    const host = (path: string, target = '/cache'): RunMount => ({
      target,
      file: false,
      readOnly: false,
      source: { kind: 'host', path },
    });
    const memory = (text: string, mode: number, target = '/run/secrets/token'): RunMount => ({
      target,
      file: true,
      readOnly: true,
      source: { kind: 'memory', content: Buffer.from(text), mode, uid: 1000, gid: 1001 },
    });
    const tree = (path: string, more: Partial<RunMount> = {}): RunMount => {
      const spec = root.spec([]);
      return { target: '/mnt', file: false, readOnly: true, source: { kind: 'tree', root: spec.root, path }, ...more };
    };

    it.skipIf(noSandbox)('shows a directory of the host, and what is written to it stays', async () => {
      const path = directory('cache with space');
      writeFileSync(join(path, 'old'), 'old\n');
      expect(await sh('cat /cache/old; echo new >/cache/new', [host(path)])).toMatchObject({
        out: 'old\n',
        exitCode: 0,
      });
      expect(readFileSync(join(path, 'new'), 'utf8')).toBe('new\n');
      const denied = await sh('echo x 2>/dev/null >/cache/x || echo refused', [{ ...host(path), readOnly: true }]);
      expect(denied.out).toBe('refused\n');
      const disk = await sh('mknod /cache/d c 1 5 2>/dev/null; head -c1 /cache/d >/dev/null 2>&1 && echo opened', [
        host(path),
      ]);
      expect(disk.out).toBe('');
    });

    it.skipIf(noSandbox)('shows a part of another filesystem, read-only or with writes that are dropped', async () => {
      expect(
        await sh('cat /mnt/group | head -1; touch /mnt/x 2>/dev/null || echo refused', [tree('etc')]),
      ).toMatchObject({
        out: 'root:x:0:\nrefused\n',
      });
      const before = readdirSync(join(root.lower, 'etc'));
      expect(await sh('echo x >/mnt/new; rm /mnt/group; ls /mnt', [tree('etc', { readOnly: false })])).toMatchObject({
        out: 'new\npasswd\n',
      });
      expect(readdirSync(join(root.lower, 'etc'))).toEqual(before);
      const file = tree('etc/group', { target: '/run/agent', file: true });
      expect((await sh('head -1 /run/agent; head -1 /mnt/etc/passwd', [tree(''), file])).out).toBe(
        'root:x:0:\nroot:x:0:0:root:/root:/bin/sh\n',
      );
    });

    it.skipIf(noSandbox)(
      'shows a file of memory with mode and owner, and an empty directory of memory of a size',
      async () => {
        const more = { user: { uid: 1000, gid: 1001, groups: [] } };
        expect(
          await sh('cat /run/secrets/token; stat -c "%a %u %g" /run/secrets/token', [memory(SECRET, 0o400)], more),
        ).toMatchObject({ out: `${SECRET}400 1000 1001\n` });
        const script = memory('#!/bin/sh\necho ran\n', 0o755);
        expect((await sh('/run/secrets/token', [script])).out).toBe('ran\n');
        const tmpfs: RunMount = {
          target: '/mnt',
          file: false,
          readOnly: false,
          source: { kind: 'tmpfs', size: 65_536 },
        };
        expect(
          (await sh('ls -A /mnt; dd if=/dev/zero of=/mnt/x bs=1k count=100 2>/dev/null; stat -c %s /mnt/x', [tmpfs]))
            .out,
        ).toBe('65536\n');
      },
    );

    it.skipIf(noSandbox)('gives a directory of memory its mode, owner and flags', async () => {
      const tmpfs: RunMount = {
        target: '/mnt',
        file: false,
        readOnly: false,
        source: { kind: 'tmpfs', mode: 0o750, uid: 1000, gid: 1001, inodes: 3, noExec: true },
      };
      const script = `stat -c %a:%u:%g /mnt; cp /bin/busybox /mnt/echo; /mnt/echo x 2>/dev/null; echo $?
        touch /mnt/two 2>/dev/null; touch /mnt/three 2>/dev/null || echo full`;
      expect((await sh(script, [tmpfs])).out).toBe('750:1000:1001\n126\nfull\n');
      const readOnly = { ...tmpfs, readOnly: true };
      expect((await sh('touch /mnt/x 2>/dev/null || echo refused', [readOnly])).out).toBe('refused\n');
    });

    it.skipIf(noSandbox)('puts one of /dev/shm in the place of the usual one', async () => {
      const tmpfs: RunMount = {
        target: '/dev/shm',
        file: false,
        readOnly: false,
        source: { kind: 'tmpfs', size: 65_536, mode: 0o1777 },
      };
      const script =
        'grep -c " /dev/shm " /proc/mounts; stat -c %a /dev/shm; df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2';
      expect((await sh(script, [tmpfs])).out).toBe('1\n1777\n64\n');
      expect((await sh(script, [])).out).toBe('1\n1777\n65536\n');
    });

    it.skipIf(noSandbox)('leaves no secret on the disk while the command runs, nor in arguments', async () => {
      const value = `needle-${process.pid}-${Math.random()}`;
      const needle = Buffer.from(value).toString('base64');
      let seen = 'nothing looked';
      const output = new CapturedOutput();
      const spec = root.spec(['sh', '-c', 'printf ready; sleep 1; env | grep -c ^TOKEN=; wc -c </run/secrets/token'], {
        mounts: [memory(needle, 0o444)],
        secretEnv: new Map([['TOKEN', needle]]),
      });
      const running = executor.run(
        spec,
        {
          stdout: (chunk) => {
            if (seen === 'nothing looked') {
              const args = execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' });
              seen =
                spawnGrep(needle, scratch) + spawnGrep(needle, root.directory) + (args.includes(needle) ? args : '');
            }
            output.stdout(chunk);
          },
          stderr: (chunk) => output.stderr(chunk),
        },
        new AbortController().signal,
      );
      expect(await running).toEqual({ exitCode: 0 });
      expect(output.out).toBe(`ready1\n${needle.length}\n`);
      expect(seen).toBe('');
    });

    it('sets secret variables as they are, and nothing of its own beside them', async () => {
      const secretEnv = new Map([
        ['TOKEN', SECRET],
        ['EMPTY', ''],
        ['ROOT', 'mine'],
      ]);
      const { out } = await sh("env | cut -d= -f1 | sort | tr '\\n' ' '; printf '[%s]' \"$TOKEN\" \"$ROOT\"", [], {
        secretEnv,
      });
      expect(out).toMatch(/^ ?(?:EMPTY HOME PATH (?:PWD )?ROOT (?:SHLVL )?TOKEN hush |.*)/);
      expect(out).toContain(`[${SECRET}][mine]`);
      for (const own of ['STAGE', 'MOUNT', 'BASE', 'LIST', 'LIBMOUNT']) expect(out).not.toContain(own);
    });

    it('shows a socket of the host', async () => {
      const path = join(scratch, 's');
      const server = createServer((socket) => socket.end('reached\n')).listen(path);
      await new Promise((done) => server.once('listening', done));
      try {
        const mount: RunMount = { target: '/run/agent', file: true, readOnly: true, source: { kind: 'host', path } };
        expect((await sh('stat -c %F /run/agent', [mount])).out).toBe('socket\n');
      } finally {
        server.close();
      }
    });

    it('mounts in one another, making what is missing', async () => {
      const path = directory('nested');
      const inner = memory('settings\n', 0o444, '/cache/a/settings.xml');
      expect((await sh('cat /cache/a/settings.xml; ls -R /cache | wc -l', [host(path), inner])).out).toMatch(
        /^settings\n/,
      );
      // What is moved in and out leaves not even the place that it was mounted on.
      const left = readdirSync(join(path, 'a')).map((entry) => [entry, lstatSync(join(path, 'a', entry)).size]);
      expect(left).toEqual(noSandbox ? [] : [['settings.xml', 0]]);
    });

    it.skipIf(noSandbox)('follows no symlink that a cache holds', async () => {
      const outside = directory('outside');
      const path = directory('hostile');
      symlinkSync(outside, join(path, 'a'));
      symlinkSync(join(outside, 'file'), join(path, 'f'));
      const inner: readonly RunMount[] = [
        { target: '/cache/a/b', file: false, readOnly: false, source: { kind: 'tmpfs' } },
        { target: '/cache/a', file: false, readOnly: false, source: { kind: 'tmpfs' } },
        memory('x', 0o444, '/cache/f'),
      ];
      const ends = await Promise.allSettled(inner.map((mount) => sh('true', [host(path), mount])));
      // Refused, or (by runc) resolved inside the root.
      const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
      expect(reasons.filter((reason) => !/symlink|no directory|runtime failed/.test(reason))).toEqual([]);
      expect(reasons.length).toBe(name === 'namespaces' ? 3 : reasons.length);
      expect(readdirSync(outside)).toEqual([]);
    });

    it.skipIf(noSandbox)('sets limits and the size of /dev/shm', async () => {
      const limits = [{ name: 'nofile', soft: 123, hard: 456 }, { name: 'core', soft: 0, hard: 0 }]; // biome-ignore format: one line
      const { out } = await sh(
        'ulimit -Sn; ulimit -Hn; ulimit -c; df -k /dev/shm 2>/dev/null; grep /dev/shm /proc/mounts',
        [],
        {
          limits,
          shmSize: 1 << 20,
        },
      );
      expect(out).toMatch(/^123\n456\n0\n/);
      expect(out).toContain('size=1024k');
    });

    it('leaves nothing behind', async () => {
      chmodSync(scratch, 0o755);
      await sh('true', [memory('x', 0o400), tree('etc')]);
      expect(existsSync(join(scratch, 'stage')) ? readdirSync(join(scratch, 'stage')) : []).toEqual([]);
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(scratch);
    });
  });
}

function spawnGrep(needle: string, directory: string): string {
  try {
    return execFileSync('grep', ['-rlF', needle, directory], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return ''; // grep finds nothing, and says so with exit code 1.
  }
}
