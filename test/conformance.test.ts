import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE_NAMES, makeBases } from '../conformance/bases.ts';
import { Engine } from '../conformance/engine.ts';
import { type ImageFacts, readImageFacts } from '../conformance/image-facts.ts';
import { readCases } from '../conformance/project.ts';
import { type Bench, runCase } from '../conformance/run-case.ts';
import { TsbuildBuilder } from '../conformance/tsbuild.ts';
import { startWebServer, type WebServer } from '../conformance/web-server.ts';
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

describe('conformance cases', () => {
  it('are many, over all areas', () => {
    expect(cases.length).toBeGreaterThan(250);
    expect(new Set(cases.map(({ area }) => area)).size).toBeGreaterThan(10);
  });
});
