import {
  existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync,
} from 'node:fs'; // biome-ignore format: one list
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChrootExecutor } from '../../src/executor/chroot/chroot-executor.ts';
import type { RunMount, RunResult, RunSpec } from '../../src/executor/executor.ts';
import { BusyboxRoot, NO_SANDBOX } from '../../testing/busybox-root.ts';
import { CapturedOutput } from '../../testing/captured-output.ts';
import { executorContract, processesNamed } from '../../testing/executor-contract.ts';
import { executorMountsContract } from '../../testing/executor-mounts-contract.ts';

const make = (scratch: string) => new ChrootExecutor({ scratch });

executorContract('chroot', { make, noSandbox: true });
executorMountsContract('chroot', { make, noSandbox: true, skip: NO_SANDBOX });

describe.skipIf(NO_SANDBOX !== '')(`chroot${NO_SANDBOX}`, () => {
  let root: BusyboxRoot;
  let scratch: string;
  beforeEach(() => {
    root = new BusyboxRoot(undefined, true);
    scratch = mkdtempSync(join(tmpdir(), 'tsbuild-scratch-'));
    mkdirSync(join(root.lower, 'run/secrets'), { recursive: true });
  });
  afterEach(() => {
    root[Symbol.dispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Runs a script; `path` is the root as it is afterwards. */
  const sh = async (
    script: string,
    more: Partial<RunSpec> = {},
  ): Promise<RunResult & { out: string; err: string; path: string }> => {
    const output = new CapturedOutput();
    const spec = root.spec(['sh', '-c', script], more);
    const result = await make(scratch).run(spec, output, new AbortController().signal);
    return { ...result, out: output.out, err: output.err, path: spec.root.kind === 'directory' ? spec.root.path : '' };
  };
  const secret: RunMount = {
    target: '/run/secrets/token',
    file: true,
    readOnly: true,
    source: { kind: 'memory', content: Buffer.from('hush'), mode: 0o400, uid: 0, gid: 0 },
  };
  const cache = (path: string): RunMount => ({
    target: '/cache',
    file: false,
    readOnly: false,
    source: { kind: 'host', path },
  });

  it('has devices of its own, an empty /proc, and files of the host', async () => {
    const source = join(scratch, 'hosts');
    writeFileSync(source, 'from the host\n');
    const script =
      'ls /dev | tr "\\n" " "; ls -A /proc /sys | wc -w; cat /etc/passwd; echo x >/dev/null; head -c3 /dev/zero | wc -c';
    const { out, path } = await sh(script, { files: [{ target: '/etc/passwd', source }] });
    expect(out).toBe(
      'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero 2\nfrom the host\n3\n',
    );
    expect(readFileSync(join(path, 'etc/passwd'), 'utf8')).toContain('root:x:0:0');
    expect(readdirSync(join(path, 'dev'))).toEqual([]);
    expect(readFileSync(source, 'utf8')).toBe('from the host\n');
  });

  it('leaves the times of directories in which it has placed something, and those that the command sets', async () => {
    const time = new Date('2001-02-03T04:05:06.789Z');
    for (const name of ['etc', 'run/secrets', '.']) utimesSync(join(root.lower, name), time, time);
    const source = join(scratch, 'hosts');
    writeFileSync(source, '');
    const files = [{ target: '/etc/passwd', source }];
    const kept = await sh('stat -c %Y /etc /run/secrets /', { files, mounts: [secret] });
    expect(kept.out).toBe(`${Math.floor(time.getTime() / 1000)}\n`.repeat(3));
    const mtime = (name: string): number => lstatSync(join(kept.path, name)).mtimeMs;
    expect(['etc', 'run/secrets', '.'].map(mtime)).toEqual([1, 2, 3].map(() => time.getTime()));
    const set = await sh('touch -d "2005-05-05 05:05:05" /etc', { files });
    expect(lstatSync(join(set.path, 'etc')).mtime.getUTCFullYear()).toBe(2005);
  });

  it('keeps no secret, whatever name the command gave it', async () => {
    const script =
      'cat /run/secrets/token; ln /run/secrets/token /second; mv /run/secrets/token /third; mv /run /moved';
    const { out, path } = await sh(script, { mounts: [secret], secretEnv: new Map([['TOKEN', 'hush']]) });
    expect(out).toBe('hush');
    for (const name of ['second', 'third']) expect(readFileSync(join(path, name), 'utf8')).toBe('');
    expect(readdirSync(join(path, 'moved/secrets'))).toEqual([]);
    const plain = await sh('true', { mounts: [secret] });
    expect(readdirSync(join(plain.path, 'run/secrets'))).toEqual([]);
  });

  it('moves a cache in and out, and what the command put in its place is not it', async () => {
    const path = join(scratch, 'cache');
    mkdirSync(path);
    writeFileSync(join(path, 'old'), 'old\n');
    const used = await sh('cat /cache/old; echo new >/cache/new', { mounts: [cache(path)] });
    expect(used.out).toBe('old\n');
    expect(readdirSync(path)).toEqual(['new', 'old']);
    expect(existsSync(join(used.path, 'cache'))).toBe(false);
    const outside = join(scratch, 'outside');
    mkdirSync(outside);
    await sh(`rm -r /cache; ln -s ${outside} /cache`, { mounts: [cache(path)] });
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(outside)).toEqual([]);
    mkdirSync(path);
    const twice = [cache(path), { ...cache(path), target: '/second' }];
    await expect(sh('true', { mounts: twice })).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
    expect(readdirSync(path)).toEqual([]);
  });

  it('shows a part of another tree, and follows no link on the way to a place', async () => {
    const other = root.spec([]).root;
    const mount: RunMount = {
      target: '/mnt',
      file: false,
      readOnly: true,
      source: { kind: 'tree', root: other, path: 'etc' },
    };
    expect((await sh('ls /mnt', { mounts: [mount] })).out).toBe('group\npasswd\n');
    const path = join(scratch, 'hostile');
    mkdirSync(path);
    symlinkSync(scratch, join(path, 'link'));
    const inner: RunMount = { ...mount, target: '/cache/link/x', source: { kind: 'tmpfs' } };
    await expect(sh('true', { mounts: [cache(path), inner] })).rejects.toThrow(/cannot mount on .* is a symlink/);
    expect(existsSync(join(scratch, 'x'))).toBe(false);
    expect(readdirSync(path)).toEqual(['link']);
  });

  it('ends what other users left in sessions of their own', async () => {
    const user = { uid: 1000, gid: 1000, groups: [] };
    const script = `setsid sh -c "setsid sleep 4714${process.pid}" >/dev/null 2>&1 </dev/null & sleep 0.3; echo on`;
    expect((await sh(script, { user })).out).toBe('on\n');
    expect(processesNamed(`sleep 4714${process.pid}`)).toEqual([]);
  });

  it('runs in a directory that a link of the image leads to, and sets what programs of the host must not see', async () => {
    renameSync(join(root.lower, 'root'), join(root.lower, 'home'));
    symlinkSync('/home', join(root.lower, 'root'));
    expect((await sh('pwd -P', { cwd: '/root' })).out).toBe('/home\n');
    await expect(sh('true', { cwd: '/nowhere' })).rejects.toThrow(
      'cannot change to the working directory /nowhere: no such file or directory',
    );
    const env = ['PATH=/bin', 'LD_PRELOAD=/nowhere/evil.so', 'A=1'];
    expect((await sh('echo $A $LD_PRELOAD', { env })).out).toBe('1 /nowhere/evil.so\n');
  });

  it.each([
    ['another network', { network: 'none' }],
    ['a terminal', { terminal: { rows: 24, columns: 80 } }],
    ['a read-only root', { readOnly: true }],
  ] as const)('refuses %s', async (_, more) => {
    await expect(sh('true', more)).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
  });

  it('sets limits', async () => {
    const limits = [{ name: 'nofile', soft: 123, hard: 456 }];
    expect((await sh('ulimit -Sn; ulimit -Hn', { limits })).out).toBe('123\n456\n');
  });
});
