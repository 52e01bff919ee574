import { chmod, link, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { docker, lab, withoutEngine, withoutRoot } from './support/lab.ts';
import { output } from './support/process.ts';
import { testUser } from './support/test-user.ts';
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const DOCKERFILE = `FROM busybox AS build
WORKDIR /work/deep
RUN echo made >file && ln -s ../file link && chmod 4751 file && mkdir -m 1777 sticky && chown 12:34 sticky
FROM scratch AS export
COPY --from=build /work/ /work/
COPY --chown=1000:1001 sub /owned/
COPY . /all/
`;

let context: string;
let builder: Tsbuild;

/** Name, kind, mode, size and target of each path of a tar archive, and its owner. */
async function listing(archive: string): Promise<readonly string[]> {
  const text = await output('tar', ['tvf', archive, '--numeric-owner']);
  // Folders and what RUN made have the time of the build.
  return text
    .trim()
    .split('\n')
    .map((line) => line.replace(/^(\S+ \S+) +(\d+) \S+ \S+ /, '$1 $2 '))
    .toSorted();
}

/** The same of a directory. */
async function files(directory: string): Promise<readonly string[]> {
  const text = await output('find', [directory, '-mindepth', '1', '-printf', '%P %y %m %U:%G %l\n']);
  return text.trim().split('\n').toSorted();
}

beforeAll(async () => {
  context = await contextOf({
    Dockerfile: DOCKERFILE,
    'sub/a': 'A',
    'sub/ä b': '',
    '.dockerignore': '*.log',
    'x.log': '',
  });
  await chmod(join(context, 'sub/a'), 0o640);
  await symlink('a', join(context, 'sub/link'));
  await link(join(context, 'sub/a'), join(context, 'sub/second'));
  await mkdir(join(context, 'private'), { mode: 0o700 });
  builder = await tsbuild();
});

describe.skipIf(withoutEngine || withoutRoot)(`outputs of files${lab.engineObstacle ?? ''}`, () => {
  it('as a tar archive are those of docker build', async () => {
    const folder = await scratch();
    const [ours, theirs] = [join(folder, 'ours.tar'), join(folder, 'theirs.tar')];
    await builder.build(context, ['-o', `type=tar,dest=${ours}`]);
    await docker().output(['build', '--network', 'none', '-o', `type=tar,dest=${theirs}`, context]);
    expect(await listing(ours)).toEqual(await listing(theirs));
  });

  it('in a directory are those of docker build', async () => {
    const folder = await scratch();
    const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
    await builder.build(context, ['-o', ours]);
    await docker().output(['build', '--network', 'none', '-o', theirs, context]);
    expect(await files(ours)).toEqual(await files(theirs));
  });

  it('of a context on standard input are those of docker build', async () => {
    const folder = await scratch();
    const stdinFile = join(folder, 'context.tar.gz');
    await output('tar', ['-C', context, '--owner=0', '--group=0', '--exclude=x.log', '-czf', stdinFile, '.']);
    const [ours, theirs] = [join(folder, 'ours.tar'), join(folder, 'theirs.tar')];
    await builder.output(['build', '-o', `type=tar,dest=${ours}`, '-'], { stdinFile });
    await docker().output(['build', '--network', 'none', '-o', `type=tar,dest=${theirs}`, '-'], { stdinFile });
    expect(await listing(ours)).toEqual(await listing(theirs));
  });
});

describe.skipIf(withoutRoot)('an ordinary user (needs root to become one)', () => {
  it('gets the same archive, and files of their own', async () => {
    const user = await testUser();
    const theirs = await tsbuild({ user });
    const folder = await scratch(user);
    await output('chmod', ['-R', 'a+rX', context]);
    const [ours, archive] = [join(folder, 'root.tar'), join(folder, 'user.tar')];
    const stdinFile = join(folder, 'context.tar');
    await output('tar', ['-C', context, '-cf', stdinFile, '.']);
    const env = { SOURCE_DATE_EPOCH: '1600000000' };
    await builder.output(['build', '-o', `type=tar,dest=${ours}`, '-'], { stdinFile, env });
    const out = join(folder, 'out');
    await theirs.output(['build', '-o', `type=tar,dest=${archive}`, '-o', `type=local,dest=${out}`, '-'], {
      stdinFile,
      env,
    });
    expect((await readFile(archive)).equals(await readFile(ours))).toBe(true);
    const owners = new Set((await files(out)).map((line) => line.split(' ').find((word) => /^\d+:\d+$/.test(word))));
    expect([...owners]).toEqual([`${user.uid}:${user.gid}`]);
  });
});
