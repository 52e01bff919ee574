import { describe, expect, it } from 'vitest';
import { memoryFile, packageReader, packageUrl, readPackages, type PackageFindings } from '../../src/index.ts';

async function read(path: string, content: string | Uint8Array): Promise<PackageFindings> {
  const reader = packageReader(path, 0o755);
  expect(reader, path).toBeDefined();
  if (reader === undefined) throw new Error(path);
  return readPackages(
    reader,
    memoryFile(path, typeof content === 'string' ? new TextEncoder().encode(content) : content),
  );
}

/** An SQLite database of one page whose table Packages has a page that points at itself. */
function cyclicDatabase(): Uint8Array {
  const bytes = Buffer.alloc(1024);
  bytes.write('SQLite format 3\0', 0, 'latin1');
  bytes.writeUInt16BE(512, 16);
  bytes.writeUInt32BE(1, 56);
  // Page 1, a leaf with one cell: ('table', 'Packages', 'Packages', 2, '').
  const row = Buffer.concat([Buffer.from([6, 23, 29, 29, 1, 13]), Buffer.from('tablePackagesPackages\x02')]);
  const cell = Buffer.concat([Buffer.from([row.length, 1]), row]);
  const at = 512 - cell.length;
  bytes[100] = 13;
  bytes.writeUInt16BE(1, 103);
  bytes.writeUInt16BE(at, 108);
  cell.copy(bytes, at);
  // Page 2, an interior page whose right child is itself.
  bytes[512] = 5;
  bytes.writeUInt32BE(2, 512 + 8);
  return bytes;
}

describe('package readers', () => {
  it('read what is installed of a dpkg database, with package URLs', async () => {
    const { packages, gaps } = await read(
      'var/lib/dpkg/status',
      'Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.36-9+deb12u9\n\n' +
        'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n',
    );
    expect(gaps).toEqual([]);
    expect(packages.map((one) => packageUrl(one, { id: 'debian', version: '12' }))).toEqual([
      'pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12&upstream=glibc',
    ]);
  });

  it.each([
    ['lib/apk/db/installed', 'P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nL:MIT\n\n', 'pkg:apk/musl@1.2.5-r0?arch=x86_64'],
    ['app/node_modules/@a/b/package.json', '{"name":"@a/b","version":"1.0.0"}', 'pkg:npm/%40a/b@1.0.0'],
    ['x/Foo_Bar-1.dist-info/METADATA', 'Name: Foo_Bar\nVersion: 1\n\nName: no', 'pkg:pypi/foo-bar@1'],
    ['x/specifications/a-1.gemspec', '# stub: a 1 ruby lib\n', 'pkg:gem/a@1'],
    ['v/composer/installed.json', '{"packages":[{"name":"A/b","version":"v2"}]}', 'pkg:composer/a/b@v2'],
    ['app.deps.json', '{"libraries":{"N/1.2":{"type":"package"},"App/1":{"type":"project"}}}', 'pkg:nuget/N@1.2'],
  ])('read %s', async (path, content, purl) => {
    const { packages, gaps } = await read(path, content);
    expect([packages.map((one) => packageUrl(one)), gaps]).toEqual([[purl], []]);
  });

  it.each([
    ['var/lib/dpkg/status', 'Package: a\nStatus: install ok inst', 'it ends in the middle of a line'],
    ['app/node_modules/b/package.json', '{"name":', 'it is no JSON document'],
    ['var/lib/rpm/Packages.db', 'x', "rpm's database ndb is not read"],
    ['var/lib/rpm/Packages', 'x', "rpm's database of Berkeley DB is not read"],
    ['var/lib/rpm/rpmdb.sqlite', 'x'.repeat(200), 'it is no SQLite database'],
    ['var/lib/rpm/rpmdb.sqlite', cyclicDatabase(), 'pages of the SQLite database point at each other'],
    ['a.jar', 'no archive', 'it is no zip archive, or truncated'],
  ])('tell what of %s could not be read', async (path, content, reason) => {
    expect((await read(path, content)).gaps).toContain(reason);
  });
});
