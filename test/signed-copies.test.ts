import { readFile } from 'node:fs/promises';
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
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

// Each row of the table "Copies" in docs/signing.md. Debian's registry has no referrers API, so that lists are kept in tags.
describe.skipIf(SKIP_REGISTRY)(`signatures and attestations of copied images${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let key: string;
  let digest: string;
  let folder: string;
  beforeAll(async () => {
    registry = await startDockerRegistry();
    folder = await scratch();
    key = join(folder, 'release.key');
    const builder = await tsbuild({ bases: false });
    await builder.output(['image', 'keygen', '--type', 'ed25519', key]);
    const context = await contextOf({ Dockerfile: 'FROM scratch\nCOPY f /\n', f: 'travels' });
    const platforms = ['--platform', 'linux/amd64,linux/arm64', '--provenance=max', '--sbom'];
    await builder.build(context, [...platforms, '-t', at('home:1'), '--push', '--sign', `key=${key}`]);
    digest = await digestOf('home:1');
  });
  afterAll(() => registry?.stop());

  const at = (name: string): string => `${registry.host}/${name}`;

  async function digestOf(name: string): Promise<string> {
    const [repository, tag] = name.split(':');
    const types = ['index', 'manifest'].map((what) => `application/vnd.oci.image.${what}.v1+json`).join(', ');
    const url = `http://${registry.host}/v2/${repository}/manifests/${tag}`;
    const response = await fetch(url, { method: 'HEAD', headers: { Accept: types } });
    return response.headers.get('docker-content-digest') ?? `no ${name}`;
  }

  /** Of the manifests that a name means, how many are signed; whether the first one is decides the exit code. */
  async function signed(name: string, tool: Tsbuild): Promise<string> {
    const { exitCode, stdout } = await tool.run(['image', 'verify', '--key', `${key}.pub`, at(name)]);
    return `${exitCode}: ${stdout.match(/ {2}signed$/gm)?.length ?? 0} of ${stdout.match(/sha256:\w+ {2}/g)?.length ?? 0}`;
  }

  async function hasProvenance(image: string, tool: Tsbuild): Promise<boolean> {
    return (await tool.output(['inspect', '-f', '{{json .Provenance}}', image])).includes('buildDefinition');
  }

  async function pulled(...words: readonly string[]): Promise<Tsbuild> {
    const tool = await tsbuild({ bases: false });
    await tool.output(['pull', ...words, at('home:1')]);
    return tool;
  }

  async function pushAs(name: string, tool: Tsbuild, ...words: readonly string[]): Promise<void> {
    await tool.output(['tag', at('home:1'), at(name)]);
    await tool.output(['push', ...words, at(name)]);
  }

  it('start from an index, two images and two attestations, all signed', async () => {
    expect(await signed('home:1', await tsbuild({ bases: false }))).toBe('0: 5 of 5');
  });

  it('pull --platform all, push --referrers: all of it', async () => {
    const tool = await pulled('--platform', 'all');
    expect(await hasProvenance(at('home:1'), tool)).toBe(true);
    await pushAs('all-along:1', tool, '--referrers');
    expect(await digestOf('all-along:1')).toBe(digest);
    expect(await signed('all-along:1', tool)).toBe('0: 5 of 5');
  });

  it('pull --platform all, push: the same digest, not signed', async () => {
    const tool = await pulled('--platform', 'all');
    await pushAs('all-alone:1', tool);
    expect(await digestOf('all-alone:1')).toBe(digest);
    expect(await signed('all-alone:1', tool)).toBe('1: 0 of 5');
  });

  it('pull of one platform, push --referrers: the same manifest with its signatures, without the attestations of the index', async () => {
    const tool = await pulled('--platform', 'linux/arm64');
    expect(await hasProvenance(at('home:1'), tool)).toBe(false);
    await pushAs('one-along:1', tool, '--referrers');
    expect(await signed('one-along:1', tool)).toBe('0: 1 of 1');
    const index = await fetch(`http://${registry.host}/v2/home/manifests/${digest}`, {
      headers: { Accept: 'application/vnd.oci.image.index.v1+json' },
    });
    expect(await index.text()).toContain(await digestOf('one-along:1'));
    await pushAs('one-alone:1', tool);
    expect(await digestOf('one-alone:1')).toBe(await digestOf('one-along:1'));
    expect(await signed('one-alone:1', tool)).toBe('1: 0 of 1');
  });

  it('save and load: attestations of an index, no signatures, and push --referrers says why', async () => {
    const archive = join(folder, 'saved.tar');
    await (await pulled('--platform', 'all')).output(['save', '-o', archive, at('home:1')]);
    const tool = await tsbuild({ bases: false });
    await tool.output(['load', '-i', archive]);
    expect(await hasProvenance(at('home:1'), tool)).toBe(true);
    const refused = await tool.run(['push', '--referrers', at('home:1')]);
    expect(refused).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/no signatures to copy.*\nhint: pull it.*\btsbuild image copy\b/s),
    });
    await pushAs('saved:1', tool);
    expect(await signed('saved:1', tool)).toBe('1: 0 of 5');
  });

  it('image index --push --referrers: those of its images, from other repositories', async () => {
    const tool = await tsbuild({ bases: false });
    const index = ['image', 'index', '--push'];
    await tool.output([...index, '--referrers', at('joined:1'), at('home:1')]);
    await tool.output([...index, at('bare:1'), at('home:1')]);
    // The new index is another document, for its owner to sign.
    expect(await signed('joined:1', tool)).toBe('1: 4 of 5');
    expect(await signed('bare:1', tool)).toBe('1: 0 of 5');
    const here = await tool.run(['image', 'index', '--referrers', 'local', at('home:1')]);
    expect(here).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--push') });
  });

  it('image copy: byte for byte, from registry to registry and through a directory', async () => {
    const tool = await tsbuild({ bases: false });
    const copied = await tool.run(['image', 'copy', at('home:1'), at('copied:2')]);
    expect(copied).toMatchObject({ exitCode: 0, stdout: `${digest}\n`, stderr: expect.stringContaining('with 5 ') });
    expect(await signed('copied:2', tool)).toBe('0: 5 of 5');
    const directory = `oci-layout://${join(folder, 'carried')}`;
    expect(await tool.output(['image', 'copy', '-q', at('home:1'), directory])).toBe(`${digest}\n`);
    expect(await tool.output(['image', 'copy', '-q', directory, at('carried:1')])).toBe(`${digest}\n`);
    expect(await signed('carried:1', tool)).toBe('0: 5 of 5');
    const again = `oci-layout://${join(folder, 'again')}`;
    await tool.output(['image', 'copy', '-q', directory, again]);
    const indexes = await Promise.all(
      ['carried', 'again'].map((name) => readFile(join(folder, name, 'index.json'), 'utf8')),
    );
    expect(indexes[1]).toBe(indexes[0]);
    expect(await tool.output(['images', '-q'])).toBe('');
    const archive = await tool.run(['image', 'copy', join(folder, 'saved.tar'), at('x:1')]);
    expect(archive).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('oci-layout://DIR') });
  });

  it.skipIf(without('skopeo'))('image copy: into a directory that skopeo reads (needs skopeo)', async () => {
    const raw = await output('skopeo', ['inspect', '--raw', `oci:${join(folder, 'carried')}:1`]);
    expect(raw).toContain('attestation-manifest');
  });

  it('image copy: not under the digest of another image, and not where nothing is', async () => {
    const tool = await tsbuild({ bases: false });
    const other = `${at('copied')}@sha256:${'0'.repeat(64)}`;
    const wrong = await tool.run(['image', 'copy', at('home:1'), other]);
    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`the image's digest is ${digest}`) });
    const nothing = await tool.run(['image', 'copy', at('home:9'), at('y:1')]);
    expect(nothing.exitCode).toBe(1);
  });
});
