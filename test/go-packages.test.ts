import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { output } from './support/process.ts';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';

/** Debian's package golang-go, or a tree of Go's that is named. */
const GO = [join(process.env['GOROOT'] ?? '/usr', 'bin/go'), '/usr/bin/go'].find((path) => existsSync(path));
const WITHOUT_GO = GO === undefined;

/** No program of Debian says which modules it is made of (they are built without), so one is built: offline, by a `replace`. */
const SOURCES = {
  'program/go.mod': [
    'module example.com/program',
    'go 1.18',
    'require example.com/kept v1.2.3',
    'require example.com/other v0.0.1',
    'replace example.com/kept => ../kept',
    'replace example.com/other => ../other',
    '',
  ].join('\n'),
  'program/main.go':
    'package main\n\nimport (\n"example.com/kept"\n"example.com/other"\n)\n\nfunc main() { println(kept.Word(), other.Word()) }\n',
  'kept/go.mod': 'module example.com/kept\ngo 1.18\n',
  'kept/kept.go': 'package kept\n\nfunc Word() string { return "kept" }\n',
  'other/go.mod': 'module example.com/other\ngo 1.18\n',
  'other/other.go': 'package other\n\nfunc Word() string { return "other" }\n',
};

describe.skipIf(WITHOUT_GO)('Go programs in an image, judged by go version -m (needs golang-go)', () => {
  let builder: Tsbuild;
  let context: string;
  beforeAll(async () => {
    builder = await tsbuild({ bases: false });
    context = await contextOf({ ...SOURCES, Dockerfile: 'FROM scratch\nCOPY built stripped /bin/\n' });
    const env = { ...environment(context) };
    for (const [name, flags] of [
      ['built', ''],
      ['stripped', '-s -w'],
    ] as const) {
      const words = ['build', '-ldflags', flags, '-o', join(context, name), '.'];
      await output(GO ?? '', words, { cwd: join(context, 'program'), env });
    }
    await builder.build(context, ['-t', 'go']);
  });

  it.each(['built', 'stripped'])('the modules of one that is %s are those that go tells', async (name) => {
    const { packages } = JSON.parse(
      await builder.output(['image', 'packages', '--type', 'golang', '--format', 'json', 'go']),
    ) as { packages: readonly { name: string; version: string; path: string }[] };
    const ours = packages.filter(({ path }) => path.endsWith(`bin/${name}`)).map((one) => `${one.name} ${one.version}`);
    const told = await output(GO ?? '', ['version', '-m', join(context, name)], { env: environment(context) });
    expect(ours.toSorted()).toEqual(modulesOf(told).toSorted());
    expect(ours).toHaveLength(4);
    expect((await readFile(join(context, name))).length).toBeGreaterThan(100_000);
  });
});

/** `go1.19.8` is the library; a line `=>` takes the place of the module before it. */
function modulesOf(told: string): readonly string[] {
  const modules: string[] = [];
  for (const line of told.split('\n')) {
    const go = /: go(\d\S*)$/.exec(line)?.[1];
    if (go !== undefined) modules.push(`stdlib ${go}`);
    const [, kind, name, version] = /^\t(mod|dep|=>)\t(\S+)\t(\S+)/.exec(line) ?? [];
    if (kind === '=>') modules.pop();
    if (kind !== undefined) modules.push(`${name} ${version}`);
  }
  return modules;
}

function environment(folder: string): Readonly<Record<string, string>> {
  const root = process.env['GOROOT'];
  const offline = { GOPROXY: 'off', GOFLAGS: '-mod=mod', GO111MODULE: 'on', CGO_ENABLED: '0', GOTOOLCHAIN: 'local' };
  return { ...offline, HOME: folder, GOCACHE: join(folder, 'cache'), ...(root !== undefined && { GOROOT: root }) };
}
