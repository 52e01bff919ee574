import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../packages/oci/testing/docker-registry.ts';
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const DOCKERFILE = [
  'FROM busybox AS build',
  'WORKDIR /w',
  'COPY src ./src',
  'RUN cat src/*.js >out.js',
  'FROM busybox',
  'COPY --from=build /w/out.js /app/',
  'COPY src/main.js /app/',
  'ENV MODE=production',
  '',
].join('\n');

const FILES = { Dockerfile: DOCKERFILE, 'src/main.js': 'main', 'src/lib.js': 'lib' };

describe.skipIf(SKIP_REGISTRY)(`image verify of an image that another machine built${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let builder: Tsbuild;
  let other: Tsbuild;
  beforeAll(async () => {
    registry = await startDockerRegistry();
    builder = await tsbuild();
    await builder.build(await contextOf(FILES), ['-t', at('app:max'), '--provenance=max', '--push']);
    await builder.build(await contextOf(FILES), ['-t', at('app:min'), '--provenance=min', '--push']);
    other = await tsbuild();
    await other.output(['pull', '--platform', 'all', at('app:max')]);
  });
  afterAll(() => registry?.stop());

  const at = (name: string): string => `${registry.host}/${name}`;
  const verify = (context: string, ...words: string[]): ReturnType<Tsbuild['run']> =>
    other.run(['image', 'verify', ...words, at('app:max'), context]);

  it('says that a checkout of the same files is what it was built from, by its provenance', async () => {
    const { exitCode, stdout, stderr } = await verify(await contextOf(FILES));
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^Same: \S+app:max \(\w{12}, built .*\) was built from this .*Dockerfile and these files \(5 steps compared\)\.\nCompared with the provenance /,
    );
    expect(exitCode).toBe(0);
  });

  it('finds a changed file, even where it only went into a stage whose layers are nowhere but there', async () => {
    const final = await verify(await contextOf({ ...FILES, 'src/main.js': 'changed' }));
    expect(final).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/Dockerfile:7: COPY src\/main\.js \/app\//),
    });
    const stage = await verify(await contextOf({ ...FILES, 'src/lib.js': 'changed' }), '--format', 'json');
    expect(stage.exitCode).not.toBe(0);
    expect(JSON.parse(stage.stdout)).toMatchObject({ by: 'provenance', steps: [{ range: { start: { line: 3 } } }] });
  });

  it('finds changed instructions', async () => {
    const run = await verify(await contextOf({ ...FILES, Dockerfile: DOCKERFILE.replace('RUN cat', 'RUN tac') }));
    expect(run).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^Different: .*Dockerfile:4: RUN tac/s) });
    const env = await verify(await contextOf({ ...FILES, Dockerfile: DOCKERFILE.replace('production', 'dev') }));
    expect(env).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('ENV MODE=dev') });
    // Nobody but the words says what comes from a stage that is not here.
    const copied = DOCKERFILE.replace('/w/out.js', '/w/src/lib.js');
    expect((await verify(await contextOf({ ...FILES, Dockerfile: copied }))).exitCode).not.toBe(0);
    const base = DOCKERFILE.replaceAll('FROM busybox', 'FROM alpine');
    const moved = await verify(await contextOf({ ...FILES, Dockerfile: base }));
    expect(moved).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('the base image is another one') });
  });

  it('works on an image that was saved and loaded', async () => {
    const archive = join(await scratch(), 'app.tar');
    await other.output(['save', '-o', archive, at('app:max')]);
    const third = await tsbuild();
    await third.output(['load', '-i', archive]);
    const found = await third.run(['image', 'verify', at('app:max'), await contextOf(FILES)]);
    expect(found).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('provenance') });
  });

  it('needs the steps: not with --provenance=min, and no rebuild', async () => {
    await other.output(['pull', '--platform', 'all', at('app:min')]);
    const context = await contextOf(FILES);
    const least = await other.run(['image', 'verify', at('app:min'), context]);
    expect(least).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--provenance=max') });
    const rebuilt = await verify(context, '--rebuild');
    expect(rebuilt).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/cannot rebuild.*\nhint: .*SOURCE_DATE_EPOCH/s),
    });
  });
});
