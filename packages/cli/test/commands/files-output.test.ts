import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, readFile, readdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

const DOCKERFILE = `FROM scratch AS build
COPY sub /sub/
COPY run /bin/run
FROM scratch AS export
COPY --from=build --chown=7:8 /sub /sub/
COPY --from=build /bin /bin/
`;

async function project(dockerfile = DOCKERFILE) {
  const [root, cwd] = [await temporaryDirectory(), await temporaryDirectory()];
  await mkdir(join(cwd, 'sub'));
  await writeFile(join(cwd, 'Dockerfile'), dockerfile);
  await writeFile(join(cwd, 'run'), 'echo');
  await chmod(join(cwd, 'run'), 0o4755);
  await writeFile(join(cwd, 'sub/file'), 'text');
  await symlink('../bin/run', join(cwd, 'sub/link'));
  const build = (...argv: string[]) => tsbuild(['build', ...argv, '.'], { root, cwd });
  return { root, cwd, out: join(cwd, 'out'), build };
}

const files = (directory: string): string =>
  execFileSync('find', ['.', '-mindepth', '1', '-printf', '%p %y %m %U:%G\n'], { cwd: directory, encoding: 'utf8' })
    .split('\n')
    .toSorted()
    .join('\n')
    .trim();

// An ordinary user's build starts the program again in a user namespace, which a test in this process cannot.
describe.skipIf(process.geteuid?.() !== 0)('build -o DIR (needs root)', () => {
  it.each([['out'], ['./out/'], ['type=local,dest=out']])(
    'writes the files of the image, the caller’s own: -o %s',
    async (output) => {
      const { out, build } = await project();
      const { code, stderr } = await build('-o', output);
      expect({ code, stderr }).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(/ Its files are in \S*out\/?\n$/),
      });
      expect(files(out)).toBe(
        './bin d 755 0:0\n./bin/run f 4755 0:0\n./sub d 755 0:0\n./sub/file f 644 0:0\n./sub/link l 777 0:0',
      );
      expect(await readFile(join(out, 'sub/file'), 'utf8')).toBe('text');
      expect(await readlink(join(out, 'sub/link'))).toBe('../bin/run');
    },
  );

  it('writes them over what is there, which stays', async () => {
    const { out, build } = await project();
    await mkdir(join(out, 'sub'), { recursive: true });
    await writeFile(join(out, 'sub/file'), 'old');
    await writeFile(join(out, 'sub/mine'), 'mine');
    await chmod(join(out, 'sub'), 0o700);
    expect(await build('-o', 'out')).toMatchObject({ code: 0 });
    expect(await readFile(join(out, 'sub/file'), 'utf8')).toBe('text');
    expect(await readFile(join(out, 'sub/mine'), 'utf8')).toBe('mine');
    expect((await lstat(join(out, 'sub'))).mode & 0o777).toBe(0o755);
    expect((await readdir(out)).toSorted()).toEqual(['bin', 'sub']);
  });

  it('never writes through a link that is there', async () => {
    const { cwd, out, build } = await project();
    await mkdir(out);
    await mkdir(join(cwd, 'elsewhere'));
    await symlink('../elsewhere', join(out, 'sub'));
    await symlink('../elsewhere/target', join(out, 'bin'));
    expect(await build('-o', 'out')).toMatchObject({ code: 0 });
    expect(await readdir(join(cwd, 'elsewhere'))).toEqual([]);
    expect((await lstat(join(out, 'sub'))).isDirectory()).toBe(true);
    expect((await lstat(join(out, 'bin'))).isDirectory()).toBe(true);
  });

  it('changes nothing when something is in the way', async () => {
    const { out, build } = await project();
    await mkdir(join(out, 'bin/run'), { recursive: true });
    const { code, stderr } = await build('-o', 'out');
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/out: .*bin\/run is a directory/),
    });
    expect(files(out)).toBe('./bin d 755 0:0\n./bin/run d 755 0:0');
  });

  it('leaves nothing behind when the build fails, and does not begin when the place is a file', async () => {
    const { cwd, build } = await project('FROM scratch\nCOPY none /\n');
    expect(await build('-o', 'out')).toMatchObject({ code: 1 });
    expect((await readdir(cwd)).toSorted()).toEqual(['Dockerfile', 'run', 'sub']);
    const refused = await build('-o', 'type=local,dest=run');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/run: it is not a directory\nhint: /) });
  });

  it('makes the folders above', async () => {
    const { cwd, build } = await project();
    expect(await build('-o', 'type=local,dest=a/b/out')).toMatchObject({ code: 0 });
    expect(await readdir(join(cwd, 'a/b'))).toEqual(['out']);
  });
});

describe.skipIf(process.geteuid?.() !== 0)('build -o type=tar (needs root)', () => {
  const LISTING =
    'drwxr-xr-x 0/0 bin/\n-rwsr-xr-x 0/0 bin/run\ndrwxr-xr-x 7/8 sub/\n-rw-r--r-- 7/8 sub/file\nlrwxrwxrwx 7/8 sub/link -> ../bin/run';
  const listing = (archive: Buffer): string =>
    execFileSync('tar', ['tv', '--numeric-owner'], { input: archive, encoding: 'utf8' })
      .trim()
      .replace(/^(\S+ \S+) +\d+ \S+ \S+ /gm, '$1 ');

  it('writes the files with their owners, to a file or to standard output', async () => {
    const { cwd, build } = await project();
    expect(await build('-o', 'type=tar,dest=out.tar')).toMatchObject({ code: 0 });
    const archive = await readFile(join(cwd, 'out.tar'));
    expect(listing(archive)).toBe(LISTING);
    for (const output of ['type=tar,dest=-', 'type=tar']) {
      const { code, data } = await build('-o', output);
      expect(code).toBe(0);
      expect(data.equals(archive)).toBe(true);
    }
  });

  it('leaves no file when it fails', async () => {
    const { cwd, build } = await project('FROM scratch\nCOPY none /\n');
    expect(await build('-o', 'type=tar,dest=out.tar')).toMatchObject({ code: 1 });
    expect((await readdir(cwd)).toSorted()).toEqual(['Dockerfile', 'run', 'sub']);
  });
});
