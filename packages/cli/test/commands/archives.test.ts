import { access, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Layout } from '@tsbuild/oci/node';
import { describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/host/usage-error.ts';
import { addSampleImage } from '../sample-image.ts';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

async function stores() {
  const [from, to] = [await temporaryDirectory(), await temporaryDirectory()];
  return { from, to };
}

describe('save and load', () => {
  it('carry an image from one store to another', async () => {
    const { from, to } = await stores();
    const image = await addSampleImage(from, ['my-app', 'other:1']);
    const saved = await tsbuild(['save', 'my-app'], { root: from });
    expect(saved).toMatchObject({ code: 0, stderr: '' });
    const loaded = await tsbuild(['load'], { root: to, stdin: saved.data });
    expect(loaded).toMatchObject({ code: 0, stdout: 'Loaded image: my-app:latest\n' });
    expect((await (await Layout.open(to)).resolve('my-app')).id).toBe(image.id);
  });

  it('know names, repositories and IDs apart', async () => {
    const { from } = await stores();
    const one = await addSampleImage(from, ['my-app:1', 'other']);
    await addSampleImage(from, ['my-app:2'], { blocks: 6 });
    const load = async (...names: string[]) => {
      const { data } = await tsbuild(['save', ...names], { root: from });
      const { stdout } = await tsbuild(['load'], { root: await temporaryDirectory(), stdin: data });
      return stdout.trim().split('\n').toSorted();
    };
    expect(await load('my-app')).toEqual(['Loaded image: my-app:1', 'Loaded image: my-app:2']);
    expect(await load('my-app:1')).toEqual(['Loaded image: my-app:1']);
    expect(await load('my-app:1', 'other')).toEqual(['Loaded image: my-app:1', 'Loaded image: other:latest']);
    expect(await load(one.id.slice(7, 20))).toEqual([`Loaded image ID: ${one.id}`]);
  });

  it('write the file whole or not at all', async () => {
    const { from } = await stores();
    const cwd = await temporaryDirectory();
    await addSampleImage(from, ['my-app']);
    expect(await tsbuild(['save', '-o', 'a.tar', 'my-app'], { root: from, cwd })).toMatchObject({
      code: 0,
      stdout: '',
    });
    const before = await readFile(join(cwd, 'a.tar'));

    const image = await addSampleImage(from, ['broken'], { blocks: 9 });
    const layer = image.layers[0]?.digest.slice(7) ?? '';
    await writeFile(join(from, 'blobs/sha256', layer), 'damaged').catch(async () => {
      throw new Error(`no blob ${layer} in ${(await readdir(join(from, 'blobs/sha256'))).join(' ')}`);
    });
    const failed = await tsbuild(['save', '-o', 'a.tar', 'broken'], { root: from, cwd });
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/^ERROR: /);
    expect(await readFile(join(cwd, 'a.tar'))).toEqual(before);
    expect(await readdir(cwd)).toEqual(['a.tar']);
  });

  it('stop when interrupted, and leave nothing', async () => {
    const { from } = await stores();
    const cwd = await temporaryDirectory();
    await addSampleImage(from, ['my-app']);
    const signal = AbortSignal.abort(new Interrupted('SIGINT'));
    const outcome = await tsbuild(['save', '-o', 'a.tar', 'my-app'], { root: from, cwd, signal });
    expect(outcome).toMatchObject({ code: 130, stderr: 'interrupted\n' });
    expect(await readdir(cwd)).toEqual([]);
  });

  it.each([
    [['save', 'my-app'], 'stdout', /refusing to write an archive to a terminal/],
    [['load'], 'stdin', /from standard input: it is a terminal/],
    [['import', '-'], 'stdin', /from standard input: it is a terminal/],
  ] as const)('%j refuses a terminal', async (argv, terminal, message) => {
    const { code, stderr } = await tsbuild(argv, { terminal });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('fail for what is no archive or not there', async () => {
    const { to } = await stores();
    for (const stdin of ['', 'nonsense', Buffer.alloc(10_240)]) {
      const outcome = await tsbuild(['load'], { root: to, stdin });
      expect(outcome.code).toBe(1);
      expect(outcome.stderr).toMatch(/^ERROR: .*\n/);
    }
    expect((await tsbuild(['load', '-i', '/nonexistent/a.tar'], { root: to })).stderr).toMatch(/a\.tar/);
    expect((await tsbuild(['save', 'nope'], { root: to })).code).toBe(1);
    expect((await tsbuild(['images'], { root: to })).stdout.split('\n')).toHaveLength(2);
  });
});

describe('import', () => {
  const emptyTar = Buffer.alloc(1024);

  it('makes an image of one layer', async () => {
    const root = await temporaryDirectory();
    const outcome = await tsbuild(['import', '-m', 'by hand', '-', 'my-base:1'], { root, stdin: emptyTar });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    const image = await (await Layout.open(root)).resolve('my-base:1');
    expect(outcome.stdout).toBe(`${image.id}\n`);
    expect(image.layers).toHaveLength(1);
    expect(image.config.history).toMatchObject([{ comment: 'by hand' }]);
  });

  it('applies changes in the language of the Dockerfile', async () => {
    const root = await temporaryDirectory();
    const changes = ['-c', 'CMD ["sh", "-l"]', '-c', 'ENV A=1 B="two words"', '--change', 'EXPOSE 80'];
    const outcome = await tsbuild(['import', ...changes, '-', 'my-base'], { root, stdin: emptyTar });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    const layout = await Layout.open(root);
    const { config } = await layout.resolve('my-base');
    expect(config.config).toMatchObject({ Cmd: ['sh', '-l'], ExposedPorts: { '80/tcp': {} } });
    expect(config.config?.Env).toEqual(expect.arrayContaining(['A=1', 'B=two words']));
    expect(await layout.images()).toHaveLength(1);
  });

  it('refuses other changes, and names that are none, before it reads', async () => {
    const root = join(await temporaryDirectory(), 'store');
    expect((await tsbuild(['import', '-c', 'RUN rm', '-', 'x'], { root })).code).toBe(2);
    expect((await tsbuild(['import', '-', 'UPPER'], { root })).code).toBe(1);
    expect((await tsbuild(['import', 'https://x/y.tar'], { root })).stderr).toMatch(/not supported yet/);
    await expect(access(root)).rejects.toThrow('ENOENT');
  });
});
