import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { decodeManifest, Layout, readBlob } from '@tsbuild/oci/node';
import { describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/errors.ts';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

async function project(dockerfile = 'FROM scratch\nCOPY run /\n') {
  const [root, cwd] = [await temporaryDirectory(), await temporaryDirectory()];
  await writeFile(join(cwd, 'Dockerfile'), dockerfile);
  await writeFile(join(cwd, 'run'), 'echo');
  const build = (argv: readonly string[], choices: Parameters<typeof tsbuild>[1] = {}) =>
    tsbuild(['build', ...argv], { root, cwd, ...choices });
  const manifest = async (name: string) => {
    const layout = await Layout.open(root);
    const { manifest: descriptor } = await layout.resolve(name);
    return decodeManifest(await readBlob(layout.blobs, descriptor), descriptor.mediaType);
  };
  return { root, cwd, build, manifest };
}

// An ordinary user's build starts the program again in a user namespace, which a test in this process cannot.
describe.skipIf(process.geteuid?.() !== 0)('build (needs root)', () => {
  describe('with its context on standard input', () => {
    it('takes a tar archive, compressed or not, and a Dockerfile in it', async () => {
      const { cwd, build } = await project();
      const first = await build(['-q', '.']);
      for (const flags of ['-c', '-cz']) {
        const stdin = execFileSync('tar', ['-C', cwd, flags, '.']);
        expect(await build(['-q', '-'], { stdin })).toMatchObject({ code: 0, stdout: first.stdout });
      }
      await writeFile(join(cwd, 'other'), 'FROM scratch\nCOPY run /other\n');
      const stdin = execFileSync('tar', ['-C', cwd, '-c', '.']);
      const other = await build(['-f', 'other', '-'], { stdin });
      expect(other).toMatchObject({ code: 0, stderr: expect.stringContaining('COPY run /other') });
    });

    it('takes a Dockerfile alone, and no second one', async () => {
      const { build } = await project();
      const stdin = 'FROM scratch\nENV A=1\n';
      expect(await build(['-q', '-'], { stdin })).toMatchObject({ code: 0 });
      expect(await build(['-f', 'Dockerfile', '-'], { stdin })).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/two Dockerfiles/),
      });
      expect(await build(['-f', '-', '-'], { stdin })).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/cannot both come from standard input/),
      });
    });

    it.each([[['-']], [['-f', '-', '.']]])('stops waiting for it when it is interrupted: %j', async (argv) => {
      const { build } = await project();
      const stop = new AbortController();
      setTimeout(() => stop.abort(new Interrupted('SIGINT')), 50);
      // A pipe into which nobody writes.
      expect(await build(argv, { signal: stop.signal, stdin: new PassThrough() })).toMatchObject({ code: 130 });
    });
  });

  it('uses --build-context, relative to the working directory', async () => {
    const { cwd, build } = await project('FROM scratch\nCOPY --from=files f /\n');
    await mkdir(join(cwd, 'dir'));
    await writeFile(join(cwd, 'dir/f'), 'x');
    expect(await build(['--build-context', 'files=dir', '.'])).toMatchObject({ code: 0 });
    const missing = await build(['.']);
    expect(missing.code).toBe(1);
  });

  it('annotates the manifest, and nothing else', async () => {
    const { build, manifest } = await project();
    const plain = await build(['-q', '-t', 'plain', '.']);
    const annotations = ['--annotation', 'a=1', '--annotation', 'manifest:b=2=3'];
    const others = ['--annotation', 'manifest[linux/s390x]:c=4', '--platform', 'linux/amd64'];
    const annotated = await build(['-q', '-t', 'annotated', ...annotations, ...others, '.']);
    expect(annotated).toMatchObject({ code: 0, stderr: '' });
    expect(annotated.stdout).toBe(plain.stdout);
    expect((await manifest('annotated')).annotations).toEqual({ a: '1', b: '2=3' });
    expect((await manifest('plain')).annotations).toBeUndefined();
  });

  it('writes metadata with the keys of buildx', async () => {
    const { root, cwd, build } = await project();
    const { stdout } = await build(['-q', '-t', 'one', '-t', 'example.com/two:2', '--metadata-file', 'm.json', '.']);
    const { manifest, id } = await (await Layout.open(root)).resolve('one');
    expect(JSON.parse(await readFile(join(cwd, 'm.json'), 'utf8'))).toMatchObject({
      'containerimage.config.digest': stdout.trim(),
      'containerimage.digest': manifest.digest,
      'containerimage.descriptor': { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.size },
      'image.name': 'docker.io/library/one:latest,example.com/two:2',
    });
    expect(id).toBe(stdout.trim());
  });

  it('accepts what scripts for buildx say and means nothing here', async () => {
    const { build } = await project();
    const off = ['--provenance=false', '--sbom=false', '--attest=type=sbom,disabled=true', '--builder=default'];
    expect(await build(['-q', ...off, '--jobs', '1', '.'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('suggests the stage that was meant', async () => {
    const { build } = await project('FROM scratch AS builder\nFROM scratch\nCOPY --from=bulider /x /\n');
    expect((await build(['--target', 'bilder', '.'])).stderr).toMatch(
      /"bilder" could not be found \(did you mean builder\?\)\nhint: .*builder, stage-1/,
    );
    const env = { https_proxy: 'http://127.0.0.1:1', HTTPS_PROXY: 'http://127.0.0.1:1' };
    expect((await build(['.'], { env })).stderr).toMatch(/"bulider" .*\(did you mean builder\?\)/);
  });
});

it.each([
  [['--jobs', '0', '.'], /invalid --jobs "0"/],
  [['--jobs', 'many', '.'], /invalid --jobs "many"/],
  [['--annotation', 'a', '.'], /invalid --annotation "a": expected KEY=VALUE/],
  [['--annotation', 'manifest:=x', '.'], /invalid --annotation/],
  [['--annotation', 'index:a=b', '.'], /index annotations are not supported for an image of a single platform/],
  [['--annotation', 'manifest,index:a=b', '.'], /index annotations are not supported/],
  [['--build-context', 'a', '.'], /invalid --build-context "a": expected NAME=SOURCE/],
  [['--build-context', 'A=/', '.'], /invalid --build-context "A=\/": .*lowercase/],
  [['--build-context', 'a=nope', '.'], /there is no directory nope/],
  [['--build-context', 'a=target:b', '.'], /only a bake file/],
  [['--provenance', 'mode=max', '.'], /not supported yet: --provenance=mode=max/],
  [['--sbom', 'true', '.'], /not supported yet: --sbom=true/],
  [['--attest', 'type=sbom', '.'], /not supported yet: --attest type=sbom/],
  [['--squash', '.'], /not supported yet: --squash/],
  [['-o', 'type=local', '.'], /type=local needs dest=DIR/],
  [['-o', 'type=local,dest=-', '.'], /type=local needs dest=DIR/],
  [['-o', 'type=tar', '-o', '-', '.'], /twice/],
  [['-o', 'type=cacheonly', '.'], /not supported yet: --output type=cacheonly/],
])('build %j is a wrong command line', async (argv, message) => {
  const { code, stdout, stderr } = await tsbuild(['build', ...argv]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

it('takes the limits of docker’s classic builder, and says that they change nothing', async () => {
  const { root, cwd } = await project('FROM scratch\nCMD ["x"]\n');
  const limits = [
    '--memory',
    '2g',
    '--memory-swap',
    '3g',
    '--cpu-shares',
    '5',
    '--cpuset-cpus',
    '0',
    '--cgroup-parent',
    'x',
  ];
  const argv = ['build', ...limits, '--security-opt', 'x=y', '--isolation', 'default', '.'];
  const { code, stderr } = await tsbuild(argv, { root, cwd });
  expect(code).toBe(0);
  expect(stderr).toContain(
    '--memory, --memory-swap, --cpu-shares, --cpuset-cpus, --cgroup-parent: RUN has no such limits',
  );
  expect(stderr).toContain('--security-opt x=y: the sandbox of RUN is always the same');
});
