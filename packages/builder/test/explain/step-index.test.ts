import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sealJson } from '@tsbuild/oci/internal';
import type { BuildRecord } from '../../src/explain/build-record.ts';
import { BuildRecords } from '../../src/explain/build-records.ts';
import { earlierStep, StepIndex } from '../../src/explain/step-index.ts';
import { bundle } from '../../testing/bundle.ts';

const digest = (i: number): `sha256:${string}` => `sha256:${String(i).padStart(64, '0')}`;
const step = (source: string, ...keys: number[]) => ({ operation: 'run', source, keys: keys.map(digest) });

let directory: string;
let index: StepIndex;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsbuild-index-'));
  index = new StepIndex(directory, '/work/Dockerfile');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const filesOf = (folder: string): readonly string[] =>
  readdirSync(join(directory, folder)).map((name) => join(directory, folder, name));

describe('the index of steps', () => {
  it('knows the last keys of each step of a stage, the latest first', () => {
    expect(index.stage('one')).toBeUndefined();
    for (let i = 1; i <= 6; i++) index.rememberStage('one', [step('RUN a', i), step('RUN b', 9)]);
    index.rememberStage('one', [step('RUN a', 3), step('RUN b')]);
    expect(index.stage('one')).toEqual([step('RUN a', 3, 6, 5, 4), step('RUN b', 9)]);
    expect(index.stage('two')).toBeUndefined();
    expect(new StepIndex(directory, '/other/Dockerfile').stage('one')).toBeUndefined();
  });

  it('writes nothing when nothing is new', () => {
    index.rememberStage('one', [step('RUN a', 1)]);
    const [file = ''] = filesOf('stages');
    utimesSync(file, 5, 5);
    index.rememberStage('one', [step('RUN a', 1)]);
    expect(statSync(file).mtimeMs).toBe(5000);
  });

  it.each(['', '{', 'null', '[]', '{"version":1,"steps":[{"operation":1}]}', '{"version":2,"steps":[]}', '\0'])(
    'takes a damaged file %j for none',
    (text) => {
      index.rememberStage('one', [step('RUN a', 1)]);
      index.rememberText(step('RUN a', 1));
      for (const file of [...filesOf('stages'), ...filesOf('texts')]) writeFileSync(file, text);
      expect(index.stage('one')).toBeUndefined();
      expect(index.text('run', 'RUN a')).toEqual([]);
      index.rememberStage('one', [step('RUN a', 2)]);
      expect(index.stage('one')).toEqual([step('RUN a', 2)]);
    },
  );

  it('follows no link, and a place that cannot be written is no error', () => {
    writeFileSync(join(directory, 'elsewhere'), JSON.stringify({ version: 1, steps: [step('RUN a', 1)] }));
    index.rememberStage('one', [step('RUN a', 1)]);
    const [file = ''] = filesOf('stages');
    rmSync(file);
    symlinkSync('../elsewhere', file);
    expect(index.stage('one')).toBeUndefined();
    rmSync(join(directory, 'stages'), { recursive: true });
    writeFileSync(join(directory, 'stages'), 'a file');
    expect(() => index.rememberStage('one', [step('RUN a', 1)])).not.toThrow();
  });

  it('finds a step again by its text, its turn among equals, or its place', () => {
    const earlier = [step('A', 1), step('B', 2), step('A', 3), step('C', 4)];
    const find = (sources: readonly string[], at: number) =>
      earlierStep(
        earlier,
        sources.map((source) => step(source)),
        at,
      )?.keys[0];
    expect(find(['A', 'B', 'A', 'C'], 2)).toBe(digest(3));
    expect(find(['A', 'B2', 'A', 'C'], 1)).toBe(digest(2));
    expect(find(['new', 'A', 'B', 'A', 'C'], 0)).toBeUndefined();
    expect(find(['new', 'A', 'B', 'A', 'C'], 4)).toBe(digest(4));
    expect(find(['A', 'B', 'A', 'C', 'D'], 4)).toBeUndefined();
    expect(earlierStep(earlier, [{ operation: 'copy', source: 'X' }], 0)).toBeUndefined();
  });
});

describe('the records of builds', () => {
  const record = (i: number, more: Partial<BuildRecord> = {}): BuildRecord => ({
    version: 2,
    id: String(i).padStart(12, '0'),
    started: i,
    outcome: 'done',
    dockerfile: 'Dockerfile',
    project: `/work/${i}/Dockerfile`,
    names: [],
    platforms: ['linux/amd64'],
    arguments: {},
    steps: [],
    phases: [],
    image: { id: digest(i), names: [], size: 1, milliseconds: 1 },
    ...more,
  });

  const failed = (i: number, more: Partial<BuildRecord> = {}): BuildRecord => {
    const { image: _none, ...rest } = record(i, { ...more, outcome: 'failed' });
    return rest;
  };

  it('are kept for the images built last', () => {
    const builds = new BuildRecords(directory);
    for (let i = 0; i < 230; i++) {
      const before = new Set(readdirSync(directory));
      builds.put(record(i));
      for (const name of readdirSync(directory)) if (!before.has(name)) utimesSync(join(directory, name), i, i);
    }
    expect(readdirSync(directory).length).toBeLessThanOrEqual(202);
    expect(builds.get(digest(229))).toEqual(record(229));
    expect(builds.get('last')).toEqual(record(229));
    expect(builds.get(digest(3))).toBeUndefined();
  });

  it('are the last twenty of an image, and the last that gave one', () => {
    const builds = new BuildRecords(directory);
    const of = (i: number, more: Partial<BuildRecord> = {}) => record(i, { names: ['app:1'], ...more });
    for (let i = 0; i < 30; i++) builds.put(of(i));
    expect(builds.list().map(({ started }) => started)).toEqual(Array.from({ length: 20 }, (_, i) => 29 - i));
    expect(builds.get(digest(9))).toBeUndefined();
    for (let i = 30; i < 60; i++) builds.put(failed(i, { names: ['app:1'] }));
    expect(builds.list().map(({ started }) => started)).toEqual([...Array.from({ length: 20 }, (_, i) => 59 - i), 29]);
    expect(builds.get(digest(29))?.started).toBe(29);
    expect(builds.get('last')?.started).toBe(59);
    builds.put(record(60));
    expect(builds.others(of(59)).length).toBe(20);
    expect(builds.list(2).map(({ started }) => started)).toEqual([60, 59]);
  });

  it('are replaced when more is known, and found by each image of an index', () => {
    const builds = new BuildRecords(directory);
    builds.put(failed(1));
    const platforms = [2, 3].map((i) => ({ platform: `linux/${i}`, id: digest(i), digest: digest(i + 10), size: 1 }));
    const image = { id: digest(1), names: [], size: 1, milliseconds: 1, platforms };
    builds.put(record(1, { image }));
    expect(builds.list()).toHaveLength(1);
    for (const i of [1, 2, 3]) expect(builds.get(digest(i))?.image).toEqual(image);
    expect(builds.find('000000000001')?.image).toEqual(image);
  });

  it('of an earlier version are read until there are new ones', () => {
    const builds = new BuildRecords(directory);
    const { image } = record(7);
    const earlier = { version: 1, started: 7, dockerfile: 'Dockerfile', steps: [{ number: 1, state: 'run' }] };
    writeFileSync(join(directory, `${digest(7).slice(7)}.json`), sealJson({ ...earlier, image }));
    writeFileSync(join(directory, 'last.json'), sealJson(earlier));
    expect(builds.verify()).toEqual([]);
    expect(builds.get(digest(7))).toMatchObject({ version: 2, outcome: 'done', steps: [{ state: 'run' }], image });
    expect(builds.get('last')).toMatchObject({ outcome: 'failed' });
    expect(builds.list()).toEqual([]);
    builds.put(record(8));
    expect(builds.get('last')).toEqual(record(8));
    writeFileSync(join(directory, 'last.json'), sealJson({ version: 0 }));
    expect(builds.verify()).toHaveLength(1);
  });
});

it('stay whole when processes write at once and are killed', { timeout: 60_000 }, async () => {
  const program = join(directory, 'writer.mjs');
  bundle(fileURLToPath(new URL('../../testing/index-writer.ts', import.meta.url)), program);
  const shared = new StepIndex(join(directory, 'explain'), '/Dockerfile');
  const builds = new BuildRecords(join(directory, 'builds'));
  const start = async (number: number) => {
    const child = spawn(process.execPath, [program, directory, String(number)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(child.stdout, 'data');
    return child;
  };
  const seen = new Set<string>();
  for (let round = 0; round < 4; round++) {
    const writers = await Promise.all([start(round * 3 + 1), start(round * 3 + 2), start(round * 3 + 3)]);
    while (builds.get('last') === undefined || shared.text('run', 'RUN make').length === 0) await sleep(2);
    for (let look = 0; look < 40; look++) {
      // Each look finds everything whole, while others write it.
      const steps = shared.stage('stage-0');
      expect(steps).toHaveLength(2);
      expect(shared.text('run', 'RUN make').length).toBeGreaterThan(0);
      expect(builds.get('last')?.dockerfile).toHaveLength(20_000);
      seen.add(steps?.[0]?.keys[0] ?? '');
      await sleep(1);
    }
    for (const writer of writers) writer.kill('SIGKILL');
    await Promise.all(writers.map((writer) => once(writer, 'exit')));
    expect(shared.stage('stage-0')).toHaveLength(2);
  }
  expect(seen.size).toBeGreaterThan(4);
  for (const folder of ['explain/stages', 'explain/texts', 'builds']) {
    for (const file of filesOf(folder)) if (file.endsWith('.json')) JSON.parse(readFileSync(file, 'utf8'));
  }
});
