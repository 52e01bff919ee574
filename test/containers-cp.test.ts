import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeAll } from './support/containers.ts';
import { docker, withoutEngine, withoutRoot } from './support/lab.ts';
import { leftoversAfterDeath } from './support/leftovers.ts';
import { type Ended, output, run, type RunOptions, SEARCH_PATH } from './support/process.ts';
import { testUser } from './support/test-user.ts';
import { scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

/** `docker` or `tsbuild`. */
type Program = (args: readonly string[], options?: RunOptions) => Promise<Ended>;

const SETUP =
  'mkdir -p /case/dir/sub /case/empty /real; echo one >/case/file; echo two >/case/dir/two; echo 3 >/case/dir/sub/three; ' +
  'ln -s file /case/link; ln -s /case/dir /case/dirlink; ln -s /nowhere /case/dangling; mkdir /links; ln -s ../../../../../real /links/up; ' +
  'ln /case/file /case/hard; chmod 4711 /case/file; chown 12:34 /case/dir/two; touch -d 2001-02-03T04:05:06 /case/dir/two';

/** Each as typed behind `docker cp`, one after the other on the same container; C is its name. */
const INTO: readonly (readonly string[])[] = [
  [ 'file C:/case/new', 'file C:/case/new', 'file C:/case/dir', 'file C:/case/dir/', 'file C:/case/nodir/x', 'file C:/case/none/' ],
  [ 'tree C:/case/tree', 'tree C:/case/tree', 'tree C:/case/tree2/', 'tree/. C:/case/dir', 'tree/. C:/case/tree3', 'tree C:/case/file' ],
  [ 'tree/file C:/case/link', 'file C:/case/dirlink', 'file C:/case/dirlink/inner', 'file C:/case/dangling', 'file C:/links/up/x' ],
  [ 'tree/link C:/case/copied-link', '-L tree/link C:/case/followed', 'tree/dirlink C:/case', '-L tree/dirlink C:/case/asdir' ],
  [ '-a tree C:/case/archived', 'nofile C:/case', 'file/ C:/case', 'tree/file C:/case/tree', 'tree C:/case/empty/.', 'tree C:case/dir' ],
  [ './tree/../file C:/case/dots', 'file C:/../../case/above' ],
]; // biome-ignore format: a table

const OUT_OF: readonly (readonly string[])[] = [
  [ 'C:/case out', 'C:/case/file out/', 'C:/case/file named', 'C:/case/file named', 'C:/case/file nodir/x', 'C:/case/file none/', 'C:/case/dir named' ],
  [ 'C:/case/dir out', 'C:/case/dir/. out', 'C:/case/dir dir2', 'C:/case/dir/ dir3/', 'C:/case/link out/alink', '-L C:/case/link out/afile' ],
  [ 'C:/case/dirlink out/dl', 'C:/case/dirlink/ out/dl2', '-L C:/case/dirlink out/dl3', '-L C:/case/dirlink out', 'C:/nofile out', 'C:/case/file/ out' ],
  [ 'C:/case/dangling out', 'C:/links/up/x out', 'C:/case/hard out', 'C:/case/dir/two tolink', 'C:/case/../case/dir out/up' ],
]; // biome-ignore format: a table

const STREAMED: readonly (readonly string[])[] = [
  [ 'C:/case', 'C:/case/', 'C:/case/.', 'C:/case/dir/sub', 'C:/case/link', '-L C:/case/link', 'C:/case/dirlink', 'C:/case/dirlink/', '-L C:/case/dirlink' ],
  [ 'C:case/dir/..', 'C:/case/file', 'C:/nofile' ],
]; // biome-ignore format: a table

const typedWords = (text: string, name: string): string[] => text.replace('C:', `${name}:`).split(' ');

async function eachOf<T>(row: readonly string[], act: (typed: string) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const typed of row) results.push(await act(typed));
  return results;
}

describe.skipIf(withoutEngine).each(['stopped', 'running'])(
  'cp and export as docker does them, container %s (needs root and dockerd)',
  (state) => {
    let builder: Tsbuild;
    const programs: { name: string; program: Program; folder: string }[] = [];
    const container = `cp-${state}`;

    beforeAll(async () => {
      builder = await tsbuild();
      const sides: readonly (readonly [string, Program])[] = [
        ['docker', (args, options) => docker().run(args, options)],
        ['tsbuild', (args, options) => builder.run(args, options)],
      ];
      for (const [name, program] of sides) {
        const created = [
          'run',
          '-d',
          '--network',
          'none',
          '--name',
          container,
          'busybox',
          'sh',
          '-c',
          `${SETUP}; ${state === 'running' ? 'sleep 1000' : ''}`,
        ];
        await succeed(program(created));
        if (state === 'stopped') await succeed(program(['wait', container]));
        else
          for (
            let i = 0;
            i < 50 && (await program(['exec', container, 'test', '-e', '/case/dir/two'])).exitCode !== 0;
            i++
          );
        programs.push({ name, program, folder: await hostFolder() });
      }
    });
    afterAll(async () => {
      await docker().run(['rm', '-f', container]);
      await removeAll(builder);
    });

    /** What docker's side and ours came to. */
    const both = async <T>(act: (side: (typeof programs)[number]) => Promise<T>): Promise<[T, T]> => {
      const [theirs, ours] = programs;
      if (theirs === undefined || ours === undefined) throw new Error('no programs');
      return [await act(theirs), await act(ours)];
    };

    it.each(STREAMED.map((row) => [row.join(', '), row] as const))('cp to -: %s', async (_, row) => {
      const [theirs, ours] = await both(({ program, folder }) =>
        eachOf(row, async (typed) => {
          const stdoutFile = join(folder, '../stream.tar');
          const { exitCode } = await program(['cp', ...typedWords(typed, container), '-'], { cwd: folder, stdoutFile });
          return [typed, exitCode, exitCode === 0 ? await listing(stdoutFile) : ''];
        }),
      );
      expect(ours).toEqual(theirs);
    });

    it.each(OUT_OF.map((row) => [row.join(', '), row] as const))('cp %s', async (_, row) => {
      const [theirs, ours] = await both(({ program, folder }) =>
        eachOf(row, async (typed) => {
          const { exitCode } = await program(['cp', ...typedWords(typed, container)], { cwd: folder });
          return [typed, exitCode, await files(folder)];
        }),
      );
      expect(ours).toEqual(theirs);
    });

    it.each(INTO.map((row) => [row.join(', '), row] as const))('cp %s', async (_, row) => {
      const [theirs, ours] = await both(async ({ program, folder }) => [
        await eachOf(row, async (typed) => {
          const { exitCode } = await program(['cp', ...typedWords(typed, container)], { cwd: folder });
          return [typed, exitCode];
        }),
        await exported(program, container, folder),
      ]);
      expect(ours).toEqual(theirs);
    });

    it('cp - CONTAINER:DIR', async () => {
      const [theirs, ours] = await both(async ({ program, folder }) => {
        const stdinFile = join(folder, '../in.tar');
        await output('tar', ['-cf', stdinFile, '--owner=77', '--group=88', '-C', folder, 'tree', 'file']);
        const codes = await eachOf(['/case/empty', '/case/dirlink', '/case/file', '/case/none', '/'], async (to) => {
          return (await program(['cp', '-', `${container}:${to}`], { stdinFile })).exitCode;
        });
        return [codes, await exported(program, container, folder)];
      });
      expect(ours).toEqual(theirs);
    });
  },
);

describe.skipIf(withoutRoot).each(['root', 'an ordinary user'])('cp as %s (needs root)', (who) => {
  let builder: Tsbuild;
  let folder: string;
  beforeAll(async () => {
    const user = who === 'root' ? undefined : await testUser();
    builder = await tsbuild(user === undefined ? {} : { user });
    folder = await scratch(user);
    await writeFile(join(folder, 'file'), 'of the machine\n');
    await mkdir(join(folder, 'bound'));
    if (user !== undefined) for (const name of ['file', 'bound']) await chown(join(folder, name), user.uid, user.gid);
    const mounts = ['-v', `${folder}/bound:/bound`, '-v', '/vol', '--tmpfs', '/mem'];
    for (const name of ['lives', 'rests']) {
      const start = name === 'lives' ? ['run', '-d'] : ['create'];
      await builder.output([...start, '--name', name, '--network', 'none', ...mounts, 'busybox', 'sleep', '1000']);
    }
  });
  afterAll(async () => {
    await removeAll(builder);
  });

  it.each(['lives', 'rests'])('reaches volumes, binds and files: %s', async (name) => {
    for (const place of ['/tmp', '/vol', '/bound', ...(name === 'lives' ? ['/mem'] : [])]) {
      await builder.output(['cp', `${folder}/file`, `${name}:${place}/${name}`]);
      await builder.output(['cp', `${name}:${place}/${name}`, `${folder}/back`]);
      expect(await readFile(join(folder, 'back'), 'utf8')).toBe('of the machine\n');
    }
    expect(await readFile(join(folder, 'bound', name), 'utf8')).toBe('of the machine\n');
    const { uid } = await lstat(join(folder, 'back'));
    expect(uid).toBe(builder.user?.uid ?? 0);
    expect(await builder.output(['diff', name])).toBe(`C /tmp\nA /tmp/${name}\n`);
    if (name === 'rests') await builder.output(['start', name]);
    const seen = await builder.output(['exec', name, 'sh', '-c', `cat /tmp/${name} /vol/${name} /bound/${name}`]);
    expect(seen).toBe('of the machine\n'.repeat(3));
  });

  it('has a start wait while it writes to a container that does not run', async () => {
    await builder.output(['create', '--name', 'waits', '--network', 'none', 'busybox', 'sleep', '1000']);
    const archive = join(folder, 'waits.tar');
    await output('tar', ['-cf', archive, '-C', folder, 'file']);
    const { words, env } = builder.commandLine(['cp', '-', 'waits:/']);
    const [program = '', ...rest] = words;
    const copy = spawn(program, rest, { env: { PATH: SEARCH_PATH, ...env }, stdio: ['pipe', 'ignore', 'inherit'] });
    copy.stdin.write((await readFile(archive)).subarray(0, 512));
    const claims = async (): Promise<number> =>
      (await run('find', [builder.store, '-path', '*/claims/*', '-name', '????????????????'])).stdout.split('\n')
        .length - 1;
    while ((await claims()) === 0) await sleep(50);
    const started = builder.output(['start', 'waits']);
    const first = await Promise.race([started, sleep(1500, 'still waits')]);
    copy.stdin.end((await readFile(archive)).subarray(512));
    await once(copy, 'exit');
    await started;
    expect([first, copy.exitCode]).toEqual(['still waits', 0]);
    expect(await builder.output(['exec', 'waits', 'cat', '/file'])).toBe('of the machine\n');
    expect(await claims()).toBe(0);
  });

  it('exports the same bytes again, without what is mounted', async () => {
    const [first, second] = [join(folder, '1.tar'), join(folder, '2.tar')];
    await builder.output(['export', '-o', first, 'lives']);
    await builder.output(['export', '-o', second, 'lives']);
    expect((await readFile(first)).equals(await readFile(second))).toBe(true);
    const names = (await output('tar', ['-tf', first])).split('\n');
    expect(names).toContain('tmp/lives');
    expect(names.filter((name) => /^(?:vol|bound|mem|proc|sys)\/./.test(name))).toEqual([]);
  });

  it.each(['lives', 'rests'])('never leaves the container by its links: %s', async (name) => {
    const marker = join(folder, 'bait');
    await mkdir(marker, { recursive: true });
    await writeFile(join(marker, 'secret'), 'secret\n');
    const script = `ln -sfn ${marker} /tmp/out; ln -sfn ../../../../../..${marker} /tmp/up; ln -sfn /proc/1/root /tmp/root; ln -sfn /proc/self/cwd /tmp/cwd`;
    await builder.run(['start', name]);
    await builder.output(['exec', name, 'sh', '-c', script]);
    if (name === 'rests') await builder.output(['stop', '-t', '0', name]);
    for (const link of ['out', 'up', `root${marker}`, `cwd${marker}`]) {
      expect((await builder.run(['cp', `${name}:/tmp/${link}/secret`, `${folder}/stolen`])).exitCode, link).toBe(1);
      await builder.run(['cp', `${folder}/file`, `${name}:/tmp/${link}/written`]);
      await builder.run(['cp', '-L', `${folder}/file`, `${name}:/tmp/${link}`]);
    }
    const crafted = join(folder, 'crafted.tar');
    await output('tar', [
      '-cPf',
      crafted,
      '--transform',
      `s,^,../../../../../../../..${marker}/,`,
      '-C',
      folder,
      'file',
    ]);
    expect((await builder.run(['cp', '-', `${name}:/tmp`], { stdinFile: crafted })).exitCode).toBe(1);
    expect(await readdir(marker)).toEqual(['secret']);
    expect((await readdir(folder)).includes('stolen')).toBe(false);
  });

  it('never leaves it while its processes swap directories for links', async () => {
    const marker = join(folder, 'raced');
    await mkdir(marker);
    await writeFile(join(marker, 'secret'), 'secret\n');
    const swap = 'while :; do mv d t; mv evil d; sleep 0.01; mv d evil; mv t d; sleep 0.04; done';
    const script = `mkdir -p /r/d/a; cd /r; ln -s ${marker} evil; ${swap}`;
    await builder.output(['run', '-d', '--name', 'races', '--network', 'none', 'busybox', 'sh', '-c', script]);
    const tree = join(folder, 'racing');
    await mkdir(join(tree, 'a'), { recursive: true });
    await Promise.all(Array.from({ length: 30 }, (_, i) => writeFile(join(tree, 'a', `f${i}`), 'x')));
    const stolen = join(folder, 'stolen-by-race');
    if (builder.user === undefined) await mkdir(stolen);
    else await output('install', ['-d', '-o', String(builder.user.uid), stolen]);
    // Of a directory that must be there: `cp` would make /r/d itself in the moments without one, and the swapping end.
    const race = async (): Promise<void> => {
      await builder.run(['cp', `${tree}/a/.`, 'races:/r/d/a']);
      await builder.run(['cp', 'races:/r/d/.', stolen]);
    };
    const wasRead = async (): Promise<boolean> => (await readdir(stolen)).includes('a');
    for (let i = 0; i < 12; i++) await race();
    for (let i = 0; i < 200 && !(await wasRead()); i++) await race(); // that the others were refused for their links
    expect(await wasRead()).toBe(true);
    expect(await readdir(marker)).toEqual(['secret']);
    expect((await readdir(stolen)).includes('secret')).toBe(false);
  });

  it('leaves nothing behind', async () => {
    await removeAll(builder);
    expect(await leftoversAfterDeath(builder.store)).toEqual([]);
  });
});

async function succeed(ended: Promise<Ended>): Promise<string> {
  const { exitCode, stdout, stderr } = await ended;
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
  return stdout;
}

/** Files of the machine that are copied. */
async function hostFolder(): Promise<string> {
  const folder = join(await scratch(), 'in');
  await mkdir(join(folder, 'tree/sub'), { recursive: true });
  await mkdir(join(folder, 'out'));
  await writeFile(join(folder, 'file'), 'file of the machine\n', { mode: 0o640 });
  await writeFile(join(folder, 'tree/file'), 'in the tree\n', { mode: 0o755 });
  await writeFile(join(folder, 'tree/sub/deep'), 'deep\n');
  await symlink('file', join(folder, 'tree/link'));
  await symlink('sub', join(folder, 'tree/dirlink'));
  await symlink('out', join(folder, 'tolink'));
  await chown(join(folder, 'tree/sub/deep'), 123, 456);
  await output('touch', [
    '-h',
    '-d',
    '2020-01-02 03:04:05',
    ...['file', 'tree/file', 'tree/sub/deep', 'tree/link', 'tree/dirlink', 'tree/sub', 'tree'].map((name) =>
      join(folder, name),
    ),
  ]);
  return folder;
}

/** What a container has below /case and /real: names, modes, owners, sizes, and the times that were copied. */
async function exported(program: Program, name: string, folder: string): Promise<string> {
  const file = join(folder, '../export.tar');
  await succeed(program(['export', '-o', file, name]));
  return listing(file, ['case', 'real', 'nowhere', 'above']);
}

async function listing(file: string, below?: readonly string[]): Promise<string> {
  const { stdout } = await run('tar', ['-tvf', file, '--numeric-owner', '--utc']);
  return stdout
    .split('\n')
    .filter((line) => below === undefined || below.some((name) => line.split(/ +/)[5]?.startsWith(name)))
    .map(withoutToday)
    .toSorted()
    .join('\n');
}

/** Tar shows a link and its file in the order that it met them; times of today are those of the test itself. */
function withoutToday(line: string): string {
  return line.replace(/ \d{4}-\d\d-\d\d \d\d:\d\d /, (time) => (time.slice(1, 5) > '2020' ? ' today ' : time));
}

async function files(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const lines = names.toSorted().map(async (name) => {
    const path = join(folder, name);
    const stats = await lstat(path);
    const content = stats.isSymbolicLink() ? await readlink(path) : stats.isFile() ? await readFile(path, 'utf8') : '';
    const old = stats.mtimeMs < Date.UTC(2020, 5) ? stats.mtimeMs : 'today';
    return `${name} ${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ${stats.isDirectory() ? '' : old} ${content}`;
  });
  return Promise.all(lines);
}
