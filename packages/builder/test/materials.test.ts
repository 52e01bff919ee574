import { join } from 'node:path';
import { formatPlatform, parseReference, sha256Digest } from '@tsbuild/oci';
import { fromStoredImage, hostPlatform, toLayout } from '@tsbuild/oci/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type WebServer } from '../../oci/test/registry/web-server.ts';
import type { BuildOptions } from '../src/build/build-options.ts';
import type { Material } from '../src/attestation/material.ts';
import { type BenchBuild, BuildBench } from '../testing/build-bench.ts';
import { type GitServer, startGitServer } from '../testing/git-server.ts';

const BODY = 'the body';
const DOCKERFILE = 'FROM scratch\nCOPY <<x /x\nX\nx\n';
const PLATFORM = formatPlatform(hostPlatform());

describe('what a build was made of', () => {
  let bench: BuildBench;
  let server: WebServer;
  let git: GitServer;
  let commit: string;
  beforeAll(async () => {
    bench = await BuildBench.make();
    server = await startServer(({ url }, response) => response.end(url === '/Dockerfile' ? DOCKERFILE : BODY));
    git = await startGitServer();
    commit = git.commit('echo G >g && printf "FROM scratch\\nCOPY g /\\n" >Dockerfile').trim();
  });
  afterAll(async () => {
    await server.close();
    await git.close();
    await bench[Symbol.asyncDispose]();
  });

  /** The materials of a build, which are the same when all of it comes from the cache. */
  async function materials(make: () => Promise<BenchBuild>): Promise<readonly Material[]> {
    const cold = await make();
    const again = await make();
    expect(again.steps.cached).toBe(again.steps.total);
    expect(again.materials).toEqual(cold.materials);
    return cold.materials;
  }
  const of = (text: string, options: Partial<BuildOptions> = {}): Promise<readonly Material[]> =>
    materials(() => bench.build(text, { environment: { PATH: process.env['PATH'] }, ...options }));
  const image = async (reference: string): Promise<Material> => {
    const { id } = await bench.store.layout.resolve('busybox');
    return { kind: 'image', reference, platform: PLATFORM, digest: id };
  };

  it('is nothing where nothing came from outside', async () => {
    const context = bench.files('own', { a: 'A' });
    expect(await of('FROM scratch\nCOPY a /\n', { context })).toEqual([]);
  });

  it('are base images, and images that files are copied from', async () => {
    const busybox = await image('docker.io/library/busybox:latest');
    expect(await of('FROM busybox\nENV A=1\n')).toEqual([busybox]);
    expect(await of('FROM scratch\nCOPY --from=busybox /etc/passwd /p\n')).toEqual([busybox]);
    // Of a stage that the target does not need nothing is in the image.
    expect(await of('FROM busybox AS unused\nFROM scratch\nCOPY <<x /x\nX\nx\n')).toEqual([]);
  });

  it('are files of web servers, without what a URL has of secrets', async () => {
    const { host } = server;
    const text = `FROM scratch\nADD http://user:needle@${host}/dir/file?signature=needle#needle /\n`;
    const url = `http://${host}/dir/file`;
    expect(await of(text)).toEqual([{ kind: 'http', url, digest: sha256Digest(BODY) }]);
  });

  it('are commits, by the whole id', async () => {
    const url = `http://${git.host}/repo.git`;
    expect(await of(`FROM scratch\nADD http://user:needle@${git.host}/repo.git /\n`)).toEqual([
      { kind: 'git', url, commit },
    ]);
    expect(await of(`FROM scratch\nADD ${url}#main:/ /\n`)).toEqual([{ kind: 'git', url, ref: 'main', commit }]);
  });

  it('are contexts and Dockerfiles of other places', async () => {
    const url = `http://${git.host}/repo.git`;
    const environment = { PATH: process.env['PATH'] };
    const context = { kind: 'url', url: `${url}#main` } as const;
    expect(await materials(() => bench.buildIn(context, { environment }))).toEqual([
      { kind: 'git', url, ref: 'main', commit },
    ]);
    const dockerfile = `http://${server.host}/Dockerfile`;
    const empty = bench.files('empty', {});
    expect(await materials(() => bench.buildIn(empty, { dockerfile }))).toEqual([
      { kind: 'http', url: dockerfile, digest: sha256Digest(DOCKERFILE) },
    ]);
  });

  it('are the images and repositories of named contexts', async () => {
    const stored = await bench.store.layout.resolve('busybox');
    const directory = join(bench.directory, 'layout');
    const value = await fromStoredImage(bench.store.layout.blobs, stored);
    const { digest } = await toLayout(value, directory, { names: [parseReference('b:1')] });
    const text = 'FROM base\nCOPY --from=more /etc/passwd /p\nCOPY --from=repo g /\n';
    const contexts = new Map([
      ['base', 'docker-image://busybox'],
      ['more', `oci-layout://${directory}:1`],
      ['repo', `http://user:needle@${git.host}/repo.git`],
    ]);
    expect(await of(text, { contexts })).toEqual([
      { kind: 'git', url: `http://${git.host}/repo.git`, commit },
      await image('docker.io/library/busybox:latest'),
      { kind: 'image', reference: `oci-layout://${directory}:1`, platform: PLATFORM, digest },
    ]);
  });

  it('are in an order of their own', async () => {
    const adds = ['/b', '/a'].map((path) => `ADD http://${server.host}${path} /\n`);
    const listed = await of(`FROM scratch\n${adds.join('')}`);
    expect(listed).toEqual(await of(`FROM scratch\n${adds.toReversed().join('')}`));
    expect(listed.length).toBe(2);
  });
});
