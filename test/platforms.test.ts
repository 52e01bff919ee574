import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReference, RegistryClient, sha256Digest } from '@tsbuild/oci/node';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../packages/oci/testing/docker-registry.ts';
import { withoutRoot } from './support/lab.ts';
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/arm/v7'];
const SEVERAL = ['--platform', PLATFORMS.join(',')];

/** As programs are compiled for other processors: the build runs here, what it makes is for there. */
const CROSS = `FROM --platform=$BUILDPLATFORM busybox AS build
WORKDIR /src
COPY hello .
RUN cat hello > common
ARG BUILDPLATFORM BUILDOS BUILDARCH BUILDVARIANT TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT
RUN echo "$TARGETPLATFORM $TARGETOS $TARGETARCH $TARGETVARIANT on $BUILDPLATFORM $BUILDOS $BUILDARCH $BUILDVARIANT" > program
FROM scratch
ARG TARGETPLATFORM
LABEL for=$TARGETPLATFORM
COPY LICENSE /
COPY --from=build /src/program /src/common /
`;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Document {
  readonly manifests: readonly Descriptor[];
  readonly layers: readonly Descriptor[];
  readonly config: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Event {
  readonly type: string;
  readonly id: string;
  readonly steps: readonly { readonly id: string; readonly name: string; readonly platform?: string }[];
}

// What runs in the stage of the build needs the sandbox; foreign programs are not run.
describe.skipIf(withoutRoot)('a build for three platforms (needs root)', () => {
  let builder: Tsbuild;
  let context: string;
  beforeAll(async () => {
    builder = await tsbuild();
    context = await contextOf({ Dockerfile: CROSS, hello: 'hi', LICENSE: 'free' });
  });

  const blob = async <T = Document>({ digest }: Pick<Descriptor, 'digest'>): Promise<T> =>
    JSON.parse(await readFile(join(builder.store, 'blobs/sha256', digest.slice('sha256:'.length)), 'utf8')) as T;
  const indexOf = async (args: readonly string[]): Promise<Document & { readonly digest: string }> => {
    const { stdout } = await builder.run(['build', '-q', ...args, context]);
    const digest = stdout.trim();
    return { ...(await blob({ digest })), digest };
  };

  it('runs what the platforms share once, and what is for one of them for each', async () => {
    const { stderr } = await builder.run(['build', '--progress', 'json', ...SEVERAL, '-t', 'app', context]);
    const events = stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Event);
    const planned = events.find(({ type }) => type === 'plan-ready')?.steps ?? [];
    const ran = events.filter(({ type }) => type === 'step-finished').map(({ id }) => id);
    const forWhat = (word: string): readonly (string | undefined)[] =>
      planned.filter(({ id, name }) => ran.includes(id) && name.includes(word)).map(({ platform }) => platform);
    expect(forWhat('RUN cat')).toEqual([undefined]);
    expect(forWhat('COPY hello')).toEqual([undefined]);
    expect(forWhat('COPY LICENSE')).toEqual([undefined]);
    expect(forWhat('RUN echo')).toEqual(PLATFORMS);
    expect(forWhat('COPY --from')).toEqual(PLATFORMS);
    expect(ran.length).toBe(new Set(ran).size);
  });

  it('gives an index with an image for each, whose arguments are its own, and again the same from the cache', async () => {
    const { manifests, digest } = await indexOf([...SEVERAL, '-t', 'app']);
    expect(
      manifests.map(({ platform: of }) => [of?.os, of?.architecture, of?.variant].filter(Boolean).join('/')),
    ).toEqual(PLATFORMS);
    const common = new Set<string>();
    for (const [i, entry] of manifests.entries()) {
      const { config, layers } = await blob(entry);
      const { architecture, variant, config: run } = await blob<Record<string, unknown>>(config);
      expect({ architecture, variant }).toEqual({
        architecture: entry.platform?.architecture,
        variant: entry.platform?.variant,
      });
      expect(run).toMatchObject({ Labels: { for: PLATFORMS[i] } });
      common.add(layers[0]?.digest ?? '');
    }
    expect(common.size).toBe(1);
    const again = await builder.build(context, [...SEVERAL, '-t', 'app']);
    expect([...again.steps.values()].every((state) => state === 'CACHED')).toBe(true);
    expect(again.stderr).toMatch(
      /^Built app \([0-9a-f]{12}, .*\) for linux\/amd64, linux\/arm64, linux\/arm\/v7 in .*every step cached/m,
    );
    expect((await indexOf(SEVERAL)).digest).toBe(digest);
  });

  it('tells the arguments of BuildKit to each', async () => {
    const { stdout } = await builder.run(['build', ...SEVERAL, '-o', 'type=tar,dest=-', context]);
    const machine = process.arch === 'arm64' ? 'arm64' : 'amd64';
    const lines = stdout.split(/[\n\0]+/).filter((line) => line.includes(' on linux/'));
    expect(lines).toEqual([
      `linux/amd64 linux amd64  on linux/${machine} linux ${machine} `,
      `linux/arm64 linux arm64  on linux/${machine} linux ${machine} `,
      `linux/arm/v7 linux arm v7 on linux/${machine} linux ${machine} `,
    ]);
  });

  it('writes the files of each platform into a directory of its own, and into one only where none is in the way', async () => {
    const out = join(await scratch(), 'out');
    await builder.build(context, [...SEVERAL, '-o', `type=local,dest=${out}`]);
    for (const directory of ['linux_amd64', 'linux_arm64', 'linux_arm_v7']) {
      expect((await readdir(join(out, directory))).toSorted()).toEqual(['LICENSE', 'common', 'program']);
    }
    expect(await readFile(join(out, 'linux_arm_v7/program'), 'utf8')).toMatch(/^linux\/arm\/v7 linux arm v7 on/);
    const together = [...SEVERAL, '-o', `type=local,dest=${out}-together,platform-split=false`];
    const refused = await builder.run(['build', ...together, context]);
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/cannot write \/\w+ of linux\/arm64: linux\/amd64 has it, too/),
    });
    const apart = await contextOf({ Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY f /bin/f-$TARGETARCH\n', f: 'x' });
    await builder.build(apart, together);
    expect((await readdir(`${out}-together/bin`)).toSorted()).toEqual(['f-amd64', 'f-arm', 'f-arm64']);
    const both = ['--platform', 'linux/amd64,linux/arm64', '-o', 'type=tar,dest=-,platform-split=false'];
    const tar = await builder.run(['build', ...both, apart]);
    expect(tar.stdout.match(/bin\/(?:f-\w+)?(?=\0)/g)).toEqual(['bin/', 'bin/f-amd64', 'bin/f-arm64']);
  });

  it('names the steps by what they are for', async () => {
    const { stderr } = await builder.build(context, SEVERAL);
    expect(stderr).toMatch(/^#3 \[build 3\/4\] RUN cat/m);
    expect(stderr).toMatch(/^#6 \[(?:amd64|arm64)→arm\/v7 build 4\/4\] RUN echo/m);
    expect(stderr).toMatch(/^#10 \[linux\/arm\/v7 stage-1 2\/2\] COPY --from=build/m);
  });

  it('writes digests of the index, and what belongs to each image', async () => {
    const files = ['--iidfile', join(context, 'id'), '--metadata-file', join(context, 'metadata.json')];
    const { digest, manifests } = await indexOf([...SEVERAL, ...files, '-t', 'app']);
    expect(await readFile(join(context, 'id'), 'utf8')).toBe(digest);
    const metadata = JSON.parse(await readFile(join(context, 'metadata.json'), 'utf8')) as Record<string, unknown>;
    expect(metadata).toMatchObject({
      'containerimage.digest': digest,
      'containerimage.descriptor': { mediaType: 'application/vnd.oci.image.index.v1+json', digest },
      'image.name': 'docker.io/library/app:latest',
      'tsbuild.platforms': manifests.map((entry) => ({
        'containerimage.digest': entry.digest,
        'containerimage.descriptor': { digest: entry.digest, platform: entry.platform },
      })),
    });
    expect(metadata['containerimage.config.digest']).toBeUndefined();
  });

  it('puts annotations where they belong', async () => {
    const annotations = ['a=1', 'manifest[linux/arm64]:b=2', 'manifest-descriptor[linux/arm/v7]:c=3', 'index:d=4'];
    const flags = [...annotations, 'index-descriptor:e=5'].flatMap((text) => ['--annotation', text]);
    const { digest, manifests, annotations: ofIndex } = await indexOf([...SEVERAL, ...flags, '-t', 'annotated']);
    const each = await Promise.all(manifests.map(async (entry) => (await blob(entry)).annotations));
    expect(each).toEqual([{ a: '1' }, { a: '1', b: '2' }, { a: '1' }]);
    expect(manifests.map((entry) => entry.annotations)).toEqual([undefined, undefined, { c: '3' }]);
    expect(ofIndex).toEqual({ d: '4' });
    const { manifests: entries } = JSON.parse(await readFile(join(builder.store, 'index.json'), 'utf8')) as Document;
    expect(entries.find((entry) => entry.digest === digest)?.annotations).toMatchObject({ e: '5' });
    const wrong = await builder.run(['build', ...SEVERAL, '--annotation', 'manifest[linux/s390x]:a=b', context]);
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('platform linux/s390x is not built') });
  });

  it('has an index of one platform only if it is asked for, and an image of one as before', async () => {
    const alone = (await builder.run(['build', '-q', '--platform', 'linux/arm64', context])).stdout.trim();
    expect(await blob({ digest: alone })).toMatchObject({ architecture: 'arm64' });
    for (const asked of [['--index'], ['--build-arg', 'BUILDKIT_MULTI_PLATFORM=1']]) {
      const { manifests } = await indexOf(['--platform', 'linux/arm64', ...asked]);
      expect((await blob(manifests[0] ?? { digest: '' })).config.digest).toBe(alone);
    }
  });

  it('is the same on any day where the time is set, and verified for each platform', async () => {
    const env = { SOURCE_DATE_EPOCH: '1700000000' };
    const ended = await builder.run(['build', '--verify', ...SEVERAL, context], { env });
    expect(ended.exitCode).toBe(0);
    for (const platform of PLATFORMS) {
      expect(ended.stderr).toMatch(new RegExp(`^${platform}: Built twice: the same image`, 'm'));
    }
  });

  it('stops for all when one fails, and says which', async () => {
    const failing = await contextOf({
      Dockerfile: 'FROM --platform=$BUILDPLATFORM busybox\nARG TARGETARCH\nRUN test $TARGETARCH != arm64\n',
    });
    const ended = await builder.run(['build', ...SEVERAL, '-t', 'failed', failing]);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(/^ERROR: linux\/arm64: process "\/bin\/sh -c test/m);
    expect((await builder.run(['inspect', 'failed'])).exitCode).toBe(1);
  });

  it('says what moving an ARG down would have shared, where its steps made the same without it', async () => {
    const early = [
      'FROM --platform=$BUILDPLATFORM busybox AS build',
      'ARG TARGETARCH',
      'RUN sleep 1.2; mkdir -p /var/log; echo $$ $(date +%N) >/var/log/x; echo same >/same',
      'RUN sleep 1.2; cat /proc/sys/kernel/random/uuid >/other',
      'RUN echo $TARGETARCH >/app',
      'FROM scratch',
      'COPY --from=build /app /',
    ];
    const folder = await contextOf({ Dockerfile: early.join('\n') });
    const { stderr } = await builder.build(folder, ['--platform', 'linux/amd64,linux/arm64']);
    // The second has another result on each, so it may have used the ARG.
    const warning =
      /PlatformArgTooEarly: TARGETARCH is declared at line 2, .*: moving it below line 3 shares [1-9]\d*\.\d s/;
    expect(stderr).toMatch(warning);
    const quiet = ['--platform linux/amd64', '--platform linux/amd64,linux/arm64'].map((text) => text.split(' '));
    for (const platforms of quiet) expect((await builder.build(folder, platforms)).stderr).not.toContain('TooEarly');
    const alone = await builder.build(folder, ['--no-cache', '--platform', 'linux/arm64']);
    expect(alone.stderr).not.toContain('TooEarly');
    const skipping = await contextOf({ Dockerfile: ['# check=skip=PlatformArgTooEarly', ...early].join('\n') });
    const skipped = await builder.build(skipping, ['--no-cache', '--platform', 'linux/amd64,linux/arm64']);
    expect(skipped.stderr).not.toContain('TooEarly');
  });

  it('explains each platform by its own earlier steps', async () => {
    const changing = (text: string): Promise<string> =>
      contextOf({
        Dockerfile: `FROM --platform=$BUILDPLATFORM busybox\nARG TARGETARCH\nCOPY f-$TARGETARCH /f\n`,
        ...files(text),
      });
    const files = (text: string) => ({ 'f-amd64': 'a', 'f-arm64': text });
    const first = await changing('b');
    const both = ['--platform', 'linux/amd64,linux/arm64', '-t', 'explained'];
    await builder.build(first, both);
    await builder.build(await changing('c'), both);
    const explained = await builder.output(['cache', 'explain', 'explained']);
    expect(explained).toMatch(/for linux\/amd64, linux\/arm64 in/);
    expect(explained).toMatch(/\[linux\/amd64 stage-0 1\/1\].*\n {3}CACHED/);
    expect(explained).toMatch(/→arm64 stage-0 1\/1\].*\n {3}.*f-arm64 changed/);
  });
});

describe.skipIf(SKIP_REGISTRY)(`a build for several platforms and a registry on loopback${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry();
  });
  afterAll(() => registry?.stop());

  it('pushes the index with its images, is the base of another, and leaves attestations out of all platforms', async () => {
    const builder = await tsbuild({ bases: false });
    const base = await contextOf({ Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY f /f-$TARGETARCH\n', f: 'x' });
    const name = `${registry.host}/base:1`;
    const flags = ['--platform', 'linux/arm64,linux/s390x', '--annotation', 'index:a=b', '-t', name, '--push'];
    await builder.build(base, [...flags, '--metadata-file', join(base, 'metadata.json')]);
    const pushed = JSON.parse(await readFile(join(base, 'metadata.json'), 'utf8')) as Record<string, string>;
    using client = new RegistryClient({});
    const { descriptor, bytes } = await client.manifest(parseReference(name));
    expect(descriptor.digest).toBe(pushed['containerimage.digest']);
    const index = JSON.parse(Buffer.from(bytes).toString()) as { manifests: Descriptor[]; annotations: unknown };
    expect(index.annotations).toEqual({ a: 'b' });
    // As BuildKit adds what it attests: an image for nothing.
    const [first] = index.manifests;
    const attests = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': first?.digest,
    };
    const attestation = { ...first, annotations: attests, platform: { os: 'unknown', architecture: 'unknown' } };
    const attested = Buffer.from(JSON.stringify({ ...index, manifests: [...index.manifests, attestation] }));
    const replaced = { ...descriptor, digest: sha256Digest(attested), size: attested.length };
    await client.pushManifest(parseReference(name), replaced, attested);
    const other = await tsbuild({ bases: false });
    const context = await contextOf({ Dockerfile: `FROM ${name}\nCOPY g /\n`, g: 'y' });
    const built = await other.build(context, ['--platform', 'all', '-o', `type=local,dest=${join(context, 'out')}`]);
    expect(built.stderr).toContain(') for linux/arm64, linux/s390x in ');
    expect(await readdir(join(context, 'out/linux_s390x'))).toEqual(['f-s390x', 'g']);
  });
});

it('builds for all platforms of its base', async () => {
  const builder = await tsbuild({ bases: false });
  const base = await contextOf({
    Dockerfile: 'FROM scratch\nARG TARGETARCH\nLABEL of=$TARGETARCH\nCOPY f /\n',
    f: 'x',
  });
  await builder.output(['build', '--platform', 'linux/arm64,linux/s390x', '-t', 'base', base]);
  const context = await contextOf({ Dockerfile: 'FROM base\nCOPY g /\n', g: 'y' });
  const { stderr, exitCode } = await builder.run(['build', '--platform', 'all', context]);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining(') for linux/arm64, linux/s390x in '),
  });
  const nothing = await builder.run(['build', '--platform', 'all', base]);
  expect(nothing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no base image says which platforms') });
});
