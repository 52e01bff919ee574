import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * Who may import whom: the house of ARCHITECTURE.md as a program. Types count, as they bind as firmly as values.
 */
const PACKAGES = resolve(import.meta.dirname, '../..');

/**
 * The rooms of each package from the ground up, and how many doors each may have: files that another room imports. A room
 * imports only rooms that stand before it here. A lower number is always welcome; a higher one needs a reason in its commit.
 */
const ROOMS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  oci: {
    // canonical-json gives documents that list packages their names.
    spec: 15,
    // sealed-json is read by the layouts and by the indexes of layers.
    processes: 11,
    tar: 6,
    selection: 3,
    blob: 6,
    compression: 3,
    // links-below tells waste which names are one file.
    layer: 19,
    disk: 1,
    // image-tree is what an inventory reads.
    image: 7,
    // statement is what signatures sign.
    attestation: 1,
    // Read by inventories, and by the documents that list packages.
    'package-records': 5,
    'bill-of-materials': 0,
    inventory: 0,
    waste: 0,
    validation: 0,
    registry: 2,
    // index-members is read by archives, too: they keep the indexes that they hold.
    layout: 7,
    artifact: 0,
    signature: 0,
    archive: 0,
  },
  builder: {
    diagnostics: 4,
    disk: 9,
    cache: 6,
    progress: 4,
    context: 16,
    dockerfile: 8,
    executor: 12,
    emulation: 5,
    source: 11,
    solver: 4,
    'container-state': 5,
    snapshot: 8,
    // build-origins is what packages and attestations are told by; build-recorder is told by build/ what the plan knows.
    explain: 9,
    timeline: 0,
    mounts: 4,
    // listing says how documents write paths, too.
    ops: 21,
    // build-plan and plan-platforms: what a build for several platforms is.
    plan: 14,
    // What a build's layers and packages are from: told by build/, kept by store/, looked after by fsck/, attested; layers/ asks for origins.
    packages: 6,
    layers: 0,
    verify: 1,
    // Read by verify-checkout, which tells the story; proven-build by verify-attested.
    checkout: 4,
    // platforms/ is measured by a build: what it is told, its door, and how times are shown.
    lint: 13,
    store: 2,
    'shared-cache': 4,
    fsck: 1,
    // What is said of images: told by build/.
    attestation: 4,
    transfer: 1,
    export: 0,
    build: 1,
    container: 0,
  },
  cli: {
    host: 5,
    terminal: 1,
    watch: 4,
    grammar: 4,
    // package-tables and package-document: image packages and image diff; five of layers/; signature-lines: signing and verifying.
    // and two of findings/: what CI reads of a check; a page of explore has the reasons of cache-text, too.
    output: 36,
    // What commands show of builds, and what a build writes for CI.
    builds: 9,
    // signature-keys: keys of files and variables, for push, build and image.
    registry: 5,
    // find-image is the one place that says which platform of an index a command takes.
    store: 5,
    container: 8,
    prune: 5,
    // What pages of `explore` hold; the command puts them together.
    explore: 8,
    // absent: what docker has and is not here; nouns: how docker groups commands.
    commands: 5,
    start: 0,
  },
};

/** Files that may stand in a package's `src/` itself: what its package.json and the bundler name. */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  oci: ['index.ts', 'internal.ts', 'node.ts'],
  builder: ['index.ts'],
  cli: ['main.ts', 'program.ts'],
};

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

const NAMES = Object.keys(ROOMS);
const files = NAMES.flatMap((name) => sourceFiles(join(PACKAGES, name, 'src')));
const all = files.flatMap(importsOf);
const within = (prefix: string): Import[] => all.filter(({ from }) => from.startsWith(prefix));
const offenders = (imports: readonly Import[], allowed: (to: string) => boolean): string[] =>
  imports.filter(({ to }) => !allowed(to)).map(({ from, to }) => `${from} imports ${to}`);

/** The package and room of a source file, as `builder/plan`; undefined of entries, and of other packages' names. */
const room = (path: string): string | undefined => {
  const [, name, directory] = /^([^/]+)\/src\/([^/]+)\//.exec(path) ?? [];
  return name === undefined ? undefined : `${name}/${directory}`;
};

/** Imports that cross a wall: from a room into another. */
const crossing = all.filter(({ from, to }) => {
  const [a, b] = [room(from), room(to)];
  return a !== undefined && b !== undefined && a !== b;
});

describe('every file has its room', () => {
  it.each(NAMES)('%s/src holds entry points and rooms', (name) => {
    const inside = readdirSync(join(PACKAGES, name, 'src'), { withFileTypes: true });
    const loose = inside.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
    expect(loose.toSorted()).toEqual(ENTRIES[name]);
    const rooms = inside.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    expect(rooms.toSorted()).toEqual(Object.keys(ROOMS[name] ?? {}).toSorted());
  });

  it.each(NAMES)('%s: imports run downwards', (name) => {
    const floors = Object.keys(ROOMS[name] ?? {}).map((directory) => `${name}/${directory}`);
    const upwards = crossing
      .filter(({ from }) => from.startsWith(`${name}/`))
      .filter(({ from, to }) => floors.indexOf(room(to) ?? '') > floors.indexOf(room(from) ?? ''));
    expect(upwards.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it.each(NAMES)('%s: rooms have few doors', (name) => {
    const doors = new Map<string, Set<string>>();
    for (const { to } of crossing) doors.set(room(to) ?? '', (doors.get(room(to) ?? '') ?? new Set()).add(to));
    const tooMany = Object.entries(ROOMS[name] ?? {}).flatMap(([directory, most]) => {
      const open = [...(doors.get(`${name}/${directory}`) ?? [])];
      return open.length > most
        ? [`${name}/${directory} has ${open.length} doors, not ${most}: ${open.join(' ')}`]
        : [];
    });
    expect(tooMany).toEqual([]);
  });
});

describe('one name, one thing', () => {
  it('no two files export the same name', () => {
    const homes = new Map<string, string[]>();
    for (const file of files) {
      const exported = /^export (?:declare |abstract |async )*(?:function\*?|class|interface|type|const|enum) (\w+)/gm;
      const names = new Set(Array.from(readFileSync(file, 'utf8').matchAll(exported), ([, name = '']) => name));
      for (const name of names) homes.set(name, [...(homes.get(name) ?? []), relative(PACKAGES, file)]);
    }
    const shared = [...homes].filter(([, places]) => places.length > 1).map(([name]) => name);
    // One public function, which each entry of the library exports with the compressions that it can undo.
    expect(shared).toEqual(['validateImage']);
  });
});

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

  it('the page of explore knows of the command its data and its words alone', () => {
    const page = sourceFiles(join(PACKAGES, 'cli/page')).flatMap(importsOf);
    expect(page.length).toBeGreaterThan(30);
    const fine = /^cli\/(?:page\/|src\/explore\/(?:page-data|entry-columns)\.ts|src\/output\/human\.ts)/;
    expect(offenders(page, (to) => fine.test(to))).toEqual([]);
  });

  it('dockerfile/ imports nothing outside itself but errors, their places and the edit distance', () => {
    const fine = (to: string): boolean => /^builder\/src\/(?:dockerfile|diagnostics)\//.test(to) || to === 'leven';
    expect(offenders(within('builder/src/dockerfile/'), fine)).toEqual([]);
  });

  it('solver/ sees keys, seams and events', () => {
    const fine = (to: string): boolean =>
      /^builder\/src\/(?:solver\/|cache\/(?:cache-(?:key|store)|step-origin)\.ts|progress\/|diagnostics\/output-lost\.ts)/.test(
        to,
      ) || to === '@tsbuild/oci';
    expect(offenders(within('builder/src/solver/'), fine)).toEqual([]);
  });

  it('explain/ knows keys, seams and events, and no implementation', () => {
    const fine = (to: string): boolean =>
      /^builder\/src\/(?:explain\/|cache\/(?:cache-(?:key|store)|step-origin)\.ts|progress\/|solver\/miss\.ts|disk\/kept-file\.ts)/.test(
        to,
      ) || /^(?:@tsbuild\/oci(?:\/node|\/internal)?$|node:)/.test(to);
    expect(offenders(within('builder/src/explain/'), fine)).toEqual([]);
  });

  it('verify/ compares values: plans, results and layer indexes', () => {
    const fine = (to: string): boolean =>
      /^builder\/src\/(?:verify\/|progress\/verification\.ts|plan\/plan\.ts|solver\/vertex\.ts|ops\/rootfs\.ts|diagnostics\/source-file\.ts)/.test(
        to,
      ) || /^@tsbuild\/oci(?:\/node|\/internal)?$/.test(to);
    expect(offenders(within('builder/src/verify/'), fine)).toEqual([]);
  });

  it('cache, snapshot, executor and source never import each other', () => {
    const apart = ['cache', 'snapshot', 'executor', 'source'].map((name) => `builder/${name}`);
    const between = crossing.filter(
      ({ from, to }) => apart.includes(room(from) ?? '') && apart.includes(room(to) ?? ''),
    );
    expect(between).toEqual([]);
  });

  it('only build/, store/, shared-cache/, transfer/, export/, container/ and emulation/ touch implementations', () => {
    const implementations =
      /^builder\/src\/(?:cache\/(?:directory|memory)-|snapshot\/(?!snapshotter\.ts)|executor\/(?!executor\.ts|identity\.ts|mount-points\.ts)|source\/(?!source\.ts)|context\/context-tree\.ts)/;
    // build/ tells the story of a build from top to bottom, container/ the one of containers; store/, shared-cache/ and export/ serve both.
    // emulation/ starts programs of this machine as the executor does.
    const tells =
      /^builder\/src\/(?:index\.ts|(?:build|store|shared-cache|transfer|fsck|export|container|emulation)\/)/;
    const outside = all.filter(({ from, to }) => !tells.test(from) && room(from) !== room(to));
    expect(offenders(outside, (to) => !implementations.test(to))).toEqual([]);
  });

  it('what earlier copies have stored is chosen in one place', () => {
    const chosen = all.filter(({ to }) => to === 'builder/src/ops/copy/earlier-copies.ts').map(({ from }) => from);
    expect(chosen).toEqual(['builder/src/build/make-plan.ts']);
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
