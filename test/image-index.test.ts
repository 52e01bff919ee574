import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageIndex } from '../packages/oci/src/index.ts';
import { formatPlatform, hostPlatform } from '../packages/oci/src/node.ts';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../packages/oci/testing/docker-registry.ts';
import { removeAll } from './support/containers.ts';
import { docker, without, withoutEngine, withoutRoot } from './support/lab.ts';
import { output } from './support/process.ts';
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const host = formatPlatform(hostPlatform());
const foreign = host === 'linux/arm64' ? 'linux/amd64' : 'linux/arm64';
const archOf = (platform: string): string => platform.split('/')[1] ?? '';

/** An image for each of two platforms, and `app:1` of both; `app:host` runs. */
async function withIndex(builder: Tsbuild): Promise<string> {
  const files = { f: 'the same', own: 'own' };
  const hosts = await contextOf({
    ...files,
    Dockerfile: 'FROM busybox\nCOPY f /\nLABEL for=host\nCMD ["cat", "/f"]\n',
  });
  await builder.build(hosts, ['--platform', host, '-t', 'app:host']);
  const foreigns = await contextOf({ ...files, Dockerfile: 'FROM scratch\nCOPY f /\nCOPY own /\nLABEL for=foreign\n' });
  await builder.build(foreigns, ['--platform', foreign, '-t', 'app:foreign']);
  return (await builder.output(['image', 'index', 'app:1', 'app:host', 'app:foreign'])).trim();
}

const manifestsOf = (text: string): ImageIndex['manifests'] => (JSON.parse(text) as ImageIndex).manifests;
const platformsOf = (text: string): readonly string[] =>
  manifestsOf(text).flatMap(({ platform }) => (platform === undefined ? [] : [formatPlatform(platform)]));

describe('an index in the store', () => {
  let builder: Tsbuild;
  let digest: string;
  beforeAll(async () => {
    builder = await tsbuild();
    digest = await withIndex(builder);
  });

  it('is one image of the listing, and its platforms are a tree', async () => {
    const rows = (await builder.output(['images', '--format', '{{.Tag}} {{.ID}}', '--no-trunc', 'app'])).split('\n');
    expect(rows).toContain(`1 ${digest}`);
    expect(rows.filter((row) => row.startsWith('1 '))).toHaveLength(1);
    const tree = await builder.output(['images', '--tree', 'app:1']);
    expect(tree).toMatch(new RegExp(`^app:1 .*\n├─ ${host} .*\n└─ ${foreign} .*\n$`, 'm'));
    const both = await builder.run(['images', '--tree', '-q']);
    expect(both).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--tree') });
  });

  it('is inspected as the image of this machine, or the one that is asked for', async () => {
    const inspect = (...args: readonly string[]) =>
      builder.run(['inspect', '-f', '{{.Id}} {{.Architecture}}', ...args]);
    expect(await inspect('app:1')).toMatchObject({ stdout: `${digest} ${archOf(host)}\n`, stderr: '' });
    expect(await inspect(digest.slice(7, 19))).toMatchObject({ stdout: `${digest} ${archOf(host)}\n` });
    const own = await builder.id('app:foreign');
    expect(await inspect('--platform', foreign, 'app:1')).toMatchObject({ stdout: `${own} ${archOf(foreign)}\n` });
    expect(await inspect(own)).toMatchObject({ stdout: `${own} ${archOf(foreign)}\n` });
    const missing = await inspect('--platform', 'linux/s390x', 'app:1');
    expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`available: ${host}, ${foreign}`) });
    const document = JSON.parse(await builder.output(['inspect', 'app:1'])) as [
      { Manifests: { Available: boolean }[] },
    ];
    expect(document[0].Manifests.map(({ Available }) => Available)).toEqual([true, true]);
  });

  it('has a history for each platform', async () => {
    const history = (...args: readonly string[]) => builder.output(['history', '--format', '{{.CreatedBy}}', ...args]);
    expect(await history('app:1')).toContain('LABEL for=host');
    expect(await history('--platform', foreign, 'app:1')).toContain('LABEL for=foreign');
  });

  it('gives its first image where none is for this machine, and says so', async () => {
    const context = await contextOf({ Dockerfile: 'FROM scratch\nCOPY f /\n', f: 'x' });
    for (const platform of ['linux/s390x', 'linux/riscv64'])
      await builder.build(context, ['--platform', platform, '-t', `far:${archOf(platform)}`]);
    await builder.output(['image', 'index', 'far', 'far:s390x', 'far:riscv64']);
    const note = `Note: far has no image for ${host}; using linux/s390x, its first (--platform chooses)\n`;
    for (const command of ['inspect', 'history']) {
      expect(await builder.run([command, 'far'])).toMatchObject({ exitCode: 0, stderr: note });
      expect(await builder.run([command, '--platform', 'linux/riscv64', 'far'])).toMatchObject({ stderr: '' });
    }
  });

  it('is a base for each of its platforms', async () => {
    const context = await contextOf({ Dockerfile: 'FROM app:1\nCOPY g /\n', g: 'g' });
    for (const platform of [host, foreign]) {
      await builder.build(context, ['--platform', platform, '-t', 'on-top']);
      const label = await builder.output(['inspect', '-f', '{{.Architecture}} {{.Config.Labels}}', 'on-top']);
      expect(label).toBe(`${archOf(platform)} map[for:${platform === host ? 'host' : 'foreign'}]\n`);
    }
    // A registry may have what the index here lacks: it is asked.
    await builder.output(['tag', 'app:1', '127.0.0.1:1/app:1']);
    const asking = await contextOf({ Dockerfile: 'FROM 127.0.0.1:1/app:1\n' });
    const other = await builder.run(['build', '--platform', 'linux/s390x', asking]);
    expect(other).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('cannot reach') });
    await builder.output(['rmi', '127.0.0.1:1/app:1']);
  });

  it('is kept whole while it has a name, and goes with its last', async () => {
    const own = await tsbuild();
    const index = await withIndex(own);
    const member = await own.id('app:foreign');
    await own.output(['rmi', 'app:host', 'app:foreign']);
    await own.output(['tag', 'app:1', 'other:2']);
    expect(await own.output(['rmi', 'app:1'])).toBe('Untagged: app:1\n');
    await own.output(['image', 'prune', '-f']);
    expect(await own.output(['fsck'])).toContain('The store is whole');
    expect(await own.output(['inspect', '-f', '{{.Architecture}}', '--platform', foreign, 'other:2'])).toBe(
      `${archOf(foreign)}\n`,
    );
    const part = await own.run(['rmi', member]);
    expect(part).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('it is part of other:2') });
    expect(await own.output(['rmi', index])).toBe(`Untagged: other:2\nDeleted: ${index}\n`);
    expect(await own.output(['images', '-q', 'other'])).toBe('');
  });

  it('refuses two images for one platform, and takes indexes and annotations', async () => {
    const twice = await builder.run(['image', 'index', 'bad', 'app:host', 'busybox']);
    expect(twice).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`app:host and busybox are both for ${host}`),
    });
    const args = ['--annotation', 'a=index', '--annotation', `manifest-descriptor[${foreign}]:b=entry`];
    await builder.output(['image', 'index', ...args, 'annotated', 'app:1', 'far']);
    const [document] = JSON.parse(await builder.output(['inspect', 'annotated'])) as [
      { Manifests: { Descriptor: { annotations?: object } }[] },
    ];
    expect(document.Manifests.map(({ Descriptor }) => Descriptor.annotations)).toEqual([
      undefined,
      { b: 'entry' },
      undefined,
      undefined,
    ]);
    const wrong = await builder.run(['image', 'index', '--annotation', 'manifest:a=b', 'bad', 'app:1']);
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('manifest annotations') });
  });

  it('runs as the image of this machine (needs root)', { skip: withoutRoot }, async () => {
    expect(await builder.output(['run', '--rm', 'app:1'])).toBe('the same');
    const asked = await builder.run(['create', '--pull', 'never', '--platform', 'linux/s390x', 'app:1']);
    expect(asked).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('does not match') });
    const created = (await builder.output(['create', '--platform', foreign, '--name', 'foreign', 'app:1', 'x'])).trim();
    const used = await builder.run(['rmi', 'app:1']);
    expect(used).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`container ${created.slice(0, 12)}`) });
    await builder.output(['commit', 'foreign', 'committed']);
    expect(await builder.output(['inspect', '-f', '{{.Architecture}}', 'committed'])).toBe(`${archOf(foreign)}\n`);
    await removeAll(builder);
  });
});

describe('an index in archives and layouts', () => {
  let builder: Tsbuild;
  let digest: string;
  let folder: string;
  beforeAll(async () => {
    builder = await tsbuild();
    digest = await withIndex(builder);
    folder = await scratch();
    await builder.output(['save', '-o', join(folder, 'app.tar'), 'app:1']);
  });

  it('is saved whole, and loaded as the same index', async () => {
    const other = await tsbuild({ bases: false });
    expect(await other.output(['load', '-i', join(folder, 'app.tar')])).toBe('Loaded image: app:1\n');
    expect(await other.id('app:1')).toBe(digest);
    expect(await other.output(['fsck'])).toContain('The store is whole');
    await other.output(['load', '-i', join(folder, 'app.tar'), '--platform', foreign]);
    expect(await other.output(['inspect', '-f', '{{.Id}}', 'app:1'])).toBe(
      await builder.output(['inspect', '-f', '{{.Id}}', 'app:foreign']),
    );
    const one = join(folder, 'one.tar');
    await builder.output(['save', '-o', one, '--platform', foreign, 'app:1']);
    const third = await tsbuild({ bases: false });
    await third.output(['load', '-i', one]);
    expect(await third.output(['inspect', '-f', '{{.Architecture}}', 'app:1'])).toBe(`${archOf(foreign)}\n`);
  });

  it.skipIf(without('skopeo'))('shows skopeo its index (needs skopeo)', async () => {
    const raw = await output('skopeo', ['inspect', '--raw', `oci-archive:${join(folder, 'app.tar')}`]);
    expect(platformsOf(raw)).toEqual([host, foreign]);
  });

  it.skipIf(withoutEngine)('is loaded by an engine with the classic store (needs dockerd)', async () => {
    await docker().output(['load', '-i', join(folder, 'app.tar')]);
    expect(await docker().output(['inspect', '-f', '{{.Id}}', 'app:1'])).toBe(
      await builder.output(['inspect', '-f', '{{.Id}}', 'app:host']),
    );
  });

  it('is made of archives and layouts that several machines built', async () => {
    const archive = join(folder, 'foreign.tar');
    await builder.output(['save', '-o', archive, 'app:foreign']);
    const context = await contextOf({ Dockerfile: 'FROM app:host\n' });
    await builder.build(context, ['-t', 'in-layout:7', '-o', `type=oci,tar=false,dest=${join(folder, 'layout')}`]);
    const merger = await tsbuild({ bases: false });
    const layout = `oci-layout://${join(folder, 'layout')}:7`;
    await merger.output(['image', 'index', 'merged', layout, archive]);
    const tree = await merger.output(['images', '--tree', 'merged']);
    expect(tree).toMatch(new RegExp(`├─ ${host} .*\n└─ ${foreign} `));
    expect(await merger.output(['fsck'])).toContain('The store is whole');
    const nowhere = await merger.run(['image', 'index', 'merged', './nowhere.tar']);
    expect(nowhere).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('./nowhere.tar') });
  });
});

describe.skipIf(SKIP_REGISTRY)(`an index and a registry on loopback${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let builder: Tsbuild;
  let env: { readonly env: { readonly TSBUILD_CONFIG: string } };
  beforeAll(async () => {
    registry = await startDockerRegistry();
    const path = join(await scratch(), 'config.json');
    await writeFile(path, '{}');
    env = { env: { TSBUILD_CONFIG: path } };
    builder = await tsbuild();
    await withIndex(builder);
  });
  afterAll(() => registry?.stop());

  const at = (name: string): string => `${registry.host}/${name}`;
  const push = async (store: Tsbuild, name: string): Promise<string> => {
    const { stdout } = await store.run(['push', name], env);
    return /digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1] ?? stdout;
  };

  it('is pushed and pulled with all its platforms, and keeps its digest', async () => {
    await builder.output(['tag', 'app:1', at('app:1')]);
    const digest = await push(builder, at('app:1'));
    const other = await tsbuild({ bases: false });
    const pulled = await other.output(['pull', '--platform', 'all', at('app:1')], env);
    expect(pulled).toContain(`Digest: ${digest}`);
    expect(await other.id(at('app:1'))).toBe(await builder.id('app:1'));
    await other.output(['tag', at('app:1'), at('copy:1')]);
    expect(await push(other, at('copy:1'))).toBe(digest);
    if (without('skopeo')) return;
    const raw = await output('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${at('copy:1')}`]);
    expect(platformsOf(raw)).toEqual([host, foreign]);
  });

  it('is pulled in part, and pushed in part', async () => {
    const other = await tsbuild({ bases: false });
    await other.output(['pull', at('app:1')], env);
    expect(await other.output(['images', '--tree'])).not.toContain(foreign);
    await other.output(['pull', '--platform', foreign, at('app:1')], env);
    expect(await other.output(['inspect', '-f', '{{.Architecture}}', at('app:1')])).toBe(`${archOf(foreign)}\n`);
    await other.output(['pull', '--platform', `${foreign},${host}`, at('app:1')], env);
    expect(await other.id(at('app:1'))).toBe(await builder.id('app:1'));
    await builder.output(['tag', 'app:1', at('part:1')]);
    await builder.output(['push', '--platform', foreign, at('part:1')], env);
    await other.output(['pull', '--platform', 'all', at('part:1')], env);
    expect(await other.output(['inspect', '-f', '{{.Architecture}}', at('part:1')])).toBe(`${archOf(foreign)}\n`);
  });

  it('is made in the registry of images that were pushed by digest, without their layers', async () => {
    const references: string[] = [];
    for (const tag of ['host', 'foreign']) {
      await builder.output(['tag', `app:${tag}`, at('merged')]);
      references.push(`${at('merged')}@${await push(builder, at('merged'))}`);
    }
    const merger = await tsbuild({ bases: false });
    const made = (await merger.output(['image', 'index', '--push', at('merged:1'), ...references], env)).trim();
    expect(await merger.output(['images', '-q'])).toBe('');
    const pulled = await merger.output(['pull', '--platform', 'all', at('merged:1')], env);
    expect(pulled).toContain(`Digest: ${made}`);
    // The same index, made in a store and pushed from there.
    const other = await tsbuild({ bases: false });
    await other.output(['image', 'index', at('merged:2'), ...references], env);
    expect(await push(other, at('merged:2'))).toBe(made);
  });
});
