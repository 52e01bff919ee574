import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { elfOf, goBuildinfo, zipOf } from '../../../../fuzz/seeds/packages.ts';
import { memoryFile, type PackageFile, type PackageFindings, packageReader, readPackages } from '../../src/index.ts';

/** Far more than any of these takes; each took minutes, or all memory, before its reader had a bound. */
const PATIENCE = 10_000;
const MIB = 1024 ** 2;

async function read(path: string, content: Uint8Array | string | PackageFile): Promise<PackageFindings> {
  const reader = packageReader(path, 0o755);
  if (reader === undefined) throw new Error(`nothing reads ${path}`);
  const isFile = typeof content === 'object' && 'read' in content && typeof content.read === 'function';
  return readPackages(reader, isFile ? content : memoryFile(path, Buffer.from(content as Uint8Array)));
}

/** A file of zeros of this size, of which no byte is there. */
const zeros = (path: string, size: number): PackageFile => ({
  path,
  size,
  read: (position, length) => new Uint8Array(Math.max(0, Math.min(length, size - position))),
});

function changed(file: Buffer, change: (file: Buffer) => void): Buffer {
  change(file);
  return file;
}

/** A database of one page of table cells that all lie over each other, and a schema that leads to it. */
function overlappingCells(): Buffer {
  const size = 65_536;
  const file = Buffer.alloc(2 * size);
  file.write('SQLite format 3\0', 0, 'latin1');
  file.writeUInt16BE(1, 16);
  file.writeUInt32BE(1, 56);
  const row = Buffer.concat([Buffer.from([6, 23, 29, 29, 1, 13]), Buffer.from('tablePackagesPackages\x02')]);
  const cell = Buffer.concat([Buffer.from([row.length, 1]), row]);
  file[100] = 13;
  file.writeUInt16BE(1, 103);
  file.writeUInt16BE(size - cell.length, 108);
  cell.copy(file, size - cell.length);
  const page = file.subarray(size);
  const cells = 16_000;
  page[0] = 13;
  page.writeUInt16BE(cells, 3);
  // A row of thirty thousand columns without content.
  page.set([0x81, 0xf5, 0x31, 1, 0x81, 0xf5, 0x31], 33_000);
  for (let i = 0; i < cells; i++) page.writeUInt16BE(33_000, 8 + 2 * i);
  return file;
}

describe('hostile files end in a named gap', () => {
  const blank = '\n'.repeat(3 * MIB);
  it.each<readonly [string, string, () => Uint8Array | string | PackageFile, RegExp]>([
    ['a specification of blank lines', 'specifications/a.gemspec', () => blank, /no plain text/],
    [
      'a specification of open brackets',
      'specifications/a.gemspec',
      () => `s.name = "a"\ns.version = "1"\n${'s.license = [\n'.repeat(200_000)}`,
      /^$/,
    ],
    [
      'properties of blanks',
      'a.jar',
      () => zipOf(['META-INF/maven/a/b/pom.properties'], Buffer.from(`a=${' '.repeat(3 * MIB)}x`)),
      /^$/,
    ],
    [
      'an archive whose members are one and the same bomb',
      'a.jar',
      () =>
        zipOf(
          Array.from({ length: 100_000 }, () => 'META-INF/MANIFEST.MF'),
          Buffer.alloc(4 * MIB),
        ),
      /too large|unpacks to more/,
    ],
    [
      'an archive of names that nearly are versions',
      `${'a-1'.repeat(20_000)}\n.jar`,
      () => zipOf([], Buffer.alloc(0)),
      /left out/,
    ],
    [
      'a status of words',
      'var/lib/dpkg/status',
      () => `Package: a\nVersion: 1\nStatus: ${'a '.repeat(8 * MIB)}\n\n`,
      /^$/,
    ],
    [
      'a name of megabytes',
      'var/lib/dpkg/status',
      () => `Package: ${'a'.repeat(8 * MIB)}\nVersion: 1\n\n`,
      /1 packages are left out/,
    ],
    ['a database of 65 MiB', 'var/lib/dpkg/status', () => zeros('var/lib/dpkg/status', 65 * MIB), /^it is too large/],
    ['a package.json of 5 MiB', 'node_modules/a/package.json', () => zeros('x', 5 * MIB), /^it is too large/],
    ['an rpm database of a terabyte', 'var/lib/rpm/rpmdb.sqlite', () => zeros('x', 2 ** 40), /^it is too large/],
    ['rows that lie over each other', 'var/lib/rpm/rpmdb.sqlite', overlappingCells, /lie over each other/],
    [
      'nested lists',
      'vendor/composer/installed.json',
      () => `${'['.repeat(MIB)}${']'.repeat(MIB)}`,
      /^1 entries have no name/,
    ],
    [
      'a list of eight million lists',
      'vendor/composer/installed.json',
      () => `[${'[],'.repeat(8 * MIB)}[]]`,
      /^it is too large/,
    ],
    [
      'a program whose section headers are elsewhere',
      'p',
      () =>
        changed(elfOf({ '.go.buildinfo': goBuildinfo('go1.22', '') }), (file) =>
          file.writeBigUInt64LE(2n ** 60n, 0x28),
        ),
      /truncated/,
    ],
    [
      'a program whose names have no end',
      'p',
      () => changed(elfOf({ '.text': Buffer.alloc(4 * MIB, 'a') }), (file) => file.writeUInt16LE(1, 0x3e)),
      /^$/,
    ],
    [
      'build information of another length',
      'p',
      () => elfOf({ '.go.buildinfo': goBuildinfo('go1.22', 'path\tx\n').subarray(0, 50) }),
      /truncated/,
    ],
    [
      'build information that never ends',
      'p',
      () => elfOf({ '.go.buildinfo': Buffer.concat([goBuildinfo('', '').subarray(0, 32), Buffer.alloc(100, 0xff)]) }),
      /damaged/,
    ],
    [
      'crates that unpack to gigabytes',
      'p',
      () => elfOf({ '.dep-v0': deflateSync(Buffer.alloc(64 * MIB)) }),
      /unpacks to more/,
    ],
    ['crates that are none', 'p', () => elfOf({ '.dep-v0': Buffer.from('no zlib') }), /compressed data is damaged/],
    [
      'bytes that are no text',
      'lib/apk/db/installed',
      () => Buffer.from([0x50, 0x3a, 0xff, 0xfe, 0x0a]),
      /no package or no version/,
    ],
    ['UTF-16', 'a.dist-info/METADATA', () => Buffer.from('Name: a\nVersion: 1\n', 'utf16le'), /no Name/],
  ])('%s', { timeout: PATIENCE }, async (_, path, content, gap) => {
    const { gaps } = await read(path, content());
    expect(gaps.join('\n')).toMatch(gap);
  });

  it('keeps what was read before the damage', async () => {
    const text = 'Package: a\nVersion: 1\nStatus: install ok installed\n\nPackage: b\nVers';
    const { packages, gaps } = await read('var/lib/dpkg/status', text);
    expect(packages.map(({ name }) => name)).toEqual(['a']);
    expect(gaps).toEqual(['1 entries have no package or no version', 'it ends in the middle of a line']);
  });
});

describe('programs', () => {
  it('tell the modules that Go wrote into them, replaced ones as what replaced them', async () => {
    const modules =
      'path\texample.org/app\nmod\texample.org/app\tv1.2.3\th1:x\ndep\ta.org/b\tv0.1.0\tn\n=>\tc.org/d/v2\tv2.0.0\tn\n';
    const { packages, gaps } = await read('p', elfOf({ '.go.buildinfo': goBuildinfo('go1.22.1', modules) }));
    expect(packages.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'stdlib 1.22.1',
      'example.org/app v1.2.3',
      'c.org/d/v2 v2.0.0',
    ]);
    expect(gaps).toEqual([]);
  });

  it('that were built without modules tell of Go alone, and that something is missing', async () => {
    const { packages, gaps } = await read(
      'p',
      elfOf({ '.go.buildinfo': goBuildinfo('go1.19', 'path\texample.org/app\n') }),
    );
    expect(packages.map(({ name }) => name)).toEqual(['stdlib']);
    expect(gaps).toEqual(['it was built without Go modules: what it is made of is not recorded']);
    expect((await read('p', elfOf({ '.go.buildinfo': goBuildinfo('go1.19', 'path\tcmd/go\n') }))).gaps).toEqual([]);
  });

  it('tell the crates that cargo-auditable wrote into them', async () => {
    const crates = {
      packages: [
        { name: 'serde', version: '1.0.1' },
        { name: 'cc', version: '1.0.0', kind: 'build' },
      ],
    };
    const { packages } = await read('p', elfOf({ '.dep-v0': deflateSync(JSON.stringify(crates)) }));
    expect(packages).toEqual([{ type: 'cargo', name: 'serde', version: '1.0.1' }]);
  });

  it('that tell nothing are known as such, scripts are not', async () => {
    expect(await read('p', elfOf({ '.text': Buffer.from('x') }))).toMatchObject({
      packages: [],
      gaps: [],
      isSilentProgram: true,
    });
    expect(await read('p', '#!/bin/sh\n')).toEqual({ packages: [], gaps: [] });
  });
});
