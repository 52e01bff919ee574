import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReference } from '@tsbuild/oci';
import type { BuildOptions } from '../../src/build/build-options.ts';
import type { MissReason } from '../../src/progress/miss-reason.ts';
import { BuildBench } from '../../testing/build-bench.ts';
import { NO_SANDBOX } from '../../testing/busybox-root.ts';

describe.skipIf(NO_SANDBOX !== '')(`a miss is explained, whole builds${NO_SANDBOX}`, () => {
  let bench: BuildBench;
  let count = 0;
  beforeAll(async () => {
    bench = await BuildBench.make();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  /** A Dockerfile with a context, both of which stay where they are from build to build. */
  function project(files: Readonly<Record<string, string>>) {
    const context = bench.files(`project-${count++}`, files);
    const dockerfile = join(context, 'Dockerfile');
    return {
      context,
      write: (path: string, text: string) => writeFileSync(join(context, path), text),
      /** The reasons of the steps that ran, by step. */
      build: async (text: string, options: Partial<BuildOptions> = {}) => {
        writeFileSync(dockerfile, text);
        writeFileSync(join(context, '.dockerignore'), 'Dockerfile\n.dockerignore\n');
        const { events } = await bench.build(text, { context, dockerfile, ...options });
        const reasons: Record<string, MissReason> = {};
        for (const line of events.split('\n')) {
          const event = JSON.parse(line) as { type: string; id: string; reason: MissReason };
          if (event.type === 'step-missed') reasons[event.id] = event.reason;
        }
        return reasons;
      },
    };
  }
  const summaries = (reasons: Readonly<Record<string, MissReason>>) =>
    Object.fromEntries(Object.entries(reasons).map(([id, { summary }]) => [id, summary]));

  it('says that a step was never built, and nothing when all is cached', async () => {
    const { build } = project({ a: '1' });
    const text = 'FROM busybox\nCOPY . /app\nRUN true first\n';
    expect(await build(text)).toEqual({
      'stage-0/1': { kind: 'never-built', summary: 'never built here', stageKnown: false, changes: [], total: 0 },
      'stage-0/2': { kind: 'never-built', summary: 'never built here', stageKnown: false, changes: [], total: 0 },
    });
    expect(await build(text)).toEqual({});
    expect(await build(`${text}RUN true second\n`)).toMatchObject({
      'stage-0/3': { kind: 'never-built', stageKnown: true },
    });
  });

  it('names the file that changed, and the step above that ran again', async () => {
    const { build, write } = project({ 'src/index.ts': '1', 'src/b.ts': '1', 'src/c.ts': '1' });
    const text = 'FROM busybox\nWORKDIR /app\nCOPY . .\nRUN cat src/index.ts >/out\n';
    await build(text);
    write('src/index.ts', '2');
    const reasons = await build(text);
    expect(reasons['stage-0/2']).toMatchObject({
      kind: 'changed',
      summary: 'src/index.ts changed',
      changes: [{ kind: 'file', name: 'src/index.ts', change: 'changed', what: ['content'] }],
      total: 1,
    });
    expect(reasons['stage-0/3']?.summary).toBe('step #2 COPY . . above it ran again with a different result');
    expect(Object.keys(reasons)).toHaveLength(2);
    for (const name of ['index', 'b', 'c']) write(`src/${name}.ts`, '3');
    expect((await build(text))['stage-0/2']?.summary).toBe('src/b.ts changed and 2 more');
  });

  it('names a mode, a file that appeared, went, became a link, or was renamed', async () => {
    const { build, write, context } = project({ a: '1', b: '1' });
    const text = 'FROM busybox\nCOPY . /app/\n';
    const next = async () => summaries(await build(text))['stage-0/1'];
    await next();
    chmodSync(join(context, 'a'), 0o755);
    expect(await next()).toBe('a: mode 0644 → 0755');
    write('sp ace', '1');
    expect(await next()).toBe('sp ace is new');
    rmSync(join(context, 'sp ace'));
    expect(await next()).toBeUndefined();
    rmSync(join(context, 'b'));
    expect(await next()).toBe('b is gone');
    symlinkSync('a', join(context, 'b'));
    expect(await next()).toBe('b is new');
    rmSync(join(context, 'b'));
    write('b', '2');
    expect(await next()).toMatch(/^b(: type symlink → file| changed \(type, mode\))$/);
    renameSync(join(context, 'b'), join(context, 'c'));
    expect(await next()).toBe('c is new and 1 more');
    mkdirSync(join(context, 'folder'));
    expect(await next()).toBe('folder is new');
  });

  it('names files of a stage, and of a mount', async () => {
    const { build, write } = project({ data: '1' });
    const text =
      'FROM busybox AS one\nCOPY data /out/data\nFROM busybox AS two\nCOPY --from=one /out/data /x\nRUN --mount=target=/ctx cat /ctx/data >/y\n';
    await build(text);
    write('data', '2');
    const reasons = summaries(await build(text));
    expect(reasons).toEqual({ 'one/1': 'data changed', 'two/1': '/out/data changed', 'two/2': '/ctx/data changed' });
  });

  it('names an ARG with both values, and an ENV, and nothing that looks secret', async () => {
    const { build } = project({});
    const text = (env: string) => `FROM busybox\nARG VERSION=1\nARG API_TOKEN=x\nENV MODE=${env}\nRUN true $VERSION\n`;
    const args = (...pairs: [string, string][]) => ({ buildArgs: new Map(pairs) });
    await build(text('a'));
    expect(await build(text('a'), args(['VERSION', '2']))).toMatchObject({
      'stage-0/1': {
        summary: 'ARG VERSION: 1 → 2',
        changes: [{ kind: 'arg', name: 'VERSION', change: 'changed', before: '1', after: '2' }],
        total: 1,
      },
    });
    expect(summaries(await build(text('b'), args(['VERSION', '2'])))).toEqual({ 'stage-0/1': 'ENV MODE: a → b' });
    const masked = await build(text('b'), args(['VERSION', '2'], ['API_TOKEN', 'hunter2']));
    expect(summaries(masked)).toEqual({ 'stage-0/1': 'ARG API_TOKEN changed (its value is masked)' });
    expect(JSON.stringify(masked)).not.toContain('hunter2');
    const url = await build(text('b'), args(['VERSION', 'https://me:hunter2@host/x'], ['API_TOKEN', 'hunter2']));
    expect(JSON.stringify(url)).not.toContain('hunter2');
  });

  it('names the ARG or ENV that a COPY, an ADD or a WORKDIR was expanded with', async () => {
    const { build } = project({ x: '1', y: '1' });
    const text = 'FROM busybox\nARG NAME=x\nENV DIR=/d\nWORKDIR $DIR/$NAME\nCOPY ${NAME} /copied\n';
    await build(text);
    const reasons = await build(text, { buildArgs: new Map([['NAME', 'y']]) });
    expect(reasons['stage-0/1']?.changes[0]).toEqual({
      kind: 'arg',
      name: 'NAME',
      change: 'changed',
      before: 'x',
      after: 'y',
    });
    // The same bytes under the same name: the layer of COPY is the same.
    expect(summaries(reasons)).toEqual({ 'stage-0/1': 'ARG NAME: x → y and 2 more' });
    const dir = await build(text.replace('DIR=/d', 'DIR=/e'), { buildArgs: new Map([['NAME', 'y']]) });
    expect(dir['stage-0/1']?.summary).toMatch(/^ENV DIR: \/d → \/e and \d more$/);
  });

  it('names the base by both digests, for every step that it lies below', async () => {
    const { build } = project({});
    const { layout } = bench.store;
    const one = (await bench.build('FROM busybox\nRUN echo 1 >/base\n')).image.id;
    const two = (await bench.build('FROM busybox\nRUN echo 2 >/base\n')).image.id;
    await layout.tag(one, 'base');
    const text = 'FROM base\nRUN cat /base >/a\nRUN cat /a >/b\n';
    await build(text);
    await layout.tag(two, 'base');
    const reasons = await build(text);
    const change = { kind: 'base', name: 'base:latest', change: 'changed', before: one, after: two };
    expect(reasons).toMatchObject({
      'stage-0/1': { changes: [change], total: 1 },
      'stage-0/2': { changes: [change], total: 1 },
    });
    expect(reasons['stage-0/1']?.summary).toBe(`base base:latest: ${one.slice(0, 19)} → ${two.slice(0, 19)}`);
    await layout.tag(one, 'other');
    expect(summaries(await build(text.replace('FROM base', 'FROM other')))).toEqual({});
    expect(parseReference('base').tag).toBe('latest');
  });

  it('names a flag of the instruction and of the build, and what the line was', async () => {
    const { build } = project({ a: '1' });
    const text = (flag: string, command = 'true') => `FROM busybox\nCOPY ${flag}a /a\nRUN ${command}\n`;
    const allowed = { allow: ['network.host'] };
    await build(text(''));
    const chmod = await build(text('--chmod=700 '));
    expect(chmod['stage-0/1']).toMatchObject({
      summary: '--chmod 700 is new and 1 more',
      changes: [
        { kind: 'flag', name: '--chmod', change: 'added', after: '700' },
        { kind: 'file', name: 'a', what: ['mode'] },
      ],
    });
    expect(summaries(await build(text('--chmod=700 ', 'true now')))).toEqual({
      'stage-0/2': 'the instruction changed (it was RUN true)',
    });
    expect(summaries(await build(text('--chmod=700 ', '--network=host true now'), allowed))).toEqual({
      'stage-0/2': '--network host is new and 1 more',
    });
    const epoch = await build(text('--chmod=700 ', '--network=host true now'), { ...allowed, epoch: 5 });
    expect(epoch['stage-0/1']?.summary).toBe('SOURCE_DATE_EPOCH 5 is new');
    const user = (line: string) => `FROM busybox\n${line}RUN true as user\n`;
    await build(user(''));
    expect(summaries(await build(user('USER app\n')))).toEqual({ 'stage-0/1': 'USER app is new' });
    await build(user('WORKDIR /a\n'));
    expect(summaries(await build(user('WORKDIR /b\n')))['stage-0/2']).toBe('WORKDIR: /a → /b');
    const script = (word: string) =>
      `FROM busybox\nRUN <<EOF\n#!/bin/sh\necho ${word}\nEOF\nRUN <<EOF\necho ${word}\nEOF\n`;
    await build(script('a'));
    expect(summaries(await build(script('b')))).toEqual({
      'stage-0/1': 'the script changed',
      'stage-0/2': 'the command changed (/bin/sh -c echo a → /bin/sh -c echo b)',
    });
  });

  it('names --no-cache, --no-cache-filter, and a record that was pruned', async () => {
    const { build } = project({});
    const text = 'FROM busybox AS one\nRUN true pruned\n';
    await build(text);
    expect(await build(text, { noCache: true })).toMatchObject({
      'one/1': { kind: 'no-cache', summary: '--no-cache' },
    });
    expect(summaries(await build(text, { noCacheFilter: ['one'] }))).toEqual({ 'one/1': '--no-cache-filter one' });
    rmSync(join(bench.store.root, 'records'), { recursive: true });
    expect(await build(text)).toMatchObject({ 'one/1': { kind: 'pruned', summary: 'its record was pruned' } });
  });

  it('compares with the same text when the Dockerfile lies elsewhere, and with the nearest of several builds', async () => {
    const text = 'FROM busybox\nARG A=1\nARG B=1\nRUN true elsewhere\n';
    const first = project({});
    await first.build(text);
    const args = (a: string, b: string) => ({
      buildArgs: new Map([
        ['A', a],
        ['B', b],
      ]),
    });
    expect(summaries(await project({}).build(text, args('2', '1')))).toEqual({ 'stage-0/1': 'ARG A: 1 → 2' });
    await first.build(text, args('3', '3'));
    expect(summaries(await first.build(text, args('1', '4')))).toEqual({ 'stage-0/1': 'ARG B: 1 → 4' });
  });

  it('knows a step again when others were put before it, and says which', async () => {
    const { build } = project({});
    await build('FROM busybox\nRUN true a\nRUN echo b >/b\n');
    expect(summaries(await build('FROM busybox\nRUN echo new >/n\nRUN true a\nRUN echo b >/b\n'))).toEqual({
      'stage-0/1': 'never built here',
      'stage-0/2': 'step #1 RUN echo new >/n above it is new',
      'stage-0/3': 'step #1 RUN echo new >/n above it is new',
    });
    expect(
      summaries(await build('FROM busybox\nRUN echo other >/n\nRUN echo b >/b\nRUN true last\n'))['stage-0/2'],
    ).toMatch(/^step #1 RUN echo other >\/n above it/);
  });

  it('fails rather than run a step with failOnMiss, and builds nothing', async () => {
    const { build, write } = project({ a: '1', b: '1' });
    const text =
      'FROM busybox AS one\nCOPY a /a\nFROM busybox AS two\nCOPY b /b\nRUN true two\nCOPY --from=one /a /c\n';
    await build(text);
    expect(await build(text, { failOnMiss: '' })).toEqual({});
    write('a', '2');
    const layers = () => readdirSync(join(bench.store.root, 'blobs/sha256')).length;
    const before = layers();
    await expect(build(text, { failOnMiss: '' })).rejects.toMatchObject({
      code: 'CACHE_MISS',
      message: 'step #1 COPY a /a would have to run: a changed',
    });
    await expect(build(text, { failOnMiss: 'one' })).rejects.toThrow('step #1');
    await expect(build(text, { failOnMiss: 'one/1' })).rejects.toThrow('step #1');
    await expect(build(text, { failOnMiss: '7' })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    expect(layers()).toBe(before);
    expect(Object.keys(await build(text, { failOnMiss: '3' }))).toEqual(['one/1', 'two/3']);
  });

  it('remembers the last build of an image, and a failed one as the last', async () => {
    const { build, write } = project({ a: '1' });
    const text = 'FROM busybox\nCOPY a /remembered\n';
    await build(text);
    write('a', '2');
    await build(text);
    const last = bench.store.builds.get('last');
    expect(last?.steps).toMatchObject([
      { number: 1, state: 'run', reason: { summary: 'a changed' }, stage: 'stage-0' },
    ]);
    const image = last?.image?.id as `sha256:${string}`;
    await expect(build('FROM busybox\nRUN false\n')).rejects.toThrow('exit code: 1');
    expect(bench.store.builds.get('last')?.steps).toMatchObject([{ number: 1, state: 'failed' }]);
    expect(bench.store.builds.get(image)?.steps).toMatchObject([{ reason: { summary: 'a changed' } }]);
    await expect(build('FROM busybox\nRUN false\n')).rejects.toThrow('exit code: 1');
    expect(bench.store.builds.get('last')?.steps).toMatchObject([{ reason: { kind: 'never-built' } }]);
  });
});
