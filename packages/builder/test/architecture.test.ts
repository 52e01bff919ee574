import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * Who may import whom: the house of ARCHITECTURE.md as a program. Types count, as they bind as firmly as values.
 */
const PACKAGES = resolve(import.meta.dirname, '../..');

interface Import {
  readonly from: string;
  /** A file of this workspace (relative to packages/), or the name of a package. */
  readonly to: string;
}

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const from = relative(PACKAGES, file);
  const specifiers = [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+'([^']+)'/g),
    ...text.matchAll(/\bimport\(\s*'([^']+)'/g),
  ];
  return specifiers.map(([, specifier = '']) => ({
    from,
    to: specifier.startsWith('.') ? relative(PACKAGES, resolve(dirname(file), specifier)) : specifier,
  }));
}

const all = ['oci', 'builder', 'cli'].flatMap((name) => sourceFiles(join(PACKAGES, name, 'src'))).flatMap(importsOf);
const within = (prefix: string): Import[] => all.filter(({ from }) => from.startsWith(prefix));
const offenders = (imports: readonly Import[], allowed: (to: string) => boolean): string[] =>
  imports.filter(({ to }) => !allowed(to)).map(({ from, to }) => `${from} imports ${to}`);

const room = (path: string): string | undefined => /^builder\/src\/([^/]+)\//.exec(path)?.[1];

describe('imports run one way', () => {
  it('found the sources', () => {
    expect(all.length).toBeGreaterThan(150);
  });

  it('oci knows neither builder nor cli', () => {
    expect(offenders(within('oci/'), (to) => !/^(?:@tsbuild\/builder|tsbuild|builder\/|cli\/)/.test(to))).toEqual([]);
  });

  it('builder does not know the cli, and reaches oci by its entries only', () => {
    const fine = (to: string): boolean =>
      /^@tsbuild\/oci(?:\/node|\/internal)?$/.test(to) || !/^(?:@tsbuild|tsbuild$|cli\/|oci\/)/.test(to);
    expect(offenders(within('builder/'), fine)).toEqual([]);
  });

  it('cli reaches the packages by their entries only', () => {
    const fine = (to: string): boolean =>
      /^@tsbuild\/(?:oci|oci\/node|oci\/internal|builder)$/.test(to) || !/^(?:@tsbuild|oci\/|builder\/)/.test(to);
    expect(offenders(within('cli/'), fine)).toEqual([]);
  });

  it('nothing imports its own package through the front door', () => {
    const doors = new Set(['oci/src/node.ts', 'oci/src/internal.ts', 'oci/src/index.ts', 'builder/src/index.ts']);
    expect(
      offenders(
        all.filter(({ from }) => !doors.has(from)),
        (to) => !doors.has(to),
      ),
    ).toEqual([]);
  });

  it("oci's core needs no Node", () => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const { to } of all.filter(({ from }) => from === file)) if (to.endsWith('.ts')) visit(to);
    };
    visit('oci/src/index.ts');
    expect(
      offenders(
        all.filter(({ from }) => seen.has(from)),
        (to) => !to.startsWith('node:'),
      ),
    ).toEqual([]);
  });

  it('dockerfile/ imports nothing outside itself but the error class', () => {
    const fine = (to: string): boolean => to.startsWith('builder/src/dockerfile/') || to === 'builder/src/errors.ts';
    expect(offenders(within('builder/src/dockerfile/'), fine)).toEqual([]);
  });

  it('solver/ sees keys, seams and events', () => {
    const fine = (to: string): boolean =>
      /^builder\/src\/(?:solver\/|cache\/(?:cache-(?:key|store)|step-origin)\.ts|progress\/)/.test(to) ||
      to === '@tsbuild/oci';
    expect(offenders(within('builder/src/solver/'), fine)).toEqual([]);
  });

  it('explain/ knows keys, seams and events, and no implementation', () => {
    const fine = (to: string): boolean =>
      /^builder\/src\/(?:explain\/|cache\/(?:cache-(?:key|store)|step-origin)\.ts|progress\/|solver\/miss\.ts)/.test(
        to,
      ) || /^(?:@tsbuild\/oci(?:\/node|\/internal)?$|node:)/.test(to);
    expect(offenders(within('builder/src/explain/'), fine)).toEqual([]);
  });

  it('verify/ compares values: plans, results and layer indexes', () => {
    const fine = (to: string): boolean =>
      /^builder\/src\/(?:verify\/|plan\/plan\.ts|solver\/vertex\.ts|ops\/rootfs\.ts|dockerfile\/source-file\.ts)/.test(
        to,
      ) || /^@tsbuild\/oci(?:\/node)?$/.test(to);
    expect(offenders(within('builder/src/verify/'), fine)).toEqual([]);
  });

  it('cache, snapshot, executor, source and export never import each other', () => {
    const apart = ['cache', 'snapshot', 'executor', 'source', 'export'];
    const imports = all.filter(({ from }) => apart.includes(room(from) ?? ''));
    const crossing = imports.filter(({ from, to }) => apart.includes(room(to) ?? '') && room(to) !== room(from));
    expect(crossing).toEqual([]);
  });

  it('only build.ts, the wiring beside it and container/ touch implementations', () => {
    const implementations =
      /^builder\/src\/(?:cache\/(?:directory|memory)-|snapshot\/(?!snapshotter\.ts)|executor\/(?!executor\.ts|identity\.ts|mount-points\.ts)|source\/(?!source\.ts)|context\/context-tree\.ts)/;
    const wiring = new Set(
      [
        'add-sources',
        'base-images',
        'build',
        'build-context',
        'build-history',
        'store-cache',
        'store-check',
        'store-litter',
        'build-options',
        'make-plan',
        'check',
        'layer-checks',
        'context-sources',
        'named-contexts',
        'defaults',
        'index',
        'pull',
        'push',
        'store',
        'verify-build',
      ].map((name) => `builder/src/${name}.ts`),
    );
    // Containers are a second story, told from top to bottom as build.ts tells the first.
    const tells = (from: string): boolean => wiring.has(from) || room(from) === 'container';
    const outside = all.filter(({ from, to }) => !tells(from) && room(from) !== room(to));
    expect(offenders(outside, (to) => !implementations.test(to))).toEqual([]);
  });

  it('has no cycles, types included', () => {
    expect(findCycle(all)).toBeUndefined();
  });
});

function findCycle(imports: readonly Import[]): string[] | undefined {
  const edges = new Map<string, string[]>();
  for (const { from, to } of imports) if (to.endsWith('.ts')) edges.set(from, [...(edges.get(from) ?? []), to]);
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of edges.keys()) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
