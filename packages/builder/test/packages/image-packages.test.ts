import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '@tsbuild/oci';
import { fromStoredImage } from '@tsbuild/oci/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namesIn } from '../../src/disk/kept-file.ts';
import { type ImagePackages, packagesOfImage } from '../../src/packages/image-packages.ts';
import { originText } from '../../src/packages/package-origin.ts';
import { pruneCache } from '../../src/store/store-cache.ts';
import { type BenchBuild, BuildBench } from '../../testing/build-bench.ts';

/** A paragraph for each `name version`. */
function dpkg(...packages: readonly string[]): string {
  return packages
    .map((text) => {
      const [name, version] = text.split(' ');
      return `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n\n`;
    })
    .join('');
}

const npm = (name: string, version: string): string => JSON.stringify({ name, version });
const STATUS = 'var/lib/dpkg/status';

describe('the packages of an image that was built here', () => {
  let bench: BuildBench;
  let context: string;
  beforeAll(async () => {
    bench = await BuildBench.make();
    context = bench.files('packages', {
      [`one/${STATUS}`]: dpkg('a 1', 'b 1', 'gone 1'),
      [`two/${STATUS}`]: dpkg('a 2', 'b 1', 'c 1'),
      [`three/${STATUS}`]: dpkg('a 2', 'b 1', 'c 1', 'd 1'),
      'app/node_modules/left/package.json': npm('left', '1.0.0'),
      'lib/node_modules/right/package.json': npm('right', '2.0.0'),
      'os-release': 'ID=debian\nVERSION_ID="12"\n',
    });
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  const directory = (): string => bench.store.directory('packages');
  const build = (text: string, names: readonly string[] = []): Promise<BenchBuild> =>
    bench.build(text, { context, tags: [...names] });
  const packagesOf = async ({ image }: BenchBuild): Promise<ImagePackages> =>
    packagesOfImage(await fromStoredImage(bench.store.layout.blobs, image), bench.store);
  const origins = ({ packages, dockerfile = '?' }: ImagePackages): Record<string, string | undefined> =>
    Object.fromEntries(
      packages.map(({ name, version, origin }) => [`${name} ${version}`, originText(origin, dockerfile)]),
    );

  it('are those of the instructions that added them in their versions', async () => {
    const found = await packagesOf(await build('FROM scratch\nCOPY one/ /\n\nCOPY two/ /\nCOPY app /app\n'));
    expect(origins(found)).toEqual({
      'a 2': 'Dockerfile:4 COPY two/ /',
      'b 1': 'Dockerfile:2 COPY one/ /',
      'c 1': 'Dockerfile:4 COPY two/ /',
      'left 1.0.0': 'Dockerfile:5 COPY app /app',
    });
    const changes = found.changes
      .filter(({ layer }) => layer === 1)
      .map(({ kind, package: { name }, before, origin }) => [kind, name, before, originText(origin, 'D')]);
    expect(changes).toEqual([
      ['upgraded', 'a', '1', 'D:4 COPY two/ /'],
      ['added', 'c', undefined, 'D:4 COPY two/ /'],
      ['removed', 'gone', undefined, 'D:4 COPY two/ /'],
    ]);
  });

  it('come through COPY --from from the instruction that made them in their stage', async () => {
    const found = await packagesOf(
      await build(
        [
          'FROM scratch AS system',
          'COPY one/ /',
          'COPY two/ /',
          'FROM scratch AS modules',
          'COPY app/node_modules /work/node_modules',
          'FROM scratch AS between',
          'COPY --from=modules /work /elsewhere',
          'FROM scratch',
          'COPY --from=system / /',
          'COPY --from=between /elsewhere/node_modules /app/node_modules',
          'COPY lib /app/lib',
          'COPY three/ /',
        ].join('\n'),
      ),
    );
    expect(origins(found)).toEqual({
      // The database was rewritten after it was copied.
      'a 2': 'Dockerfile:3 COPY two/ / in stage system, copied by line 9',
      'b 1': 'Dockerfile:2 COPY one/ / in stage system, copied by line 9',
      'c 1': 'Dockerfile:3 COPY two/ / in stage system, copied by line 9',
      'd 1': 'Dockerfile:12 COPY three/ /',
      'left 1.0.0':
        'Dockerfile:5 COPY app/node_modules /work/node_modules in stage modules, copied by line 7, copied by line 10',
      'right 2.0.0': 'Dockerfile:11 COPY lib /app/lib',
    });
  });

  it('are those of the base image, and of images that files are copied from', async () => {
    const base = await build('FROM scratch\nCOPY one/ /\nCOPY os-release /etc/os-release\n', ['packages-base:1']);
    await build('FROM scratch\nCOPY app /app\n', ['packages-modules:1']);
    const found = await packagesOf(
      await build('FROM packages-base:1\nCOPY --from=packages-modules:1 /app /srv\nCOPY two/ /\n'),
    );
    expect(found.distribution).toEqual({ id: 'debian', version: '12' });
    const { 'b 1': b, 'left 1.0.0': left, ...others } = origins(found);
    expect(b).toBe(`base image packages-base:1@${base.image.id}`);
    expect(left).toMatch(/^image packages-modules:1@sha256:[0-9a-f]{64}, copied by line 2$/);
    expect(others).toEqual({ 'a 2': 'Dockerfile:3 COPY two/ /', 'c 1': 'Dockerfile:3 COPY two/ /' });
  });

  it('are those of stages on stages', async () => {
    const found = await packagesOf(
      await build('FROM scratch AS one\nCOPY one/ /\nFROM one AS two\nCOPY two/ /\nFROM two\nCOPY app /app\n'),
    );
    expect(origins(found)).toEqual({
      'a 2': 'Dockerfile:4 COPY two/ /',
      'b 1': 'Dockerfile:2 COPY one/ /',
      'c 1': 'Dockerfile:4 COPY two/ /',
      'left 1.0.0': 'Dockerfile:6 COPY app /app',
    });
  });

  it('are told by the history of an image whose build is forgotten', async () => {
    const { image } = await build('FROM scratch\nCOPY one/ /\nENV A=forgotten\nCOPY two/ /\n');
    const stored = await fromStoredImage(bench.store.layout.blobs, image);
    const store = {
      layout: bench.store.layout,
      builds: { get: () => undefined },
      directory: () => bench.store.directory('packages'),
    };
    const found = await packagesOfImage(stored, store);
    expect(origins(found)).toEqual({
      'a 2': 'COPY two/ / # buildkit',
      'b 1': 'COPY one/ / # buildkit',
      'c 1': 'COPY two/ / # buildkit',
    });
  });

  it('are read once: the next time no layer is opened, until a kept file is damaged or the layers go', async () => {
    const { layout } = bench.store;
    const base = await build('FROM scratch\nCOPY one/ /\n', ['kept-base:1']);
    const built = await build('FROM kept-base:1\nCOPY two/ /\n', ['kept:1']);
    await packagesOf(base);
    const first = await packagesOf(built);
    const opened: string[] = [];
    const blobs = new Proxy(layout.blobs, {
      get: (target, name) => {
        if (name === 'openReader') return (digest: Digest) => (opened.push(digest), target.openReader(digest));
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const watched = { layout: { blobs, indexes: layout.indexes }, builds: bench.store.builds, directory };
    const image = await fromStoredImage(layout.blobs, built.image);
    expect(await packagesOfImage(image, watched)).toEqual(first);
    expect(opened).toEqual([]);
    // Of an image on a base that is known, only the layers above it are read.
    const more = await build('FROM kept-base:1\nCOPY two/ /\nCOPY lib /kept\n', ['kept:2']);
    await packagesOfImage(await fromStoredImage(layout.blobs, more.image), watched);
    expect(new Set(opened)).toEqual(new Set([more.image.layers[2]?.digest]));
    for (const kind of ['images', 'layers']) {
      for (const name of readdirSync(join(directory(), kind)))
        writeFileSync(join(directory(), kind, name), '{"packages":[]}');
    }
    expect(await packagesOfImage(image, watched)).toEqual(first);
    // What is about the layers goes with them.
    await packagesOfImage(await fromStoredImage(layout.blobs, more.image), watched);
    const kept = `${more.image.layers[2]?.digest.slice('sha256:'.length)}.json`;
    expect(readdirSync(join(directory(), 'layers'))).toContain(kept);
    const images = readdirSync(join(directory(), 'images')).length;
    for (const { names } of [base, built, more]) for (const name of names) await layout.remove(name);
    await pruneCache(bench.store, { all: true }, new AbortController().signal);
    // Pruning everything takes the directories along.
    expect(existsSync(join(directory(), 'layers', kept))).toBe(false);
    expect(namesIn(join(directory(), 'images')).length).toBeLessThan(images);
  });
});
