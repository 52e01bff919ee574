import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lab, withoutRoot } from './support/lab.ts';
import { output, run } from './support/process.ts';
import { contextOf, removeScratch, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

/** What `image packages --format json` tells of a package. */
interface ToldPackage {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
  readonly path: string;
  readonly purl: string;
  readonly origin: {
    readonly kind: string;
    readonly name?: string;
    readonly step?: { readonly line: number; readonly stage: string };
    readonly copiedBy?: readonly { readonly line: number }[];
  };
}

interface Told {
  readonly packages: readonly ToldPackage[];
  readonly layers: readonly {
    readonly origin: ToldPackage['origin'];
    readonly changes: readonly { readonly kind: string; readonly before?: string; readonly package: ToldPackage }[];
  }[];
  readonly gaps: readonly unknown[];
}

/** Order does not matter so, and no file is synced. */
const INSTALL = 'dpkg --force-depends --force-unsafe-io';

const DOCKERFILE = `FROM debian:bookworm-slim AS system
COPY python /python
RUN ${INSTALL} --unpack /python/*.deb >/dev/null && ${INSTALL} --configure --pending >/dev/null
RUN pip install --no-index --no-build-isolation --break-system-packages --root-user-action=ignore /python/own
COPY ruby /ruby
RUN ${INSTALL} --unpack /ruby/*.deb >/dev/null && ${INSTALL} --configure --pending >/dev/null
RUN dpkg -i /ruby/own/own_1_all.deb && dpkg -i /ruby/own/gone_1_all.deb

FROM node:18-alpine AS modules
WORKDIR /app
COPY package.json *.tgz ./
RUN npm install --offline

FROM system
RUN dpkg -i /ruby/own/own_2_all.deb && dpkg --purge gone
COPY --from=modules /app /srv
`;

/** Names and versions of one type, sorted, each once. */
function listed({ packages }: Told, type: string): readonly string[] {
  return sorted(packages.filter((one) => one.type === type).map(({ name, version }) => `${name} ${version}`));
}

function sorted(lines: readonly string[]): readonly string[] {
  return [...new Set(lines.filter((line) => line !== ''))].toSorted();
}

/** Lines by which packages came, in a word or two. */
function lineOf({ packages }: Told, name: string): string | undefined {
  const origin = packages.find((one) => one.name === name)?.origin;
  const copies = (origin?.copiedBy ?? []).map(({ line }) => ` by ${line}`).join('');
  return origin === undefined ? undefined : `${origin.step?.stage ?? origin.name}:${origin.step?.line ?? '-'}${copies}`;
}

describe.skipIf(lab.bases['debian'] === undefined || withoutRoot)(
  "the packages of an image, judged by Debian's, npm's, pip's and gem's own lists (its base is made on CI or when asked; needs root)",
  () => {
    let builder: Tsbuild;
    let told: Told;
    const inside = async (image: string, ...command: readonly string[]): Promise<string> =>
      builder.output([
        'run',
        '--rm',
        '--network',
        'none',
        '--entrypoint',
        command[0] ?? '',
        image,
        ...command.slice(1),
      ]);
    const packages = async (...words: readonly string[]): Promise<Told> =>
      JSON.parse(await builder.output(['image', 'packages', '--format', 'json', ...words])) as Told;

    beforeAll(async () => {
      builder = await tsbuild({ bases: 'all' });
      const context = await contextOf({ Dockerfile: DOCKERFILE, ...(await npmPackages()) });
      const status = await statusOfBase(builder);
      await debs(status, ['python3-pip', 'python3-setuptools', 'python3-wheel'], join(context, 'python'));
      await debs(status, ['ruby', 'rake'], join(context, 'ruby'));
      await mkdir(join(context, 'ruby/own'));
      for (const [name, version] of [
        ['own', '1'],
        ['own', '2'],
        ['gone', '1'],
      ] as const)
        await makeDeb(name, version, join(context, 'ruby/own'));
      await mkdir(join(context, 'python/own'));
      await writeFile(
        join(context, 'python/own/setup.py'),
        'from setuptools import setup\nsetup(name="Own_Thing", version="0.3", py_modules=[])\n',
      );
      await builder.build(context, ['-t', 'judged'], { timeout: 400_000 });
      await builder.build(context, ['-t', 'modules', '--target', 'modules'], { timeout: 100_000 });
      told = await packages('judged');
    }, 600_000);
    afterAll(removeScratch);

    it('agree with dpkg-query', async () => {
      const shown = await inside('judged', 'dpkg-query', '-W', '-f', '${Package} ${Version} ${db:Status-Status}\n');
      const installed = shown.split('\n').filter((line) => line.endsWith(' installed'));
      expect(listed(told, 'deb')).toEqual(sorted(installed.map((line) => line.replace(/ installed$/, ''))));
      expect(told.gaps).toEqual([]);
    });

    it('agree with pip list', async () => {
      const shown = JSON.parse(await inside('judged', 'pip', 'list', '--format=json')) as {
        name: string;
        version: string;
      }[];
      expect(listed(told, 'pypi')).toEqual(sorted(shown.map(({ name, version }) => `${name} ${version}`)));
      expect(told.packages.find(({ name }) => /own.thing/i.test(name))?.purl).toBe('pkg:pypi/own-thing@0.3');
    });

    it('agree with gem list', async () => {
      const shown = (await inside('judged', 'gem', 'list')).split('\n').flatMap((line) => {
        const [, name, versions = ''] = /^(\S+) \((.*)\)$/.exec(line) ?? [];
        return versions.split(', ').map((version) => `${name} ${version.replace('default: ', '')}`);
      });
      const gems = shown.filter((line) => !line.startsWith('undefined'));
      expect(listed(told, 'gem')).toEqual(sorted(gems));
    });

    it('agree with npm ls', async () => {
      const shown = JSON.parse(await inside('modules', 'npm', 'ls', '--all', '--json', '--offline')) as NpmTree;
      expect(listed(told, 'npm')).toEqual(sorted(namesOf(shown)));
      expect(listed(told, 'npm')).toEqual(['@me/left 1.2.3', 'right 1.0.0', 'right 2.0.0']);
    });

    it('are told by the lines that installed and upgraded them, through stages', () => {
      expect(lineOf(told, 'bash')).toBe('debian:bookworm-slim:-');
      expect(lineOf(told, 'python3-pip')).toBe('system:3');
      expect(lineOf(told, 'pip')).toBe('system:3');
      expect(told.packages.find(({ purl }) => purl === 'pkg:pypi/own-thing@0.3')?.origin.step?.line).toBe(4);
      expect(lineOf(told, 'ruby')).toBe('system:6');
      expect(lineOf(told, 'own')).toBe('stage-2:15');
      expect(lineOf(told, '@me/left')).toBe('modules:12 by 16');
      const changes = told.layers.flatMap(({ origin, changes: done }) =>
        done
          .filter(({ package: { name } }) => name === 'own' || name === 'gone')
          .map(({ kind, before, package: { name, version } }) => [origin.step?.line, kind, name, before, version]),
      );
      expect(changes).toEqual([
        [7, 'added', 'gone', undefined, '1'],
        [7, 'added', 'own', undefined, '1'],
        [15, 'removed', 'gone', undefined, '1'],
        [15, 'upgraded', 'own', '1', '2'],
      ]);
    });

    it('are the same of an archive, with the lines of its build while the store knows it', async () => {
      const archive = join(await scratch(), 'judged.tar');
      await builder.output(['save', '-o', archive, 'judged']);
      const other = await tsbuild({ bases: false });
      const { stdout, stderr } = await other.run(['image', 'packages', '--format', 'json', archive]);
      const foreign = JSON.parse(stdout) as Told;
      for (const type of ['deb', 'pypi', 'gem', 'npm']) expect(listed(foreign, type)).toEqual(listed(told, type));
      expect(stderr).toContain('Debian GNU/Linux 12');
      expect((await packages(archive)).packages).toEqual(told.packages);
    });

    it('differ from those of the base by what the lines did', async () => {
      const { stdout, stderr } = await builder.run(['image', 'diff', 'debian:bookworm-slim', 'judged']);
      expect(stdout).toMatch(/^\+ {2}deb +own +2 +Dockerfile:15 RUN dpkg -i/m);
      expect(stdout).toMatch(
        /^\+ {2}npm +@me\/left +1\.2\.3 +Dockerfile:12 RUN npm install --offline in stage modules, copied by line 16$/m,
      );
      expect(stdout).not.toMatch(/ gone | bash /);
      expect(stderr).toMatch(/^\d+ added, 0 upgraded, 0 removed; \d+ unchanged\n/);
    });
  },
);

interface NpmTree {
  readonly dependencies?: Readonly<Record<string, NpmTree & { readonly version: string }>>;
}

function namesOf({ dependencies = {} }: NpmTree): readonly string[] {
  return Object.entries(dependencies).flatMap(([name, one]) => [`${name} ${one.version}`, ...namesOf(one)]);
}

/** Two packages of which the second comes in two versions, one of them nested, as npm packs them. */
async function npmPackages(): Promise<Readonly<Record<string, string | Uint8Array>>> {
  const [source, packed] = [await scratch(), await scratch()];
  const made = [
    { name: 'right', version: '1.0.0' },
    { name: 'right', version: '2.0.0' },
    {
      name: '@me/left',
      version: '1.2.3',
      dependencies: { right: '1.0.0' },
      bundleDependencies: ['right'],
    },
  ];
  for (const one of made) {
    const directory = join(source, `${one.name.replace('/', '-')}-${one.version}`);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'package.json'), JSON.stringify(one));
  }
  const left = join(source, '@me-left-1.2.3');
  await mkdir(join(left, 'node_modules'));
  await cp(join(source, 'right-1.0.0'), join(left, 'node_modules/right'), { recursive: true });
  for (const name of ['right-2.0.0', '@me-left-1.2.3'])
    await output('npm', ['pack', '--silent', '--pack-destination', packed], { cwd: join(source, name) });
  const archives = await Promise.all(
    (await readdir(packed)).map(async (name) => [name, await readFile(join(packed, name))] as const),
  );
  const dependencies = { '@me/left': 'file:me-left-1.2.3.tgz', right: 'file:right-2.0.0.tgz' };
  return {
    'package.json': JSON.stringify({ name: 'app', version: '0.0.1', dependencies }),
    ...Object.fromEntries(archives),
  };
}

/** dpkg's database of the base image. */
async function statusOfBase(builder: Tsbuild): Promise<string> {
  const directory = await scratch();
  const context = await contextOf({
    Dockerfile: 'FROM debian:bookworm-slim AS base\nFROM scratch\nCOPY --from=base /var/lib/dpkg/status /\n',
  });
  await builder.output(['build', '-q', '-o', directory, context]);
  return join(directory, 'status');
}

/** Downloads packages and what they need on top of those in `status`, by this machine's apt. */
async function debs(status: string, names: readonly string[], directory: string): Promise<void> {
  await mkdir(join(directory, 'partial'), { recursive: true });
  await chmod(directory, 0o755);
  const options = [`Dir::State::status=${status}`, `Dir::Cache::archives=${directory}`, 'Debug::NoLocking=1'];
  const words = ['install', '--download-only', '-qq', '-y', '--no-install-recommends', ...names];
  const { exitCode, stderr } = await run('apt-get', [...options.flatMap((option) => ['-o', option]), ...words]);
  if (exitCode !== 0) throw new Error(`apt-get: ${stderr}`);
  // Nobody goes online here, and what it does when it is installed takes longer than all the rest.
  for (const name of await readdir(directory)) {
    if (/^(?:ca-certificates|openssl)_/.test(name)) await rm(join(directory, name));
  }
}

/** A Debian package without files. */
async function makeDeb(name: string, version: string, directory: string): Promise<void> {
  const tree = join(await scratch(), 'package');
  await mkdir(join(tree, 'DEBIAN'), { recursive: true });
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: ${name}\n`;
  await writeFile(join(tree, 'DEBIAN/control'), control);
  await output('dpkg-deb', ['--root-owner-group', '-b', tree, join(directory, `${name}_${version}_all.deb`)]);
}
