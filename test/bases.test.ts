import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchWhenUp, freePort } from './support/http.ts';
import { docker, lab, withoutEngine } from './support/lab.ts';
import { NODE_APP } from './support/tsbuild.ts';

// The fixtures themselves, judged by Docker's own builder: what tsbuild is later compared with must be right.
describe.skipIf(withoutEngine)('the base images and the fixture, without tsbuild (needs root and dockerd)', () => {
  const image = 'fixture-by-docker';
  const container = `fixture-by-docker-${process.pid}`;

  beforeAll(async () => {
    await docker().output(['build', '--network', 'none', '-t', image, NODE_APP]);
  });
  afterAll(async () => {
    await docker().run(['rm', '-f', container]);
  });

  it('npm install links the dependency, with no network at all', async () => {
    const link = await docker().output([
      'run',
      '--rm',
      '--network',
      'none',
      image,
      'readlink',
      '/app/node_modules/greeting',
    ]);
    expect(link).toBe('../greeting\n');
  });

  it('the server answers with a page that the dependency made', async () => {
    const port = await freePort();
    await docker().output(['run', '-d', '--name', container, '--network', 'host', '-e', `PORT=${port}`, image]);
    expect(await fetchWhenUp(`http://127.0.0.1:${port}/`)).toMatchObject({
      status: 200,
      body: expect.stringContaining('Hello, tsbuild!'),
    });
    expect((await fetchWhenUp(`http://127.0.0.1:${port}/missing`)).status).toBe(404);
  });

  it('NODE_VERSION tells which node the stand-in really holds', async () => {
    const [said, is] = await Promise.all([
      docker().output(['run', '--rm', '--network', 'none', image, 'sh', '-c', 'echo v$NODE_VERSION']),
      docker().output(['run', '--rm', '--network', 'none', image, '--version']),
    ]);
    expect(said).toBe(is);
  });

  it('busybox has its applets as hard links, alpine as symbolic ones', async () => {
    const [links, type] = await Promise.all([
      docker().output(['run', '--rm', '--network', 'none', 'busybox', 'stat', '-c', '%h', '/bin/ls']),
      docker().output(['run', '--rm', '--network', 'none', 'alpine', 'stat', '-c', '%F', '/bin/ls']),
    ]);
    expect(Number(links)).toBeGreaterThan(100);
    expect(type).toBe('symbolic link\n');
  });

  it.skipIf(lab.bases['debian'] === undefined)(
    'debian has apt and a source of packages (the base is made on CI or when asked)',
    async () => {
      const version = await docker().output([
        'run',
        '--rm',
        '--network',
        'none',
        'debian:bookworm-slim',
        'sh',
        '-c',
        'apt-get --version; cat /etc/apt/sources.list',
      ]);
      expect(version).toMatch(/^apt 2/);
      expect(version).toContain('deb.debian.org');
    },
  );
});
