import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE_NAMES, makeBases } from '../conformance/bases.ts';
import { compareImages } from '../conformance/compare.ts';
import { Engine } from '../conformance/engine.ts';
import { type FileFacts, type ImageFacts, readImageFacts } from '../conformance/image-facts.ts';
import { readCases } from '../conformance/project.ts';
import { type Bench, runCase } from '../conformance/run-case.ts';
import { TsbuildBuilder } from '../conformance/tsbuild.ts';
import { startWebServer, type WebServer } from '../conformance/web-server.ts';
import { todaysWording } from '../conformance/wording.ts';
import { lab, withoutEngine } from './support/lab.ts';
import { scratch } from './support/tsbuild.ts';

/** A spread over the areas; `npm run conformance` has all. */
const SHORT = [
  'add-tar',
  'add-url',
  'arg-after-env',
  'cache-rename-collision',
  'chown-names',
  'copy-hard-links',
  'copy-missing',
  'copy-modes',
  'copy-through-links',
  'entrypoint-clears-cmd',
  'expand-quotes',
  'exclude-exception',
  'from-inherits',
  'from-stage-owner',
  'heredoc-copy-expands',
  'ignore-exception',
  'layer-file-becomes-folder',
  'layer-setuid',
  'mount-secret',
  'onbuild-runs',
  'run-user',
  'workdir-owner',
];

const cases = readCases();

describe.skipIf(withoutEngine)('the short form of npm run conformance (needs root and dockerd)', () => {
  let web: WebServer;
  let bench: Bench;

  beforeAll(async () => {
    const folder = await scratch();
    await mkdir(join(folder, 'cases'));
    web = await startWebServer(join(folder, 'cases'));
    const engine = await Engine.at(lab.engine ?? '');
    const tsbuild = new TsbuildBuilder(lab.cli, folder);
    const bases = new Map<string, ImageFacts>();
    for (const [i, archive] of (await makeBases()).entries()) {
      await Promise.all([engine.load(archive), tsbuild.load(archive)]);
      bases.set(BASE_NAMES[i] ?? '', await readImageFacts(archive));
    }
    bench = { engine, tsbuild, folder: join(folder, 'cases'), webUrl: web.url, run: 'test', bases };
  });

  afterAll(() => web?.close());

  it.each(SHORT)('%s', async (name) => {
    const test = cases.find((other) => other.name === name);
    if (test === undefined) throw new Error(`there is no case called ${name}`);
    const { verdict, details } = await runCase(test, bench);
    expect({ verdict, details: verdict === 'FAIL' ? details : [] }).not.toMatchObject({ verdict: 'FAIL' });
  });
});

const FILE: FileFacts = {
  type: 'file',
  mode: 0o644,
  owner: '0:0',
  size: 1,
  content: 'x',
  link: '',
  device: '',
  xattrs: '',
  mtime: 1_500_000_000,
};

/** An image of one layer with these files. */
function imageWith(files: Readonly<Record<string, FileFacts>>, env: readonly string[] = []): ImageFacts {
  const entries = new Map(Object.entries(files));
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Env: [...env] },
    rootfs: { type: 'layers' as const, diff_ids: [] },
  };
  return { config, layers: [{ entries, removed: [], below: new Map() }], tree: entries };
}

describe('the comparison', () => {
  const differences = (a: ImageFacts, b: ImageFacts): readonly string[] => compareImages(a, b);

  it.each([
    ['mode', { ...FILE, mode: 0o4644 }],
    ['owner', { ...FILE, owner: '1:0' }],
    ['content', { ...FILE, content: 'y' }],
    ['xattrs', { ...FILE, xattrs: 'security.capability=01' }],
    ['mtime', { ...FILE, mtime: 1_500_000_001 }],
  ])('sees another %s', (field, changed) => {
    expect(differences(imageWith({ f: FILE }), imageWith({ f: FILE }))).toEqual([]);
    expect(differences(imageWith({ f: FILE }), imageWith({ f: changed })).join()).toContain(field);
  });

  it('sees what only one has, broken hard links, and another order of Env', () => {
    expect(differences(imageWith({ f: FILE }), imageWith({}))).toEqual(['layer 0 f: only engine has it: file 644 0:0']);
    const linked = imageWith({ f: FILE, g: FILE });
    expect(differences(linked, imageWith({ f: FILE, g: { ...FILE } }))).toEqual([
      'links f: engine f g, tsbuild ',
      'links g: engine f g, tsbuild ',
    ]);
    expect(differences(imageWith({}, ['A=1', 'B=2']), imageWith({}, ['B=2', 'A=1']))).toHaveLength(1);
  });

  it('knows the words of older engines', () => {
    expect(todaysWording('EXPOSE map[53/udp:{} 80/tcp:{}]')).toBe('EXPOSE [53/udp 80/tcp]');
    expect(todaysWording(String.raw`HEALTHCHECK &{["CMD-SHELL" "a \"b\""] "5s" "3s" "1m0s" "0s" '\x02'}`)).toBe(
      'HEALTHCHECK {Test:[CMD-SHELL a "b"] Interval:5s Timeout:3s StartPeriod:1m0s StartInterval:0s Retries:2}',
    );
  });
});

describe('conformance cases', () => {
  it('are many, over all areas', () => {
    expect(cases.length).toBeGreaterThan(250);
    expect(new Set(cases.map(({ area }) => area)).size).toBeGreaterThan(10);
  });
});
