import { identityOptions } from '../../src/executor/privileges.ts';
import { closeSync, mkdtempSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ExecFailureFilter } from '../../src/executor/exec-failure.ts';
import { formatFstab } from '../../src/executor/fstab.ts';
import { findTool } from '../../src/executor/host-tools.ts';
import { PipePool } from '../../src/executor/pipes.ts';
import { rootLine } from '../../src/executor/sandbox-mounts.ts';
import { splitEnvironment } from '../../src/executor/unsafe-environment.ts';
import { hasRange } from '../../src/executor/subordinate-ids.ts';
import { CapturedOutput } from '../../testing/captured-output.ts';
import { leftByTheDead } from '../../testing/left-by-the-dead.ts';

describe('fstab', () => {
  it('writes every byte that is not plain in octal', () => {
    const line = { source: 'a b\t#\\', target: '/\xff\n', type: 'none', options: 'bind,ro' };
    expect(formatFstab([line])).toBe('a\\040b\\011\\043\\134 /\\377\\012 none bind,ro 0 0\n');
  });
});

describe('the overlay mount', () => {
  const ids = { nested: false };
  const root = (lower: readonly string[]) => ({
    kind: 'overlay' as const,
    lower,
    upper: '/s/m/x/upper',
    work: '/s/m/x/work',
  });

  it('names layers from the top down, relative to the directory that holds them all', () => {
    const { base, line } = rootLine(root(['/s/m/x/l/0', '/s/m/x/l/1']), '/s/root', ids);
    expect(base).toBe('/s/m/x');
    expect(line.options).toContain('lowerdir=l/1:l/0,upperdir=upper,workdir=work');
    expect(line.options).toMatch(/^nodev,.*index=off,xino=off,metacopy=off,redirect_dir=off/);
    expect(rootLine(root(['/s/l']), '/s/root', { nested: true }).line.options).toContain('userxattr');
  });

  it('refuses what the kernel would not take', () => {
    const many = (n: number) => Array.from({ length: n }, (_, i) => `/s/m/x/l/${i}`);
    expect(() => rootLine(root(many(500)), '/r', ids)).not.toThrow();
    expect(() => rootLine(root(many(501)), '/r', ids)).toThrow('501 layers; overlayfs takes 500');
    expect(() => rootLine(root(['/s/m/a:b']), '/r', ids)).toThrow('a:b');
    expect(() => rootLine(root(many(100).map((path) => path + 'x'.repeat(64))), '/r', ids)).toThrow('too long');
  });
});

describe('the environment', () => {
  it('keeps variables that make programs load code from programs of the host', () => {
    const { safe, unsafe } = splitEnvironment([
      'A=1',
      'LD_PRELOAD=/x',
      'LANG=C',
      'GLIBC_TUNABLES=y',
      'OLD_PATH=/',
      'LOCPATH=/l',
      'E=',
    ]);
    expect(safe).toEqual(['A=1', 'LANG=C', 'OLD_PATH=/', 'E=']);
    expect(unsafe).toEqual(['LD_PRELOAD=/x', 'GLIBC_TUNABLES=y', 'LOCPATH=/l']);
  });

  it.each(['noequals', '=x', ''])('refuses %j', (entry) => {
    expect(() => splitEnvironment([entry])).toThrow('expected NAME=value');
  });
});

describe('the start of a command', () => {
  const finish = (exitCode: number, ...stderr: readonly string[]) => {
    const output = new CapturedOutput();
    const filter = new ExecFailureFilter(output);
    for (const text of stderr) filter.stderr(Buffer.from(text));
    return { exitCode: filter.finish(exitCode, 'foo').exitCode, err: output.err };
  };

  it('is told from what the command itself says', () => {
    expect(finish(127, 'tsbuild-exec: failed to execute foo: No such file or directory\n')).toEqual({
      exitCode: 127,
      err: 'exec: "foo": executable file not found in $PATH\n',
    });
    expect(finish(1, 'tsbuild-like text\n').err).toBe('tsbuild-like text\n');
    expect(finish(127, 'ts', 'build: ', 'x\n').err).toBe('tsbuild: x\n');
    expect(finish(127, 'tsbuild-exec: a\nand more\n').err).toBe('tsbuild-exec: a\nand more\n');
    expect(finish(0, 'tsbuild-exec: a\n').err).toBe('tsbuild-exec: a\n');
    expect(finish(127, 't').err).toBe('t');
  });

  it('keeps the order of stdout behind held-back stderr', () => {
    const seen: string[] = [];
    const filter = new ExecFailureFilter({
      stdout: (c) => void seen.push(`o${Buffer.from(c)}`),
      stderr: (c) => void seen.push(`e${Buffer.from(c)}`),
    });
    filter.stderr(Buffer.from('tsbuild-exec'));
    filter.stdout(Buffer.from('1'));
    filter.stderr(Buffer.from('2'));
    expect(seen).toEqual(['etsbuild-exec', 'o1', 'e2']);
  });
});

describe('programs of the host', () => {
  it('are never taken from node_modules', () => {
    expect(findTool('vitest')).toBeUndefined();
    expect(findTool('mount')).toMatch(/^\/(usr\/)?s?bin\/mount$/);
  });
});

describe('pipes', () => {
  it('leave no name, clear away old ones, and pass bytes', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tsbuild-pipes-'));
    writeFileSync(join(directory, leftByTheDead('pipe')), '');
    const pool = new PipePool(directory);
    const said = await pool.lend(async (first, second) => {
      expect(readdirSync(directory)).toEqual([]);
      writeSync(first.write, 'hello');
      closeSync(first.write);
      closeSync(second.write);
      second.read.resume();
      let text = '';
      for await (const chunk of first.read) text += String(chunk);
      return text;
    });
    expect(said).toBe('hello');
    pool.close();
    rmSync(directory, { recursive: true });
  });
});

describe('subordinate ids', () => {
  it('are found by name or number', () => {
    const text = 'me:100000:65536\n1001:200000:65536\nnone:1:0\n';
    expect(hasRange(text, 'me', 5)).toBe(true);
    expect(hasRange(text, 'you', 1001)).toBe(true);
    expect(hasRange(text, 'you', 1000)).toBe(false);
    expect(hasRange(text, 'none', 5)).toBe(false);
  });
});

describe('identityOptions', () => {
  const user = { uid: 70_000, gid: 0, groups: [] };
  const ids = (last: number) => ({
    nested: true,
    hasUid: (id: number) => id <= last,
    hasGid: (id: number) => id <= last,
    lastUid: last,
    lastGid: last,
    setgroups: true,
  });

  it('says of a user beyond the ranges how long they are, and of one without ranges how to get some', () => {
    const hint = (last: number): unknown => {
      try {
        return identityOptions(user, ids(last));
      } catch (error) {
        return error;
      }
    };
    expect(hint(65_536)).toMatchObject({ hint: expect.stringMatching(/^Its ids end at 65536: .*\/etc\/subuid/) });
    expect(hint(0)).toMatchObject({ hint: expect.stringMatching(/usermod --add-subuids/) });
  });
});
