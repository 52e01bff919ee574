import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../packages/oci/testing/docker-registry.ts';
import { without } from './support/lab.ts';
import { output } from './support/process.ts';
import { contextOf, nodeApp, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

describe.skipIf(SKIP_REGISTRY)(`images and a registry on loopback${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let config: { readonly env: { readonly TSBUILD_CONFIG: string } };

  beforeAll(async () => {
    registry = await startDockerRegistry();
    const path = join(await scratch(), 'config.json');
    await writeFile(path, JSON.stringify({ registries: { mirrors: { 'docker.io': [registry.host] } } }));
    config = { env: { TSBUILD_CONFIG: path } };
    const publisher = await tsbuild({ bases: 'all' });
    for (const base of ['node:18-alpine', 'busybox:latest']) {
      const name = `${registry.host}/library/${base}`;
      await publisher.output(['tag', base, name]);
      await publisher.output(['push', name]);
    }
  });
  afterAll(() => registry?.stop());

  const pushed = (name: string): string => `${registry.host}/${name}`;
  const emptyStore = (): Promise<Tsbuild> => tsbuild({ bases: false });

  it('builds the application of the README on a base that only the registry has, and again without the registry', async () => {
    const own = await startDockerRegistry();
    const publisher = await tsbuild({ bases: 'all' });
    await publisher.output(['tag', 'node:18-alpine', `${own.host}/library/node:18-alpine`]);
    await publisher.output(['push', `${own.host}/library/node:18-alpine`]);
    const path = join(await scratch(), 'config.json');
    await writeFile(path, JSON.stringify({ registries: { mirrors: { 'docker.io': [own.host] } } }));
    const env = { TSBUILD_CONFIG: path };
    const builder = await emptyStore();
    const context = await nodeApp();
    const first = await builder.build(context, ['-t', 'my-app'], { env });
    expect(first.steps.get('RUN npm install')).toBe('DONE');
    await own.stop();
    const second = await builder.build(context, ['-t', 'my-app'], { env });
    expect(second.steps.get('RUN npm install')).toBe('CACHED');
    await builder.build(context, ['-t', 'my-app', '--no-cache'], { env });
    const pull = await builder.run(['build', '--pull', context], { env });
    expect(pull).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('node:18-alpine') });
  });

  it('pulls nothing of a base until something needs its bytes', async () => {
    const builder = await emptyStore();
    const context = await contextOf({
      Dockerfile: 'FROM busybox AS unused\nRUN false\nFROM scratch\nCOPY f /\n',
      f: 'x',
    });
    const { stderr } = await builder.build(context, [], config);
    expect(stderr).not.toContain('busybox');
    expect(await builder.output(['images', '-q'])).toMatch(/^[0-9a-f]{12}\n$/);
  });

  it('pushes what it built, and skopeo and another store read the same image', async () => {
    const builder = await tsbuild();
    const context = await contextOf({ Dockerfile: 'FROM busybox\nCOPY f /\nLABEL a=b\n', f: 'x' });
    const name = pushed('team/app:1');
    await builder.build(context, ['-t', name, '--push']);
    const other = await emptyStore();
    await other.output(['pull', name]);
    expect(await other.id(name)).toBe(await builder.id(name));
    if (without('skopeo')) return;
    const seen = JSON.parse(
      await output('skopeo', ['inspect', '--config', '--tls-verify=false', `docker://${name}`]),
    ) as {
      config: { Labels: unknown };
    };
    expect(seen.config.Labels).toEqual({ a: 'b' });
  });

  it('sends a layer that the registry has not again', async () => {
    const builder = await tsbuild();
    const context = await contextOf({ Dockerfile: 'FROM busybox\nCOPY f /\n', f: 'the same' });
    await builder.build(context, ['-t', pushed('one:1'), '-t', pushed('two:1')]);
    const first = await builder.output(['push', '-q', pushed('one:1')]);
    expect(await builder.output(['push', '-q', pushed('one:1')])).toBe(first);
    expect(await builder.output(['push', '-q', pushed('two:1')])).toContain(pushed('two'));
  });

  it('takes the platform that was asked for, of a base that is there for several', async () => {
    const publisher = await tsbuild();
    const context = await contextOf({
      Dockerfile: 'FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY f /\n',
      f: 'x',
    });
    for (const arch of ['amd64', 'arm64']) {
      const name = pushed(`library/multi-${arch}:1`);
      await publisher.build(context, ['--platform', `linux/${arch}`, '-t', name, '--push']);
    }
    const builder = await emptyStore();
    const onArm = await contextOf({ Dockerfile: 'FROM multi-arm64:1\nCOPY g /\n', g: 'y' });
    await builder.build(onArm, ['--platform', 'linux/arm64', '-t', 'mine'], config);
    const inspected = await builder.output(['inspect', '-f', '{{.Architecture}} {{json .Config.Labels}}', 'mine']);
    expect(inspected).toBe('arm64 {"arch":"arm64"}\n');
    // As programs are compiled for another processor: commands run here, the image is for there.
    const cross = await contextOf({
      Dockerfile: [
        'FROM --platform=$BUILDPLATFORM busybox AS build',
        'ARG TARGETARCH',
        'RUN echo "on $(uname -m) for $TARGETARCH" >/made',
        'FROM multi-arm64:1',
        'COPY --from=build /made /',
        '',
      ].join('\n'),
    });
    await builder.build(cross, ['--platform', 'linux/arm64', '-t', 'crossed', '-o', `${cross}/out.tar`], config);
    expect(await builder.output(['inspect', '-f', '{{.Architecture}}', 'crossed'])).toBe('arm64\n');
    const wrong = await builder.run(['build', onArm], config);
    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('an image for linux/arm64') });
  });

  it.each([
    ['an image that no registry has', 'FROM busybox:nope', /busybox:nope/],
    ['a registry that is not there', 'FROM 127.0.0.1:1/x', /127\.0\.0\.1:1/],
  ])('says clearly: %s', async (_what, dockerfile, words) => {
    const builder = await emptyStore();
    const context = await contextOf({ Dockerfile: `${dockerfile}\n` });
    const ended = await builder.run(['build', context], config);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(words);
    expect(ended.stderr).toContain('>>> FROM');
    expect(ended.stderr).not.toMatch(/\n\s+at /);
  });
});
