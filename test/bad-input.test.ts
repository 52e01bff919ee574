import { readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { lab, withoutRoot } from './support/lab.ts';
import { type Ended, run } from './support/process.ts';
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

let builder: Tsbuild;
let before: string;

beforeAll(async () => {
  builder = await tsbuild();
  before = await builder.output(['images', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}']);
});

/** One clear error that says `what`: no data, no stack trace, and a store that is as before. */
async function expectError(ended: Ended, exitCode: number, ...what: readonly (string | RegExp)[]): Promise<void> {
  expect(ended.stderr).not.toMatch(/\n\s+at .+:\d+:\d+/);
  for (const words of what) expect(ended.stderr).toMatch(words);
  expect(ended).toMatchObject({ exitCode, stdout: '' });
  expect(await builder.output(['images', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}'])).toBe(before);
  for (const folder of ['tmp', 'mounts', 'snapshots']) {
    expect(await readdir(join(builder.store, folder)).catch(() => [])).toEqual([]);
  }
}

const building = async (Dockerfile: string, files: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  builder.run(['build', '-t', 'bad', await contextOf({ ...files, Dockerfile })]);

describe('a Dockerfile that is wrong', () => {
  it('is missing', async () => {
    await expectError(await builder.run(['build', await contextOf({ 'a.txt': '' })]), 1, 'Dockerfile');
  });

  it('has an unknown instruction: its line, and what was meant', async () => {
    await expectError(await building('FROM busybox\nCPOY . .\n'), 1, 'Dockerfile:2', 'CPOY', /did you mean.*COPY/i);
  });

  it('has no FROM', async () => {
    await expectError(await building('RUN true\n'), 1, 'Dockerfile:1', 'FROM');
  });

  it('is empty', async () => {
    await expectError(await building(''), 1, 'Dockerfile');
  });

  it('names a base that is not there: its name and what to do', async () => {
    await expectError(await building('FROM nosuch:1\nRUN true\n'), 1, 'Dockerfile:1', 'nosuch:1', 'tsbuild load');
  });

  it('has an instruction of a later version', async () => {
    await expectError(
      await building('FROM busybox\nHEALTHCHECK CMD true\n'),
      1,
      'Dockerfile:2',
      'HEALTHCHECK',
      'not supported yet',
    );
  });
});

describe('a COPY that cannot work', () => {
  it('of a missing file', async () => {
    await expectError(
      await building('FROM busybox\nCOPY package.jsno /\n', { 'package.json': '{}' }),
      1,
      'Dockerfile:2',
      'package.jsno',
    );
  });

  it('of a glob that matches nothing', async () => {
    await expectError(await building('FROM busybox\nCOPY *.md /\n'), 1, 'Dockerfile:2', '*.md');
  });

  it('of a source above the context', async () => {
    const context = await contextOf({ 'inner/Dockerfile': 'FROM busybox\nCOPY ../secret /\n', secret: 'secret\n' });
    await expectError(await builder.run(['build', join(context, 'inner')]), 1, 'Dockerfile:2', 'secret');
  });

  it('through a symbolic link that leaves the context', async () => {
    const context = await contextOf({ Dockerfile: 'FROM busybox\nCOPY out/passwd /stolen\n' });
    await symlink('/etc', join(context, 'out'));
    await expectError(await builder.run(['build', context]), 1, 'Dockerfile:2', 'out/passwd');
  });
});

describe('a command line that is wrong', () => {
  it.each([
    [['build', '-t', 'My App', '.'], 'My App'],
    [['build', '-t', 'Upper', '.'], /lower-?case/],
    [['build'], 'PATH'],
    [['biuld', '.'], /did you mean.*build/i],
    [['build', '--tga', 'x', '.'], '--tga'],
    [['inspect'], 'IMAGE'],
  ] as const)('%j', async (args, what) => {
    await expectError(await builder.run(args, { cwd: await contextOf({ Dockerfile: 'FROM busybox\n' }) }), 2, what);
  });

  it('a context that is not there', async () => {
    const ended = await builder.run(['build', '/nowhere/at/all']);
    await expectError(ended, ended.exitCode === 2 ? 2 : 1, '/nowhere/at/all');
  });
});

describe('an archive that is broken', () => {
  const loading = async (content: Uint8Array): Promise<Ended> => {
    const file = join(await scratch(), 'broken.tar');
    await writeFile(file, content);
    return builder.run(['load', '-i', file]);
  };

  it('is empty', async () => {
    await expectError(await loading(Buffer.alloc(0)), 1, 'broken.tar');
  });

  it('is noise', async () => {
    await expectError(await loading(randomBytes(50_000)), 1, 'broken.tar');
  });

  it('is cut off', async () => {
    const file = join(await scratch(), 'broken.tar');
    await writeFile(file, await readFile(lab.bases['busybox'] ?? ''));
    await truncate(file, 1_000_000);
    await expectError(await builder.run(['load', '-i', file]), 1, 'broken.tar');
  });

  it('is a gzip that is cut off', async () => {
    await expectError(
      await loading(gzipSync(await readFile(lab.bases['busybox'] ?? '')).subarray(0, 500_000)),
      1,
      'broken.tar',
    );
  });

  it('has a layer that was tampered with', async () => {
    const bytes = await readFile(lab.bases['alpine'] ?? '');
    const at = bytes.indexOf('a local stand-in for alpine');
    bytes.write('A', at, 'latin1');
    const other = await tsbuild({ bases: false });
    const file = join(await scratch(), 'broken.tar');
    await writeFile(file, bytes);
    const ended = await other.run(['load', '-i', file]);
    expect(at).toBeGreaterThan(0);
    expect(ended.exitCode).toBe(1);
    expect(await other.output(['images', '-q'])).toBe('');
  });

  it('is not there', async () => {
    await expectError(await builder.run(['load', '-i', '/nowhere/broken.tar']), 1, '/nowhere/broken.tar');
  });
});

describe.skipIf(withoutRoot)('a store that cannot be written (needs root, to mount one)', () => {
  /** Runs tsbuild with a store on a file system of its own, which is mounted in a namespace that dies with it. */
  const onFileSystem = async (options: string, ...args: readonly string[]): Promise<Ended> => {
    const store = join(await scratch(), 'store');
    const script = `mkdir -p "$1" && mount -t tmpfs -o ${options} none "$1" && shift && exec "$@"`;
    const command = [process.execPath, lab.cli, '--root', store, ...args];
    return run('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', store, ...command]);
  };

  it('is full', async () => {
    const ended = await onFileSystem('size=1m', 'load', '-i', lab.bases['busybox'] ?? '');
    await expectError(ended, 1, /no space left|full/i);
  });

  it('is read-only', async () => {
    const ended = await onFileSystem('ro', 'load', '-i', lab.bases['busybox'] ?? '');
    await expectError(ended, 1, /read-only/i);
  });

  it('is read-only, for a build', async () => {
    const ended = await onFileSystem(
      'ro',
      'build',
      await contextOf({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' }),
    );
    await expectError(ended, 1, /read-only/i);
  });
});
