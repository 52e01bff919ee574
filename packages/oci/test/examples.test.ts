import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Image } from '../src/image/image-value.ts';
import { appendLayers, withConfig } from '../src/image/mutate.ts';
import { parsePlatform } from '../src/spec/platform.ts';
import { parseReference } from '../src/spec/reference.ts';
import { RegistryClient } from '../src/registry/client.ts';
import { toRegistry } from '../src/registry/remote-image.ts';
import { findProgram, NO_REGISTRY, SKIP_REGISTRY, startDockerRegistry } from '../testing/docker-registry.ts';
import type { DockerRegistry } from '../testing/docker-registry.ts';
import { sampleImage, sampleLayer } from '../testing/sample-image.ts';
import { scratchFolders } from '../testing/scratch.ts';

const PROJECT = join(import.meta.dirname, '../../..');
const EXAMPLES = join(PROJECT, 'examples/oci');
const folder = scratchFolders();
const missing = findProgram('skopeo') === undefined ? ' (skipped: skopeo not installed)' : NO_REGISTRY;
const skip = SKIP_REGISTRY || (missing !== '' && process.env.CI !== 'true');

it('the examples have no type errors', () => {
  const args = ['-p', join(PROJECT, 'examples/tsconfig.json')];
  const { stdout } = spawnSync(join(PROJECT, 'node_modules/.bin/tsc'), args, { encoding: 'utf8', cwd: PROJECT });
  // The sources of the package are read along; `npm run types` is about those.
  expect(stdout.split('\n').filter((line) => line.startsWith('examples/'))).toEqual([]);
});

it('the README shows every example, and no other', () => {
  const readme = readFileSync(join(PROJECT, 'packages/oci/README.md'), 'utf8');
  const shown = [...readme.matchAll(/examples\/oci\/([\w-]+\.mjs)/g)].map(([, name]) => name);
  expect([...new Set(shown)].toSorted()).toEqual(readdirSync(EXAMPLES).toSorted());
});

it('every function of the tables of the README shows how it is called', () => {
  const readme = readFileSync(join(PROJECT, 'packages/oci/README.md'), 'utf8');
  const table = readme.slice(readme.indexOf('| sources |'), readme.indexOf('## Common tasks'));
  const names = new Set([...table.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ''));
  expect(names.size).toBeGreaterThan(25);
  const sources = readdirSync(join(PROJECT, 'packages/oci/src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(PROJECT, 'packages/oci/src', name), 'utf8'));
  const shown = (name: string): boolean =>
    sources.some((text) => {
      const at = text.search(new RegExp(`^export (?:async )?function\\*? ${name}\\b`, 'm'));
      return at >= 0 && text.slice(text.lastIndexOf('/**', at), at).includes('@example');
    });
  expect([...names].filter((name) => !shown(name))).toEqual([]);
});

describe.skipIf(skip)(`the examples${missing}`, () => {
  let registry: DockerRegistry;
  let programs = '';
  let base: Image;
  const at = (name: string): string => `${registry.host}/${name}`;

  /** Runs an example on the sources, whatever dist holds. */
  const example = async (name: string, ...args: readonly string[]): Promise<string> => {
    const env = { ...process.env, DOCKER_CONFIG: programs };
    const { stdout } = await promisify(execFile)(process.execPath, [join(programs, `${name}.mjs`), ...args], { env });
    return stdout.trim();
  };
  const skopeo = <T>(...args: readonly string[]): T =>
    JSON.parse(execFileSync('skopeo', [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })) as T;
  const inspect = (name: string) =>
    skopeo<{ Digest: string; Labels: object; Layers: string[] }>(
      'inspect',
      '--tls-verify=false',
      `docker://${at(name)}`,
    );

  beforeAll(async () => {
    programs = folder();
    await build({
      entryPoints: readdirSync(EXAMPLES).map((name) => join(EXAMPLES, name)),
      outdir: programs,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      target: 'node20',
      platform: 'node',
      format: 'esm',
      conditions: ['@tsbuild/source'],
      logLevel: 'error',
    });
    registry = await startDockerRegistry();
    const etc = { name: 'etc/', type: '5', mode: 0o755 };
    const release = { name: 'etc/os-release', content: 'NAME=old\n' };
    const link = { name: 'etc/release', type: '2', linkName: 'os-release' };
    base = await sampleImage([[etc, release, link], [{ name: 'app', content: 'app' }]], {
      config: { Cmd: ['/app'], Labels: { kept: 'yes' } },
    });
    const client = new RegistryClient({ environment: {} });
    const changed = appendLayers(base, [
      {
        layer: await sampleLayer([
          { name: 'etc/os-release', content: 'NAME=new\n' },
          { name: '.wh.app', content: '' },
        ]),
      },
    ]);
    const arm = await sampleImage([[etc]], { platform: parsePlatform('linux/arm64') });
    const images = { 'base:1': base, 'changed:1': withConfig(changed, { Cmd: ['/new'] }), 'arm:1': arm };
    for (const [name, image] of Object.entries(images)) await toRegistry(client, parseReference(at(name)), image);
    client.close();
  });
  afterAll(() => registry.stop());

  it('01 inspects an image', async () => {
    const shown = JSON.parse(await example('01-inspect', at('base:1'), 'linux/amd64')) as object;
    expect(shown).toMatchObject({
      digest: base.descriptor.digest,
      id: base.manifest.config.digest,
      platform: 'linux/amd64',
      command: ['/app'],
      labels: { kept: 'yes' },
    });
  });

  it('02 pulls it, 11 finds it sound, and damaged when it is', async () => {
    const layout = folder();
    expect(await example('02-pull', at('base:1'), layout)).toBe(`${at('base:1')}@${base.descriptor.digest}`);
    expect(skopeo<object>('inspect', `oci:${layout}:1`)).toMatchObject({ Digest: base.descriptor.digest });
    expect(await example('11-validate', layout, at('base:1'))).toBe(`${base.descriptor.digest} is sound`);
    const layer = base.layers[0]?.descriptor.digest ?? '';
    writeFileSync(join(layout, 'blobs', layer.replace(':', '/')), 'damaged');
    await expect(example('11-validate', layout)).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining('layers[0]: '),
    });
  });

  it('03 adds a layer and a label, and skopeo agrees', async () => {
    const files = folder();
    mkdirSync(join(files, 'srv'));
    writeFileSync(join(files, 'srv/page'), 'hello');
    const digest = await example('03-add-layer', at('base:1'), at('site/app:2'), files, 'team=web=1');
    const seen = inspect('site/app:2');
    expect(seen).toMatchObject({ Digest: digest, Labels: { kept: 'yes', team: 'web=1' } });
    expect(seen.Layers.slice(0, -1)).toEqual(base.layers.map(({ descriptor }) => descriptor.digest));
    expect(await example('07-extract-file', at('site/app:2'), '/srv/page')).toBe('hello');
  });

  it('10 makes an index, and 04 copies it whole', async () => {
    const made = await example('10-build-index', at('multi:1'), at('base:1'), at('arm:1'));
    const [digest, ...platforms] = made.split(' ');
    expect(platforms).toEqual(['linux/amd64', 'linux/arm64']);
    expect(await example('04-copy', at('multi:1'), at('copies/multi:1'))).toBe(digest);
    const { manifests } = skopeo<{ manifests: object[] }>(
      'inspect',
      '--raw',
      '--tls-verify=false',
      `docker://${at('copies/multi:1')}`,
    );
    expect(manifests).toMatchObject([{ digest: base.descriptor.digest }, { platform: { architecture: 'arm64' } }]);
    expect(await example('04-copy', at('base:1'), at('copies/base:1'))).toBe(base.descriptor.digest);
    expect(inspect('copies/base:1').Digest).toBe(base.descriptor.digest);
  });

  it('13 attaches a file, and skopeo copies an index that 14 saved', async () => {
    const file = join(folder(), 'sbom.json');
    writeFileSync(file, '{"spdx":1}');
    const listed = await example('13-attach', at('base:1'), 'application/spdx+json', file);
    expect(listed).toMatch(/^sha256:\w{64} sbom\.json 10$/);
    await example('10-build-index', at('platforms:1'), at('base:1'), at('arm:1'));
    const archive = join(folder(), 'all.tar');
    const saved = await example('14-save-platforms', at('platforms:1'), archive);
    expect(saved.split('\n').map((line) => line.split(' ')[0])).toEqual(['linux/amd64', 'linux/arm64']);
    const copied = join(folder(), 'copied');
    const copy = ['copy', '-q', '--all', `oci-archive:${archive}`, `oci:${copied}:1`];
    execFileSync('skopeo', ['--insecure-policy', ...copy]);
    const { manifests } = skopeo<{ manifests: object[] }>('inspect', '--raw', `oci:${copied}:1`);
    expect(manifests).toMatchObject([{ digest: base.descriptor.digest }, { platform: { architecture: 'arm64' } }]);
  });

  it('06 writes an archive for docker load, and 05 reads that of skopeo', async () => {
    const directory = folder();
    const ours = join(directory, 'ours.tar');
    expect(await example('06-save-archive', at('base:1'), ours)).toBe(base.manifest.config.digest);
    const config = skopeo<object>('inspect', '--config', `docker-archive:${ours}`);
    expect(config).toMatchObject({ config: { Cmd: ['/app'] }, rootfs: base.config.rootfs });
    const theirs = join(directory, 'theirs.tar');
    const copy = ['copy', '-q', '--src-tls-verify=false', `docker://${at('base:1')}`, `docker-archive:${theirs}:app:1`];
    execFileSync('skopeo', ['--insecure-policy', ...copy]);
    const layout = folder();
    expect(await example('05-load-archive', theirs, layout, 'app:1')).toMatch(/^sha256:\w{64} 2 layers$/);
    expect(skopeo<object>('inspect', `oci:${layout}:1`)).toMatchObject({ Labels: { kept: 'yes' } });
  });

  it('07 extracts a file through its symlink', async () => {
    expect(await example('07-extract-file', at('changed:1'), '/etc/release')).toBe('NAME=new');
    await expect(example('07-extract-file', at('changed:1'), '/app')).rejects.toMatchObject({
      stderr: expect.stringContaining('PATH_NOT_FOUND'),
    });
  });

  it('08 flattens', async () => {
    const file = join(folder(), 'rootfs.tar');
    await example('08-flatten', at('changed:1'), file);
    expect(execFileSync('tar', ['-tf', file], { encoding: 'utf8' })).toBe('etc/\netc/os-release\netc/release\n');
    expect(execFileSync('tar', ['-xOf', file, 'etc/os-release'], { encoding: 'utf8' })).toBe('NAME=new\n');
  });

  it('09 tells differences', async () => {
    expect((await example('09-diff', at('base:1'), at('changed:1'))).split('\n')).toEqual([
      'config config.Cmd: ["/app"] → ["/new"]',
      'layers 2 shared, 0 removed, 1 added',
      'removed /app',
      'changed /etc/os-release content',
    ]);
    expect(await example('09-diff', at('base:1'), at('base:1'))).toBe('layers 2 shared, 0 removed, 0 added');
  });

  it('12 rebases', async () => {
    const files = folder();
    writeFileSync(join(files, 'own'), 'own');
    await example('03-add-layer', at('base:1'), at('app:1'), files, 'a=b');
    const digest = await example('12-rebase', at('app:1'), at('base:1'), at('changed:1'), at('app:rebased'));
    expect(inspect('app:rebased')).toMatchObject({ Digest: digest, Labels: { a: 'b' } });
    expect(inspect('app:rebased').Layers).toHaveLength(4);
    expect(await example('07-extract-file', at('app:rebased'), '/etc/os-release')).toBe('NAME=new');
    expect(await example('07-extract-file', at('app:rebased'), '/own')).toBe('own');
  });

  it('run as the README says, once the package is built', async () => {
    expect(existsSync(join(PROJECT, 'packages/oci/dist/node.js')), 'npm run build comes before the tests').toBe(true);
    const program = join(EXAMPLES, '01-inspect.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [program, at('base:1'), 'linux/amd64']);
    expect(stdout).toContain(base.descriptor.digest);
  });
});
