import { memoryFile } from '../../packages/oci/src/package-records/package-file.ts';
import { packageUrl } from '../../packages/oci/src/package-records/package-url.ts';
import { packageReader, readPackages } from '../../packages/oci/src/package-records/read-packages.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateJson } from '../mutate/json.ts';
import { mutateText } from '../mutate/text.ts';
import { programSeeds, rpmSeed, zipOf } from '../seeds/packages.ts';
import { type Mutator, mustHold, pureTarget, type Target } from '../target.ts';

/** The longest text of a record. */
const LONGEST = 4096;

/** A reader of one kind of file: whatever the file holds, it returns records that documents can tell, and reasons. */
function packageTarget(
  name: string,
  path: string,
  seeds: () => readonly (string | Uint8Array)[],
  mutate: Mutator,
): Target {
  return pureTarget(name, {
    seeds: () => seeds().map((seed) => (typeof seed === 'string' ? new TextEncoder().encode(seed) : seed)),
    mutate,
    run: async (input) => {
      const reader = packageReader(path, 0o755);
      mustHold(reader !== undefined, 'nothing reads the file');
      const { packages, gaps } = await readPackages(reader, memoryFile(path, input));
      for (const one of packages) {
        mustHold(one.name !== '' && one.version !== '', 'a package without a name or a version');
        mustHold(
          Object.values(one).every((value) => typeof value === 'number' || value.length <= LONGEST),
          'a text without a bound',
        );
        const purl = packageUrl(one);
        mustHold(/^pkg:[a-z]+\/[!-~]+$/.test(purl) && URL.canParse(purl), `no package URL: ${purl}`);
      }
      mustHold(
        gaps.every((gap) => gap !== ''),
        'a gap without a reason',
      );
      return `${Math.min(packages.length, 3)} ${gaps[0]?.slice(0, 30) ?? ''}`;
    },
  });
}

const dpkg = 'Package: a\nStatus: install ok installed\nArchitecture: amd64\nSource: b (2)\nVersion: 1:1.0-1\n\n';
const pom = Buffer.from('groupId=org.a\nartifactId=b\nversion=1\n');

/** One target for each reader of package databases and descriptions. */
export const packageTargets: readonly Target[] = [
  packageTarget(
    'dpkg-status',
    'var/lib/dpkg/status',
    () => [dpkg + dpkg],
    mutateText(['Package: ', 'Status: ', '\n\n', ' ']),
  ),
  packageTarget(
    'apk-installed',
    'lib/apk/db/installed',
    () => ['P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nL:MIT\n\nP:b\nV:1\n\n'],
    mutateText(['P:', 'V:', '\n\n']),
  ),
  packageTarget('rpm-database', 'var/lib/rpm/rpmdb.sqlite', () => [rpmSeed()], mutateBytes),
  packageTarget(
    'npm-manifest',
    'node_modules/a/package.json',
    () => [
      '{"name":"@a/b","version":"1.0.0","license":"MIT"}',
      '{"name":"a","version":"1","licenses":[{"type":"MIT"}]}',
    ],
    mutateJson(['name', 'version', 'license', 'licenses', 'type']),
  ),
  packageTarget(
    'python-metadata',
    'a.dist-info/METADATA',
    () => ['Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0\nLicense: MIT\n\nText'],
    mutateText(['Name: ', 'Version: ', '\n\n', '\n ']),
  ),
  packageTarget(
    'gem-specification',
    'specifications/a-1.gemspec',
    () => [
      '# stub: a 1.0 ruby lib\n',
      'Gem::Specification.new do |s|\n  s.name = "a"\n  s.version = "1"\n  s.licenses = ["MIT"]\nend\n',
    ],
    mutateText(['s.name = ', 's.version = ', '# stub: ', '"', '[']),
  ),
  packageTarget('programs', 'usr/local/bin/p', programSeeds, mutateBytes),
  packageTarget(
    'java-archive',
    'app.war',
    () => [
      zipOf(['META-INF/maven/org.a/b/pom.properties'], pom),
      zipOf(
        ['WEB-INF/lib/x.jar', 'WEB-INF/lib/y-1.0.jar'],
        zipOf(['META-INF/MANIFEST.MF'], Buffer.from('Bundle-Version: 2\n')),
      ),
    ],
    mutateBytes,
  ),
  packageTarget(
    'composer-installed',
    'vendor/composer/installed.json',
    () => ['{"packages":[{"name":"A/b","version":"v2","license":["MIT"]}]}', '[{"name":"a/b","version":"1"}]'],
    mutateJson(['packages', 'name', 'version', 'license']),
  ),
  packageTarget(
    'dotnet-dependencies',
    'app.deps.json',
    () => ['{"libraries":{"N/1.2":{"type":"package"},"App/1":{"type":"project"}}}'],
    mutateJson(['libraries', 'type', 'package']),
  ),
];
