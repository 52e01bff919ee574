import { appendFile, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerInspect, historyRows, withoutEmpty } from './support/docker-image.ts';
import { fetchWhenUp, freePort } from './support/http.ts';
import { docker, withoutEngine } from './support/lab.ts';
import { type Built, NODE_APP, nodeApp, type Tsbuild, tsbuild } from './support/tsbuild.ts';

describe.skipIf(withoutEngine)('the application of the README on a real engine (needs root and dockerd)', () => {
  const container = `my-app-${process.pid}`;
  let builder: Tsbuild;

  beforeAll(async () => {
    builder = await tsbuild({ bases: 'all' });
    const archive = `${builder.store}.tar`;
    await builder.build(NODE_APP, ['-t', 'my-app', '-o', archive]);
    await docker().output(['load', '-i', archive]);
  });
  afterAll(async () => {
    await docker().run(['rm', '-f', container]);
  });

  it('serves its page', async () => {
    const port = await freePort();
    await docker().output(['run', '-d', '--name', container, '--network', 'host', '-e', `PORT=${port}`, 'my-app']);
    const { status, body } = await fetchWhenUp(`http://127.0.0.1:${port}/`);
    expect(status).toBe(200);
    expect(body).toContain('<h1>Hello, tsbuild!</h1>');
  });

  it('is described by tsbuild inspect as by docker image inspect', async () => {
    const theirs = await dockerInspect('my-app');
    const [ours] = JSON.parse(await builder.output(['inspect', 'my-app'])) as Record<string, unknown>[];
    expect(chosen(ours, ['Id', 'RepoTags', 'Created', 'Architecture', 'Os', 'RootFS'])).toEqual(
      chosen(theirs, ['Id', 'RepoTags', 'Created', 'Architecture', 'Os', 'RootFS']),
    );
    expect(withoutEmpty(chosen(ours, ['Author', 'Config', 'Variant']))).toEqual(
      withoutEmpty(chosen(theirs, ['Author', 'Config', 'Variant'])),
    );
    expect(ours?.['Config']).toMatchObject({
      Cmd: ['node', 'server.js'],
      Entrypoint: ['docker-entrypoint.sh'],
      ExposedPorts: { '80/tcp': {} },
      WorkingDir: '/app',
    });
    expect(ours?.['Size']).toBe(theirs['Size']);
  });

  it('has the history that docker history prints', async () => {
    const format = ['--no-trunc', '--format'];
    const theirs = historyRows(await docker().output(['history', ...format, '{{json .}}', 'my-app']));
    const ours = historyRows(await builder.output(['history', ...format, 'json', 'my-app']));
    expect(ours).toEqual(theirs);
    expect(ours.map((row) => row.CreatedBy).slice(0, 6)).toEqual([
      'CMD ["node" "server.js"]',
      expect.stringMatching(/^EXPOSE /),
      'COPY . . # buildkit',
      'RUN /bin/sh -c npm install # buildkit',
      'COPY package*.json ./ # buildkit',
      'WORKDIR /app',
    ]);
  });

  it('prints history under docker’s headings', async () => {
    const [heading, first, second] = (await builder.output(['history', 'my-app'])).split('\n');
    expect(heading?.split(/\s{2,}/)).toEqual(['IMAGE', 'CREATED', 'CREATED BY', 'SIZE', 'COMMENT']);
    expect(first).toContain((await builder.id('my-app')).slice('sha256:'.length, 'sha256:'.length + 12));
    expect(second).toMatch(/^<missing> /);
  });

  it('goes through a pipe: tsbuild save | docker load', async () => {
    const piped = `${builder.store}-piped.tar`;
    await builder.output(['tag', 'my-app', 'my-app:piped']);
    await builder.output(['save', 'my-app:piped'], { stdoutFile: piped });
    expect(await docker().output(['load'], { stdinFile: piped })).toContain('Loaded image: my-app:piped');
    expect((await dockerInspect('my-app:piped'))['Id']).toBe(await builder.id('my-app'));
  });

  it('goes through a pipe: tsbuild build -o - | docker load', async () => {
    const piped = `${builder.store}-out.tar`;
    await builder.build(NODE_APP, ['-t', 'my-app:out', '-o', '-'], { stdoutFile: piped });
    expect(await docker().output(['load'], { stdinFile: piped })).toContain('Loaded image: my-app:out');
  });
});

describe.skipIf(process.platform !== 'linux')('what the cache does with the application of the README', () => {
  let builder: Tsbuild;
  let context: string;
  let first: string;
  let built: Built;
  const COPY_PACKAGE = 'COPY package*.json ./';
  const INSTALL = 'RUN npm install';
  const COPY_ALL = 'COPY . .';

  beforeAll(async () => {
    builder = await tsbuild({ bases: 'all' });
    context = await nodeApp();
    built = await builder.build(context, ['-t', 'app']);
    first = await builder.id('app');
  });

  it('a new store: every step runs', () => {
    expect(Object.fromEntries(built.steps)).toEqual({
      'WORKDIR /app': 'DONE',
      [COPY_PACKAGE]: 'DONE',
      [INSTALL]: 'DONE',
      [COPY_ALL]: 'DONE',
    });
  });

  it('nothing changed: every step is cached, the image ID the same', async () => {
    built = await builder.build(context, ['-t', 'app']);
    expect(new Set(built.steps.values())).toEqual(new Set(['CACHED']));
    expect(await builder.id('app')).toBe(first);
  });

  it('everything touched: every step is cached, the image ID the same', async () => {
    const later = new Date(Date.now() + 3_600_000);
    for (const name of await readdir(context, { recursive: true })) await utimes(join(context, name), later, later);
    built = await builder.build(context, ['-t', 'app']);
    expect(new Set(built.steps.values())).toEqual(new Set(['CACHED']));
    expect(await builder.id('app')).toBe(first);
  });

  it('server.js changed: npm install stays cached, the last COPY runs', async () => {
    await appendFile(join(context, 'server.js'), '// changed\n');
    const { steps } = await builder.build(context, ['-t', 'app']);
    expect(steps.get(COPY_PACKAGE)).toBe('CACHED');
    expect(steps.get(INSTALL)).toBe('CACHED');
    expect(steps.get(COPY_ALL)).toBe('DONE');
    expect(await builder.id('app')).not.toBe(first);
  });

  it('package.json changed: npm install runs again', async () => {
    const file = join(context, 'package.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('"version": "1.0.0"', '"version": "1.0.1"'));
    const { steps } = await builder.build(context, ['-t', 'app']);
    expect(steps.get(COPY_PACKAGE)).toBe('DONE');
    expect(steps.get(INSTALL)).toBe('DONE');
  });

  it('what .dockerignore excludes changes nothing', async () => {
    const before = await builder.id('app');
    await writeFile(join(context, 'npm-debug.log'), 'noise\n');
    built = await builder.build(context, ['-t', 'app']);
    expect(new Set(built.steps.values())).toEqual(new Set(['CACHED']));
    expect(await builder.id('app')).toBe(before);
  });

  it('--no-cache runs every step', async () => {
    built = await builder.build(context, ['--no-cache', '-t', 'app']);
    expect(new Set(built.steps.values())).toEqual(new Set(['DONE']));
  });
});

const chosen = (
  document: Readonly<Record<string, unknown>> | undefined,
  fields: readonly string[],
): Record<string, unknown> => Object.fromEntries(fields.map((field) => [field, document?.[field]]));
