import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { decodeManifest, Layout, readBlob } from '@tsbuild/oci/node';
import { describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/host/usage-error.ts';
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
        stderr: expect.stringMatching(/the context is a Dockerfile, but -f names another one/),
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
    const legacy = ['--compress', '--rm', '--force-rm', '--disable-content-trust=false'];
    expect(await build(['-q', ...off, ...legacy, '--jobs', '1', '.'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('says so where it changes nothing that somebody may expect to change', async () => {
    const { build } = await project();
    const { code, stderr } = await build([
      '--squash',
      '--cache-from',
      'type=local,src=none,compression=zstd,sources=x',
      '.',
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^WARNING: --squash changes nothing: .*COPY --from=STAGE/m);
    expect(stderr).toMatch(/^WARNING: --cache-from: compression= changes nothing here/m);
    expect(stderr).toMatch(/^WARNING: --cache-from: type=local has no key "sources".*: it is ignored/m);
  });

  it('--progress=quiet is --quiet, also as BUILDKIT_PROGRESS', async () => {
    const { build } = await project();
    const quiet = await build(['-q', '.']);
    expect(quiet.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect(await build(['--progress=quiet', '.'])).toEqual(quiet);
    expect(await build(['.'], { env: { BUILDKIT_PROGRESS: 'quiet' } })).toEqual(quiet);
    expect(await build(['-q', '.'], { env: { BUILDKIT_PROGRESS: 'plain' } })).toEqual(quiet);
  });

  it('--progress=rawjson writes lines of BuildKit alone, and an error as text behind them', async () => {
    const { build } = await project();
    const good = await build(['--progress=rawjson', '--squash', '-t', 'raw', '.']);
    const lines = good.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(good).toMatchObject({ code: 0, stdout: '' });
    expect(new Set(lines.flatMap((line) => Object.keys(line)))).toEqual(new Set(['vertexes', 'statuses', 'warnings']));
    const ids = lines.flatMap(({ statuses = [] }) => statuses.map(({ id }: { id: string }) => id));
    expect(ids).toEqual([expect.stringMatching(/^writing image sha256:/), 'naming to raw:latest']);
    const bad = await project('FROM scratch\nCOPY missing /\n');
    const failed = await bad.build(['--progress=rawjson', '.']);
    const [last] = failed.stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .slice(-1);
    expect(failed.code).toBe(1);
    expect(JSON.parse(last ?? '').vertexes[0].error).toMatch(/missing/);
    expect(failed.stderr).toMatch(/^ERROR: .*missing/m);
  });

  it('type=cacheonly leaves steps in the cache and no image in the store', async () => {
    const { root, build } = await project();
    const { code, stdout } = await build(['-q', '-t', 'gone', '-o', 'type=cacheonly', '.']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    const images = async () => (await (await Layout.open(root)).images()).length;
    expect(await images()).toBe(0);
    expect((await build(['--fail-on-miss', '-t', 'there', '.'])).code).toBe(0);
    // An image that is there already stays as it is.
    await build(['-o', 'type=cacheonly', '.']);
    expect(await images()).toBe(1);
  });

  it('type=image names the image in the store, and annotates it', async () => {
    const { build, manifest } = await project();
    const keys = '"name=one,example.com/two:2",unpack=true,oci-mediatypes=true,name-canonical=true,compression=gzip';
    const built = await build(['-o', `type=image,${keys},annotation.a=1,annotation-manifest[linux/amd64].B=2`, '.']);
    expect(built).toMatchObject({ code: 0 });
    expect((await manifest('one')).annotations).toEqual({ a: '1', B: '2' });
    expect(await manifest('example.com/two:2')).toEqual(await manifest('one'));
  });

  it('a name of an archive counts where the image has none', async () => {
    const { cwd, build } = await project();
    const namesIn = async (): Promise<unknown> => {
      const text = execFileSync('tar', ['-xOf', join(cwd, 'x.tar'), 'manifest.json'], { encoding: 'utf8' });
      return JSON.parse(text)[0].RepoTags;
    };
    await build(['-o', 'type=docker,dest=x.tar,name=mine:1', '.']);
    expect(await namesIn()).toEqual(['mine:1']);
    await build(['-t', 'own', '-o', 'type=docker,dest=x.tar,name=mine:1', '.']);
    expect(await namesIn()).toEqual(['own:latest']);
  });

  it('an --output of one field is a path, whatever it looks like', async () => {
    const { cwd, build } = await project();
    expect((await build(['-o', 'dest=out', '.'])).code).toBe(0);
    expect(await readFile(join(cwd, 'dest=out/run'), 'utf8')).toBe('echo');
  });

  it('DOCKER_DEFAULT_PLATFORM is the default of --platform', async () => {
    const { root, build } = await project();
    const env = { DOCKER_DEFAULT_PLATFORM: 'linux/s390x' };
    const architecture = async () => (await (await Layout.open(root)).resolve('p')).config.architecture;
    await build(['-t', 'p', '.'], { env });
    expect(await architecture()).toBe('s390x');
    await build(['-t', 'p', '--platform', 'linux/arm64', '.'], { env });
    expect(await architecture()).toBe('arm64');
  });

  it('does not go on where a source policy should be enforced', async () => {
    const { build } = await project();
    const refused = await build(['.'], { env: { EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: 'policy.json' } });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/source policy/) });
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
  [['--build-context', 'a=target:b', '.'], /only in bake files/],
  [['--sbom=generator=docker/scout', '.'], /not supported: --sbom=generator=docker\/scout: .*\nhint: use --sbom/],
  [['--sbom=yes', '.'], /invalid --sbom=yes: expected key=value, not "yes"/],
  [['--sbom=true', '--attest', 'type=sbom', '.'], /invalid --sbom=true: there is another one of type sbom/],
  [['--sbom=scan=all', '.'], /invalid --sbom=scan=all: unknown parameter scan=/],
  [['--provenance=mode=most', '.'], /invalid --provenance=mode=most: mode= must be min or max/],
  [['--provenance=reproducible=true', '.'], /reproducible= is not for users to say\nhint: use --verify/],
  [['--provenance=version=v0.2', '.'], /version=v0.2 is not written/],
  [['--attest', 'mode=max', '.'], /type= is missing: provenance or sbom/],
  [['--attest', 'type=vex', '.'], /unknown type vex: expected provenance or sbom/],
  [['--attest', 'type=sbom,disabled=perhaps', '.'], /disabled= must be true or false/],
  [['--attest', 'type=sbom,"a', '.'], /invalid --attest type=sbom,"a: a quoted field must end with a quote/],
  [['-o', 'type=local,dest=x,attestation-prefix=../', '.'], /attestation-prefix= is the beginning of a name/],
  [['-o', 'type=local', '.'], /type=local needs dest=DIR/],
  [['-o', 'type=local,dest=-', '.'], /type=local needs dest=DIR/],
  [['-o', 'type=tar', '-o', '-', '.'], /twice/],
  [['-o', 'type=nope', '.'], /expected type=docker/],
  [['-o', 'a,b', '.'], /expected key=value, not "a"/],
  [['-o', 'type=image,"name=a', '.'], /must end with a quote/],
  [['-o', 'type=image,name=a@sha256:1', '.'], /invalid --output/],
  [['-o', 'type=image,push=perhaps', '.'], /push= must be true or false/],
  [['-o', 'type=image,nope=1', '.'], /not supported yet: nope= in --output/],
  [['-o', 'type=registry,name=x/y:1,push-by-digest=true', '.'], /cannot push x\/y:1 by digest: it has a tag/],
  [['-t', 'x/y:1', '-o', 'type=registry,push-by-digest=true', '.'], /cannot push x\/y:1 by digest/],
  [['-o', 'type=registry,name=x/y,compression=zstd', '.'], /compression=zstd .*\nhint: layers are pushed with gzip/],
  [['-o', 'type=oci,dest=x.tar,compression=gzip', '.'], /hint: .*compress the file/],
  [['-o', 'type=local,dest=x,mode=delete', '.'], /hint: .*empty it before the build/],
  [['-o', 'type=docker,context=other', '.'], /hint: set DOCKER_HOST/],
  [['-o', 'type=image,annotation-index.a=b', '.'], /index annotations are not supported/],
  [
    ['--cache-to', 'type=ghs', '.'],
    /unknown type "ghs" \(did you mean gha\?\)\nhint: .*registry\|local\|inline\|gha\|s3/,
  ],
  [['--cache-to', 'ref=x/y', '.'], /invalid --cache-to "ref=x\/y": type= is missing/],
  [['--cache-from', 'type=local', '.'], /type=local needs src=DIR/],
  [['--cache-to', 'type=registry,ref=x/y,mode=most', '.'], /mode= must be min or max/],
  [['--cache-drain', 'soon', '.'], /invalid --cache-drain "soon": expected seconds/],
  [['-q', '--progress', 'plain', '.'], /--progress=plain and --quiet cannot be used together/],
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
    '--memory, --memory-swap, --cpu-shares, --cpuset-cpus, --cgroup-parent change nothing: RUN has no such limits',
  );
  expect(stderr).toContain('--security-opt changes nothing: the sandbox of RUN is always the same');
});
