import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBlobStore } from '@tsbuild/oci';
import { LayerIndexStore, WebClient } from '@tsbuild/oci/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GitServer, startGitServer } from '../../testing/git-server.ts';
import { GitSource, type GitWanted } from '../../src/source/git-source.ts';

const signal = new AbortController().signal;
const hasGit = spawnSync('git', ['--version']).status === 0;

describe.skipIf(!hasGit)('commits of repositories (needs the program git)', () => {
  let server: GitServer;
  let first: string;
  let second: string;

  beforeAll(async () => {
    server = await startGitServer();
    first = server.commit(
      'mkdir sub; echo one > README; echo s > sub/s; printf x > run; chmod 755 run; ln -s /etc evil; ln -s sub in; git add -A; git commit -qm 1; git tag v1; git tag -a noted -m x; echo > more',
    );
    second = server.commit('git checkout -qb other; echo two > README; rm more');
    server.commit('git checkout -q main; echo three > README');
  });

  afterAll(() => server.close());

  class Bench {
    readonly blobs = new MemoryBlobStore();
    readonly directory = mkdtempSync(join(tmpdir(), 'tsbuild-git-'));
    readonly indexes = new LayerIndexStore(join(this.directory, 'indexes'), this.blobs);

    source(): GitSource {
      return new GitSource({
        blobs: this.blobs,
        indexes: this.indexes,
        directory: join(this.directory, 'records'),
        temporary: join(this.directory, 'tmp'),
        environment: process.env,
        client: () => new WebClient({ environment: {} }),
      });
    }

    async resolve(wanted: Partial<GitWanted>, source = this.source()): Promise<string[]> {
      const checkout = await source.resolve(
        {
          remote: `http://${server.host}/repo.git`,
          ref: undefined,
          folder: '',
          keepGitDir: undefined,
          submodules: true,
          commit: undefined,
          ...wanted,
        },
        signal,
      );
      const [layer] = checkout.rootfs.layers;
      const index = layer === undefined ? undefined : await this.indexes.get(layer.digest);
      return [...(index?.entries() ?? [])].map(
        ({ type, mode, uid, gid, mtime, path }) => `${type} ${mode.toString(8)} ${uid}:${gid} ${mtime.seconds} ${path}`,
      );
    }
  }

  const paths = (lines: readonly string[]): string[] => lines.map((line) => line.split(' ').at(-1) ?? '');

  it('come as their files, root’s, as old as the commit, without .git', async () => {
    expect(await new Bench().resolve({})).toEqual([
      'file 644 0:0 1500000000 README',
      'symlink 777 0:0 1500000000 evil',
      'symlink 777 0:0 1500000000 in',
      'file 644 0:0 1500000000 more',
      'file 755 0:0 1500000000 run',
      'directory 755 0:0 1500000000 sub',
      'file 644 0:0 1500000000 sub/s',
    ]);
  });

  it('are found by branch, tag, annotated tag, full name and id', async () => {
    const bench = new Bench();
    const readme = async (ref: string): Promise<boolean> => paths(await bench.resolve({ ref })).includes('more');
    expect(await readme('main')).toBe(true);
    expect(await readme('refs/heads/other')).toBe(false);
    expect(await readme('other')).toBe(false);
    expect(await readme('v1')).toBe(false);
    expect(await readme('noted')).toBe(false);
    expect(await readme(first)).toBe(true);
    expect(await readme(second)).toBe(false);
    await expect(bench.resolve({ ref: 'nope' })).rejects.toMatchObject({
      code: 'GIT_FAILED',
      message: expect.stringContaining('does not contain ref nope'),
    });
  });

  it('must be the commit that is asked for', async () => {
    const bench = new Bench();
    expect(await bench.resolve({ ref: 'other', commit: second.slice(0, 12) })).toHaveLength(6);
    await expect(bench.resolve({ ref: 'other', commit: first })).rejects.toThrow(`expected commit ${first}`);
  });

  it('give only a directory, and never what a symlink stands for', async () => {
    const bench = new Bench();
    expect(paths(await bench.resolve({ folder: 'sub' }))).toEqual(['s']);
    for (const folder of ['evil', 'in', 'sub/nope', 'README', '.git']) {
      await expect(bench.resolve({ folder }), folder).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    }
  });

  it('keep .git when it is asked for, with nothing secret in it', async () => {
    const bench = new Bench();
    const remote = `http://me:s3cret@${server.host}/repo.git`;
    const kept = paths(await bench.resolve({ remote, keepGitDir: true }));
    expect(kept).toEqual(expect.arrayContaining(['.git', '.git/HEAD', '.git/config', '.git/index']));
    const everything: string[] = [];
    for await (const { digest } of bench.blobs.list()) {
      const chunks: Buffer[] = [];
      for await (const chunk of bench.blobs.open(digest)) chunks.push(Buffer.from(chunk));
      everything.push(Buffer.concat(chunks).toString('latin1'));
    }
    for (const file of readdirSync(join(bench.directory, 'records'))) {
      everything.push(readFileSync(join(bench.directory, 'records', file), 'utf8'));
    }
    expect(everything.join('')).toContain(`http://${server.host}/repo.git`);
    expect(everything.join('')).not.toContain('s3cret');
  });

  it('send user name and password to their host, and hide them in messages', async () => {
    const bench = new Bench();
    const remote = `http://me:s3cret@${server.host}/nope.git`;
    const failure = await bench.resolve({ remote }).catch(String);
    expect(failure).toMatch(/git ls-remote failed/);
    expect(failure).not.toContain('s3cret');
  });

  it('are kept: the next build asks for the name alone, and for an id not even that', async () => {
    const bench = new Bench();
    const lines = await bench.resolve({ ref: 'other' });
    const asked = server.seen.length;
    expect(await bench.resolve({ ref: 'other' })).toEqual(lines);
    expect(server.seen.slice(asked).every(({ line }) => /info\/refs|git-upload-pack/.test(line))).toBe(true);
    const before = server.seen.length;
    expect(await bench.resolve({ ref: second })).toEqual(lines);
    expect(server.seen).toHaveLength(before);
  });

  it('are checked out again when the store lost them', async () => {
    const bench = new Bench();
    const source = bench.source();
    await bench.resolve({ ref: second }, source);
    const checkout = await source.resolve(
      {
        remote: `http://${server.host}/repo.git`,
        ref: second,
        folder: '',
        keepGitDir: undefined,
        submodules: true,
        commit: undefined,
      },
      signal,
    );
    const digest = checkout.rootfs.layers[0]?.digest ?? 'sha256:';
    await bench.blobs.delete(digest);
    await checkout.ensure(signal);
    expect(await bench.blobs.has(digest)).toBeDefined();
    expect(readdirSync(join(bench.directory, 'tmp'))).toEqual([]);
  });

  it('never come from this machine', async () => {
    await expect(new Bench().resolve({ remote: `file://${tmpdir()}/x.git` })).rejects.toMatchObject({
      code: 'GIT_FAILED',
    });
    await expect(new Bench().resolve({ remote: 'ext::sh -c whoami' })).rejects.toMatchObject({ code: 'GIT_FAILED' });
  });
});
