import { chmod, lstat, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { run, type Ended } from './support/process.ts';
import { scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';
import { testUser } from './support/test-user.ts';
import { without, withoutRoot } from './support/lab.ts';

/** Runs `tsbuild ARGS` with an umask. */
function withUmask(umask: string, builder: Tsbuild, args: readonly string[]): Promise<Ended> {
  const { words, env } = builder.commandLine(args);
  return run('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', ...words], { env });
}

/** Paths below a directory that group or others may write to; root filesystems, which have modes of their own, left out. */
async function writable(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isSymbolicLink()) continue;
    if (((await lstat(path)).mode & 0o022) !== 0) found.push(path);
    const isRootfs = ['snapshots', 'mounts', '_data', 'upper', 'work', 'init'].includes(entry.name);
    if (entry.isDirectory() && !isRootfs) found.push(...(await writable(path)));
  }
  return found;
}

describe.skipIf(withoutRoot || without('unshare'))('what other users can reach of a store (needs root)', () => {
  let context: string;
  beforeAll(async () => {
    context = await scratch();
    await chmod(context, 0o755);
    // A setuid program of the image, of a RUN, and (CMD) of a volume and of a container's own files.
    await writeFile(
      join(context, 'Dockerfile'),
      'FROM busybox\nRUN cp /bin/busybox /su && chmod 4755 /su && echo PRIVATE >/key && chmod 600 /key\n' +
        'CMD ["sh", "-c", "cp -p /su /vol/su; cp -p /su /own; cat /etc/hosts"]\n',
    );
  });

  it.each(['022', '077', '000'])('is nothing, with umask %s', async (umask) => {
    const builder = await tsbuild();
    await chmod(dirname(builder.store), 0o755);
    await chmod(builder.store, 0o755);
    const built = await withUmask(umask, builder, ['build', '-q', '-t', 'perm', context]);
    expect(built).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('other users could reach the store') });
    // An ordinary user of the container, who must be able to read /etc/hosts and to enter the volume.
    const words = ['run', '--name', 'first', '-v', 'vol:/vol', 'perm'];
    const ran = await withUmask(umask, builder, words);
    expect(ran).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('could reach') });
    const asNobody = ['run', '--rm', '-u', '65534', '-v', 'vol:/vol', 'perm', 'sh', '-c', 'ls /vol; cat /etc/hosts'];
    expect((await withUmask(umask, builder, asNobody)).stdout).toMatch(/^su\n[^]*localhost/);
    const user = await testUser();
    const seen = await run('setpriv', [
      `--reuid=${user.uid}`,
      `--regid=${user.gid}`,
      '--clear-groups',
      'ls',
      builder.store,
    ]);
    expect(seen.stderr).toMatch(/denied/);
    expect(await writable(builder.store)).toEqual([]);
  });

  it('a store of another user is told of, and one that is not shared refused', async () => {
    const builder = await tsbuild();
    await chmod(dirname(builder.store), 0o755);
    const user = await testUser();
    const other = await run('setpriv', [
      `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', ...builder.commandLine(['images']).words,
    ], { env: builder.commandLine([]).env }); // biome-ignore format: one program a line
    expect(other).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/belongs to root \(uid 0\), who does not share it; choose your own store/),
    });
  });
});
