import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { dockerInspect } from './support/docker-image.ts';
import { docker, lab, without, withoutEngine } from './support/lab.ts';
import { output } from './support/process.ts';
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const DOCKERFILE = 'FROM busybox\nRUN echo made > /made\nCMD ["cat", "/made"]\n';

describe('images of the store', () => {
  let builder: Tsbuild;

  beforeAll(async () => {
    builder = await tsbuild();
    await builder.build(await contextOf({ Dockerfile: DOCKERFILE }), ['-t', 'made', '-t', 'made:2']);
  });

  it('images lists every name, and an image ID that inspect knows', async () => {
    const rows = (await builder.output(['images', '--format', 'json'])).trim().split('\n');
    const names = rows.map((row) => JSON.parse(row) as { Repository: string; Tag: string; ID: string });
    const made = names.filter((row) => row.Repository === 'made');
    expect(made.map((row) => row.Tag).toSorted()).toEqual(['2', 'latest']);
    expect(await builder.id(made[0]?.ID ?? '')).toBe(await builder.id('made'));
    expect(await builder.output(['images'])).toMatch(/^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n/);
  });

  it('inspect gives one array for several names', async () => {
    const documents = JSON.parse(await builder.output(['inspect', 'made', 'busybox'])) as { RepoTags: string[] }[];
    expect(documents.map((document) => document.RepoTags.toSorted())).toEqual([
      ['made:2', 'made:latest'],
      ['busybox:latest'],
    ]);
  });

  it('tag and rmi: a name goes, the image stays until the last one', async () => {
    await builder.output(['tag', 'made', 'other/name:1']);
    const id = await builder.id('made');
    expect(await builder.id('other/name:1')).toBe(id);
    expect(await builder.output(['rmi', 'other/name:1'])).toContain('Untagged: other/name:1');
    expect(await builder.id('made')).toBe(id);
    expect((await builder.run(['inspect', 'other/name:1'])).exitCode).toBe(1);
  });

  it('rmi of the last name deletes the image, and what shares its layers still works', async () => {
    const own = await tsbuild();
    const context = await contextOf({ Dockerfile: 'FROM busybox\nCOPY Dockerfile /only-here\n' });
    await own.build(context, ['-t', 'last']);
    expect(await own.output(['rmi', 'last'])).toMatch(/Untagged: last:latest\n[^]*Deleted: sha256:/);
    expect((await own.run(['inspect', 'last'])).exitCode).toBe(1);
    await own.build(context, ['-t', 'last']);
    expect(await own.id('last')).toMatch(/^sha256:/);
  });

  it('the store is an OCI layout, in which images share the layers they have in common', async () => {
    const own = await tsbuild({ bases: 'all' });
    const bytes = async (): Promise<number> =>
      Number((await output('du', ['-sb', join(own.store, 'blobs')])).split('\t')[0]);
    const before = await bytes();
    for (const word of ['one', 'two', 'three']) {
      await own.build(await contextOf({ Dockerfile: `FROM node:18-alpine\nCOPY ${word} /\n`, [word]: word }), [
        '-t',
        word,
      ]);
    }
    expect((await bytes()) - before).toBeLessThan(100_000);
    const layout = JSON.parse(await readFile(join(own.store, 'oci-layout'), 'utf8')) as unknown;
    expect(layout).toEqual({ imageLayoutVersion: '1.0.0' });
    const index = JSON.parse(await readFile(join(own.store, 'index.json'), 'utf8')) as { schemaVersion: number };
    expect(index.schemaVersion).toBe(2);
  });

  it('save and load carry several images, plain and gzipped', async () => {
    const archive = join(await scratch(), 'two.tar');
    await builder.output(['save', '-o', archive, 'made', 'busybox']);
    await writeFile(`${archive}.gz`, gzipSync(await readFile(archive)));
    for (const file of [archive, `${archive}.gz`]) {
      const other = await tsbuild({ bases: false });
      expect(await other.output(['load', '-i', file])).toContain('made:latest');
      expect(await other.id('made')).toBe(await builder.id('made'));
      expect(await other.id('busybox')).toBe(await builder.id('busybox'));
    }
  });

  it('load reads standard input', async () => {
    const other = await tsbuild({ bases: false });
    expect(await other.output(['load'], { stdinFile: lab.bases['busybox'] ?? '' })).toContain('busybox:latest');
  });

  it('import makes an image of a root filesystem', async () => {
    const folder = await contextOf({ 'etc/motd': 'hello\n', 'data/': '' });
    const tar = join(await scratch(), 'root.tar');
    await output('tar', ['-C', folder, '-cf', tar, 'etc', 'data']);
    const id = (await builder.output(['import', tar, 'imported:1'])).trim();
    expect(id).toBe(await builder.id('imported:1'));
    const built = await builder.build(await contextOf({ Dockerfile: 'FROM imported:1\nCOPY Dockerfile /etc/\n' }), [
      '-t',
      'on-imported',
    ]);
    expect(built.steps.get('COPY Dockerfile /etc/')).toBe('DONE');
  });

  it.skipIf(without('skopeo'))(
    'skopeo reads the archive as docker-archive and, unpacked, as an OCI layout (needs skopeo)',
    async () => {
      const folder = await scratch();
      const archive = join(folder, 'made.tar');
      await builder.output(['save', '-o', archive, 'made']);
      await output('tar', ['-C', folder, '-xf', archive]);
      const id = await builder.id('made');
      for (const source of [`docker-archive:${archive}`, `oci:${folder}:latest`]) {
        const raw = await output('skopeo', ['inspect', '--config', '--raw', source], { env: { HOME: folder } });
        expect(JSON.parse(raw)).toMatchObject({ os: 'linux', config: { Cmd: ['cat', '/made'] } });
        const { Layers } = JSON.parse(await output('skopeo', ['inspect', source], { env: { HOME: folder } })) as {
          Layers: string[];
        };
        expect(Layers).toHaveLength(2);
      }
      expect(await output('sha256sum', [join(folder, 'blobs/sha256', id.slice('sha256:'.length))])).toContain(
        id.slice('sha256:'.length),
      );
    },
  );

  it.skipIf(without('umoci') || process.getuid?.() !== 0)(
    'umoci unpacks the layout (needs umoci and root)',
    async () => {
      const folder = await scratch();
      await builder.output(['save', '-o', join(folder, 'made.tar'), 'made']);
      await output('tar', ['-C', folder, '-xf', join(folder, 'made.tar')]);
      await output('umoci', ['unpack', '--image', `${folder}:latest`, join(folder, 'bundle')], {
        env: { HOME: folder },
      });
      expect(await readFile(join(folder, 'bundle/rootfs/made'), 'utf8')).toBe('made\n');
    },
  );

  describe.skipIf(withoutEngine)('to and from Docker (needs root and dockerd)', () => {
    it('what docker saves, load takes with the same ID', async () => {
      const archive = join(await scratch(), 'from-docker.tar');
      const tag = `from-docker-${process.pid}`;
      await docker().output(['build', '--network', 'none', '-t', tag, await contextOf({ Dockerfile: DOCKERFILE })]);
      await docker().output(['save', '-o', archive, tag]);
      const other = await tsbuild({ bases: false });
      expect(await other.output(['load', '-i', archive])).toContain(`${tag}:latest`);
      expect(await other.id(tag)).toBe((await dockerInspect(tag))['Id']);
      const again = join(await scratch(), 'again.tar');
      await other.output(['tag', tag, `${tag}:again`]);
      await other.output(['save', '-o', again, `${tag}:again`]);
      await docker().output(['load', '-i', again]);
      expect(await docker().output(['run', '--rm', '--network', 'none', `${tag}:again`])).toBe('made\n');
    });

    it('what docker exports, import takes', async () => {
      const archive = join(await scratch(), 'exported.tar');
      const container = (await docker().output(['create', '--network', 'none', 'busybox'])).trim();
      await docker().output(['export', '-o', archive, container]);
      await docker().output(['rm', container]);
      await builder.output(['import', archive, 'exported']);
      const built = await builder.build(await contextOf({ Dockerfile: 'FROM exported\nRUN ls / > /listing\n' }), [
        '-t',
        'on-exported',
      ]);
      expect(built.steps.get('RUN ls / > /listing')).toBe('DONE');
    });
  });
});
