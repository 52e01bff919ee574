import { readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lab, withoutRoot } from './support/lab.ts';
import { type Ended, run } from './support/process.ts';
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const LISTING = ['images', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}'];

let builder: Tsbuild;
let before: string;

beforeAll(async () => {
  builder = await tsbuild();
});
beforeEach(async () => {
  before = await builder.output(LISTING);
});

/** What a failed command leaves: how it ended, what it said, and what of the store is not as before. */
async function aftermath(
  ended: Ended,
): Promise<Ended & { readonly traces: unknown; readonly left: readonly string[] }> {
  const folders = ['tmp', 'mounts', 'snapshots'].map((folder) => join(builder.store, folder));
  const left = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  const images = await builder.output(LISTING);
  return {
    ...ended,
    traces: /\n\s+at .+:\d+:\d+/.exec(ended.stderr),
    left: [...left.flat(), ...(images === before ? [] : [images])],
  };
}

/** One clear error that says each of `what`: no data, no stack trace, and a store that is as before. */
function failure(exitCode: number, ...what: readonly (string | RegExp)[]): unknown {
  const parts = what.map((words) =>
    typeof words === 'string' ? words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : words.source,
  );
  const all = new RegExp(`^${parts.map((part) => `(?=[^]*${part})`).join('')}`, 'i');
  return { exitCode, stdout: '', stderr: expect.stringMatching(all) as string, traces: null, left: [] };
}

const building = async (Dockerfile: string, files: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  builder.run(['build', '-t', 'bad', await contextOf({ ...files, Dockerfile })]);

describe('a Dockerfile that is wrong', () => {
  it('is missing', async () => {
    expect(await aftermath(await builder.run(['build', await contextOf({ 'a.txt': '' })]))).toEqual(
      failure(1, 'Dockerfile'),
    );
  });

  it('has an unknown instruction: its line, and what was meant', async () => {
    expect(await aftermath(await building('FROM busybox\nCPOY . .\n'))).toEqual(
      failure(1, 'Dockerfile:2', 'CPOY', /did you mean.*COPY/i),
    );
  });

  it('has no FROM', async () => {
    expect(await aftermath(await building('RUN true\n'))).toEqual(failure(1, 'Dockerfile:1', 'FROM'));
  });

  it('is empty', async () => {
    expect(await aftermath(await building(''))).toEqual(failure(1, 'Dockerfile'));
  });

  it('names a base that is not there: its name and what to do', async () => {
    expect(await aftermath(await building('FROM nosuch:1\nRUN true\n'))).toEqual(
      failure(1, 'Dockerfile:1', 'nosuch:1', 'tsbuild load'),
    );
  });

  it('wants to leave the sandbox', async () => {
    expect(await aftermath(await building('FROM busybox\nRUN --security=insecure true\n'))).toEqual(
      failure(1, 'Dockerfile:2', 'security.insecure', '--allow'),
    );
  });
});

describe('a COPY that cannot work', () => {
  it('of a missing file', async () => {
    expect(await aftermath(await building('FROM busybox\nCOPY package.jsno /\n', { 'package.json': '{}' }))).toEqual(
      failure(1, 'Dockerfile:2', 'package.jsno'),
    );
  });

  it('of a source above the context', async () => {
    const context = await contextOf({ 'inner/Dockerfile': 'FROM busybox\nCOPY ../secret /\n', secret: 'secret\n' });
    expect(await aftermath(await builder.run(['build', join(context, 'inner')]))).toEqual(
      failure(1, 'Dockerfile:2', 'secret'),
    );
  });

  it('through a symbolic link that leaves the context', async () => {
    const context = await contextOf({ Dockerfile: 'FROM busybox\nCOPY out/passwd /stolen\n' });
    await symlink('/etc', join(context, 'out'));
    expect(await aftermath(await builder.run(['build', context]))).toEqual(failure(1, 'Dockerfile:2', 'out/passwd'));
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
    expect(
      await aftermath(await builder.run(args, { cwd: await contextOf({ Dockerfile: 'FROM busybox\n' }) })),
    ).toEqual(failure(2, what));
  });

  it('a context that is not there', async () => {
    const ended = await builder.run(['build', '/nowhere/at/all']);
    expect(await aftermath(ended)).toEqual(failure(ended.exitCode === 2 ? 2 : 1, '/nowhere/at/all'));
  });
});

describe('an archive that is broken', () => {
  const loading = async (content: Uint8Array): Promise<Ended> => {
    const file = join(await scratch(), 'broken.tar');
    await writeFile(file, content);
    return builder.run(['load', '-i', file]);
  };

  it('is empty', async () => {
    expect(await aftermath(await loading(Buffer.alloc(0)))).toEqual(failure(1, 'broken.tar'));
  });

  it('is noise', async () => {
    expect(await aftermath(await loading(randomBytes(50_000)))).toEqual(failure(1, 'broken.tar'));
  });

  it('is cut off', async () => {
    const file = join(await scratch(), 'broken.tar');
    await writeFile(file, await readFile(lab.bases['busybox'] ?? ''));
    await truncate(file, 1_000_000);
    expect(await aftermath(await builder.run(['load', '-i', file]))).toEqual(failure(1, 'broken.tar'));
  });

  it('is a gzip that is cut off', async () => {
    expect(
      await aftermath(await loading(gzipSync(await readFile(lab.bases['busybox'] ?? '')).subarray(0, 500_000))),
    ).toEqual(failure(1, 'broken.tar'));
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
    expect(await aftermath(await builder.run(['load', '-i', '/nowhere/broken.tar']))).toEqual(
      failure(1, '/nowhere/broken.tar'),
    );
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
    expect(await aftermath(ended)).toEqual(failure(1, /no space left|full/i));
  });

  it('is read-only', async () => {
    const ended = await onFileSystem('ro', 'load', '-i', lab.bases['busybox'] ?? '');
    expect(await aftermath(ended)).toEqual(failure(1, /read-only/i));
  });

  it('is read-only, for a build', async () => {
    const ended = await onFileSystem(
      'ro',
      'build',
      await contextOf({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' }),
    );
    expect(await aftermath(ended)).toEqual(failure(1, /read-only/i));
  });
});
