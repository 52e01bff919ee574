import { describe, expect, it } from 'vitest';
import type { Image } from '../../src/image/image-value.ts';
import { imagePackages } from '../../src/inventory/image-packages.ts';
import type { LayerPackages } from '../../src/inventory/layer-packages.ts';
import type { Digest } from '../../src/spec/digest.ts';
import { makeTar, type RawMember } from '../../testing/make-tar.ts';
import { sampleImage } from '../../testing/sample-image.ts';

/** A file of each path with this content; `null` for a whiteout, `-> path` for a hard link, `=> path` for a symbolic one. */
type Files = Readonly<Record<string, string | null>>;

function layer(files: Files): Uint8Array {
  return makeTar(
    Object.entries(files).map(([path, content]): RawMember => {
      if (content === null) return { name: path.replace(/([^/]*)$/, '.wh.$1') };
      if (content.startsWith('-> ')) return { name: path, type: '1', linkName: content.slice(3) };
      if (content.startsWith('=> ')) return { name: path, type: '2', linkName: content.slice(3) };
      return { name: path, content };
    }),
  );
}

const image = (...layers: readonly Files[]): Promise<Image> => sampleImage(layers.map(layer));
const listed = async (of: Image): Promise<readonly string[]> =>
  (await imagePackages(of)).packages.map((one) => `${one.layer} ${one.type} ${one.name} ${one.version} ${one.path}`);
const changes = async (of: Image): Promise<readonly string[]> =>
  (await imagePackages(of)).changes.map(({ kind, layer: at, package: one, before }) =>
    [at, kind, one.name, ...(before === undefined ? [] : [before]), one.version].join(' '),
  );

/** apk's database (apk-tools, doc/apk.5): what is installed, directories, files and their checksums. */
function apk(...packages: readonly string[]): string {
  return packages
    .map((text) => {
      const [name, version, origin = name] = text.split(' ');
      return [
        'C:Q1nIE9rsyRDPpJ5bXUJx6JZ2CuTJg=',
        `P:${name}`,
        `V:${version}`,
        'A:x86_64',
        'S:383459',
        'I:622592',
        'T:the musl c library (libc) implementation',
        'U:https://musl.libc.org/',
        'L:MIT',
        `o:${origin}`,
        'm:Natanael Copa <ncopa@alpinelinux.org>',
        't:1732000000',
        'c:deadbeef',
        'p:so:libc.musl-x86_64.so.1=1',
        'F:lib',
        'R:ld-musl-x86_64.so.1',
        'a:0:0:755',
        'Z:Q1abcdefghijklmnopqrstuvwxyz01=',
        '',
      ].join('\n');
    })
    .map((text) => `${text}\n`)
    .join('');
}

const dpkg = (...packages: readonly string[]): string =>
  packages
    .map((text) => {
      const [name, version] = text.split(' ');
      return `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n\n`;
    })
    .join('');
const npm = (name: string, version: string): string => JSON.stringify({ name, version });

const STATUS = 'var/lib/dpkg/status';
const APK = 'lib/apk/db/installed';

describe('imagePackages', () => {
  it('finds what each layer did in databases that layers rewrite whole', async () => {
    const of = await image(
      { [APK]: apk('musl 1.2.5-r0', 'gone 1-r0', 'curl 8.0-r0') },
      { 'etc/motd': 'unrelated' },
      { [APK]: apk('musl 1.2.5-r0', 'curl 8.1-r0', 'libcurl 8.1-r0 curl') },
    );
    expect(await listed(of)).toEqual([
      `2 apk curl 8.1-r0 ${APK}`,
      `2 apk libcurl 8.1-r0 ${APK}`,
      `0 apk musl 1.2.5-r0 ${APK}`,
    ]);
    expect((await changes(of)).slice(3)).toEqual([
      '2 upgraded curl 8.0-r0 8.1-r0',
      '2 removed gone 1-r0',
      '2 added libcurl 8.1-r0',
    ]);
    const [curl, libcurl] = (await imagePackages(of)).packages;
    expect([curl?.source, libcurl?.source]).toEqual([undefined, 'curl']);
  });

  it('a package that is removed and comes again belongs to the layer that brought it again', async () => {
    const of = await image({ [STATUS]: dpkg('a 1') }, { [STATUS]: dpkg('b 1') }, { [STATUS]: dpkg('a 1', 'b 1') });
    expect(await listed(of)).toEqual([`2 deb a 1 ${STATUS}`, `1 deb b 1 ${STATUS}`]);
  });

  it('goes by the merged view: files that later layers delete or replace', async () => {
    const of = await image(
      { 'a/node_modules/x/package.json': npm('x', '1'), 'a/node_modules/y/package.json': npm('y', '1') },
      { 'a/node_modules/x': null, 'a/node_modules/y/package.json': npm('y', '2') },
    );
    expect(await listed(of)).toEqual(['1 npm y 2 a/node_modules/y/package.json']);
    expect((await changes(of)).slice(2)).toEqual(['1 removed x 1', '1 upgraded y 1 2']);
  });

  it('takes a new version in a file of another name for an upgrade', async () => {
    const metadata = (version: string): string => `Name: Foo\nVersion: ${version}\n`;
    const of = await image(
      { 'p/Foo-1.dist-info/METADATA': metadata('1') },
      { 'p/Foo-1.dist-info': null, 'p/Foo-2.dist-info/METADATA': metadata('2') },
    );
    expect((await changes(of)).slice(1)).toEqual(['1 upgraded Foo 1 2']);
  });

  it('reads hard links, also those to a layer below, and follows no symbolic one', async () => {
    const path = (at: string): string => `${at}/node_modules/x/package.json`;
    const of = await image(
      { [path('a')]: npm('x', '1'), [path('b')]: `-> ${path('a')}` },
      { [path('c')]: `-> ${path('a')}`, [path('d')]: `=> /${path('a')}`, [path('e')]: '=> ../../../../../etc/passwd' },
    );
    expect(await listed(of)).toEqual(['a', 'b', 'c'].map((at) => `${at === 'c' ? 1 : 0} npm x 1 ${path(at)}`));
  });

  it('tells what could not be read, with its layer, as long as it is there', async () => {
    const of = await image({ 'var/lib/rpm/Packages': 'db', 'a/node_modules/x/package.json': '{' }, { a: null });
    expect((await imagePackages(of)).gaps).toEqual([
      { path: 'var/lib/rpm/Packages', layer: 0, reason: "rpm's database of Berkeley DB is not read" },
    ]);
  });

  it('reads the distribution, in usr/lib where etc leads there', async () => {
    const release = 'NAME="Debian"\nID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n';
    const of = await image({ 'usr/lib/os-release': release, 'etc/os-release': '=> ../usr/lib/os-release' });
    const expected = { id: 'debian', version: '12', title: 'Debian GNU/Linux 12 (bookworm)' };
    expect((await imagePackages(of)).distribution).toEqual(expected);
  });

  it('asks what is known of layers before it reads them', async () => {
    const of = await image({ [STATUS]: dpkg('a 1') }, { 'b/node_modules/x/package.json': npm('x', '1') });
    const known = new Map<Digest, LayerPackages>();
    const first = await imagePackages(of, {
      known: { get: (at) => known.get(at), put: (at, told) => known.set(at, told) },
    });
    expect(known.size).toBe(2);
    const put: Digest[] = [];
    const again = { get: (at: Digest) => known.get(at), put: (at: Digest) => void put.push(at) };
    expect(await imagePackages(of, { known: again })).toEqual(first);
    expect(put).toEqual([]);
  });

  it('finds nothing in an image without layers', async () => {
    expect(await imagePackages(await sampleImage([]))).toEqual({ packages: [], changes: [], gaps: [], programs: [] });
  });
});
