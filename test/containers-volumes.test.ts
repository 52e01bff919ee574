import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { removeAll } from './support/containers.ts';
import { docker, withoutEngine, withoutRoot } from './support/lab.ts';
import { leftoversAfterDeath } from './support/leftovers.ts';
import type { Ended } from './support/process.ts';
import { testUser } from './support/test-user.ts';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const Dockerfile =
  'FROM busybox\nRUN mkdir -p /data/sub && echo image > /data/file && chown 33:44 /data/file && chmod 750 /data && chown 7:8 /data\nVOLUME /declared\n';

describe.skipIf(withoutRoot).each(['root', 'an ordinary user'])('volumes as %s (needs root)', (who) => {
  let builder: Tsbuild;
  beforeAll(async () => {
    builder = await tsbuild(who === 'root' ? {} : { user: await testUser() });
    await builder.build(await contextOf({ Dockerfile }), ['-t', 'app']);
  });
  afterEach(async () => {
    await removeAll(builder);
    await builder.output(['volume', 'prune', '-af']);
  });
  const inNew = async (...args: string[]): Promise<string> =>
    (await builder.run(['run', '--rm', '--network', 'none', ...args])).stdout;
  const names = async (): Promise<string> => builder.output(['volume', 'ls', '-q']);

  it('one that is empty begins with what the image has there, owners included; later it stays as it is', async () => {
    const look = ['app', 'sh', '-c', 'stat -c "%a %u:%g %n" /data /data/file; cat /data/file; echo more >> /data/file'];
    const first = '750 7:8 /data\n644 33:44 /data/file\nimage\n';
    expect(await inNew('-v', 'kept:/data', ...look)).toBe(first);
    expect(await inNew('-v', 'kept:/data', ...look)).toBe(`${first}more\n`);
    expect(await inNew('-v', 'other:/data:nocopy', 'app', 'ls', '/data')).toBe('');
    expect(await inNew('-v', 'kept:/elsewhere:ro', 'app', 'sh', '-c', 'cat /elsewhere/file; rm /elsewhere/file')).toBe(
      'image\nmore\nmore\n',
    );
    expect(await names()).toBe('kept\nother\n');
  });

  it('two containers share one, and it outlives both', async () => {
    await builder.output([
      'run',
      '-d',
      '--network',
      'none',
      '--name',
      'writer',
      '-v',
      'shared:/s',
      'app',
      'sleep',
      '1000',
    ]);
    await builder.output(['exec', 'writer', 'sh', '-c', 'echo hello > /s/x']);
    expect(await inNew('--mount', 'type=volume,src=shared,dst=/t,readonly', 'app', 'cat', '/t/x')).toBe('hello\n');
    expect(await inNew('--volumes-from', 'writer:ro', 'app', 'sh', '-c', 'cat /s/x; echo no > /s/x')).toBe('hello\n');
    const refused = await builder.run(['volume', 'rm', 'shared']);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/remove shared: volume is in use - \[[0-9a-f]{64}\]/);
    await builder.output(['rm', '-fv', 'writer']);
    expect(await names()).toBe('shared\n');
    const where = (await builder.output(['volume', 'inspect', '-f', '{{.Mountpoint}}', 'shared'])).trim();
    expect(await readFile(join(where, 'x'), 'utf8')).toBe('hello\n');
    expect(await builder.output(['volume', 'rm', 'shared'])).toBe('shared\n');
  });

  it('one without a name goes with --rm and rm -v, and with prune where rm left it', async () => {
    expect(await inNew('-v', '/own', 'app', 'sh', '-c', 'echo x > /own/y; ls /own')).toBe('y\n');
    expect(await names()).toBe('');
    for (const name of ['first', 'second']) await builder.output(['create', '--name', name, '-v', '/own', 'app']);
    expect((await names()).match(/^[0-9a-f]{64}$/gm)).toHaveLength(4);
    await builder.output(['rm', '-v', 'first']);
    await builder.output(['rm', 'second']);
    await builder.output(['volume', 'create', 'named']);
    expect((await names()).trim().split('\n')).toHaveLength(3);
    expect(await builder.output(['volume', 'prune', '-f'])).toMatch(/^Deleted Volumes:\n(?:[0-9a-f]{64}\n){2}$/);
    expect(await names()).toBe('named\n');
  });

  it('a bind of --mount must be there, and two mounts cannot be at one place', async () => {
    const folder = await contextOf({ file: 'x\n' });
    expect(await inNew('--mount', `type=bind,src=${folder},dst=/b,ro`, 'app', 'cat', '/b/file')).toBe('x\n');
    const missing = await builder.run(['run', '--mount', `type=bind,src=${folder}/none,dst=/b`, 'app', 'true']);
    expect(missing).toMatchObject({ exitCode: 125, stdout: '' });
    expect(missing.stderr).toContain('bind source path does not exist');
    const twice = await builder.run(['run', '-v', 'a1:/x', '-v', 'a2:/x', 'app', 'true']);
    expect(twice.stderr).toContain('Duplicate mount point: /x');
    const late = await builder.run(['run', '-v', '/own', '--tmpfs', '/proc/x', 'app', 'true']);
    expect(late).toMatchObject({ exitCode: 125, stdout: '' });
    expect(await names()).toBe('');
    expect(await builder.output(['ps', '-aq'])).toBe('');
  });

  it('leaves nothing behind', async () => {
    expect(await readdir(join(builder.store, 'volumes'))).toEqual(['.lock']);
    expect(await leftoversAfterDeath(builder.store)).toEqual([]);
  });
});

/** The engine has volumes of other tests, too. */
const OWN = ['-f', 'name=vt-'];

/** The same words for both; what they print is compared when names and places of volumes are made the same. */
const SAID: readonly (readonly string[])[] = [
  ['volume', 'create', 'vt-one'], ['volume', 'create', 'vt-one'], ['volume', 'ls', '-q', ...OWN], ['volume', 'ls', ...OWN],
  ['volume', 'inspect', 'vt-one', 'vt-none'], ['volume', 'inspect', '-f', '{{.Driver}} {{.Name}} {{.Scope}}', 'vt-one'],
  ['create', '--name', 'vt', '--network', 'none', '-v', 'vt-one:/one', '-v', '/own', '-v', '/tmp:/bound:ro', 'busybox', 'true'],
  ['inspect', '-f', '{{json .Config.Volumes}}', 'vt'], ['volume', 'rm', 'vt-one'], ['volume', 'ls', '-q', '-f', 'dangling=true', ...OWN],
  ['rm', '-v', 'vt'], ['volume', 'ls', '-q', '-f', 'dangling=true', ...OWN], ['volume', 'rm', 'vt-one', 'vt-none'], ['volume', 'ls', '-q', ...OWN],
]; // biome-ignore format: a table

describe.skipIf(withoutRoot || withoutEngine)('volumes, said as docker says it (needs root and dockerd)', () => {
  it('command by command', async () => {
    const builder = await tsbuild();
    for (const words of SAID) {
      const theirs = await docker().run(words);
      const ours = await builder.run(words);
      expect([words, alike(ours)]).toEqual([words, alike(theirs)]);
    }
  });
});

function alike({ exitCode, stdout, stderr }: Ended): unknown {
  const plain = (text: string): string =>
    text
      .replace(/[0-9a-f]{64}/g, 'ID')
      .replace(/"Mountpoint": ".*(\/volumes\/.*)"/g, '$1')
      .replace(/"CreatedAt": ".*?"/g, 'CREATED')
      .replace(/^(?:ERROR: |Error response from daemon: |Error: )/gm, '')
      .replace(/^hint: .*\n/gm, '');
  return { exitCode, stdout: plain(stdout), stderr: plain(stderr) };
}
