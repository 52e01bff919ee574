import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BuildOptions } from '../src/build/build-options.ts';
import { BuildBench } from '../testing/build-bench.ts';
import { NO_SANDBOX } from '../testing/busybox-root.ts';
import { type GitServer, startGitServer } from '../testing/git-server.ts';
import { type Member, streamOf, tarOf } from '../testing/tar-of.ts';

const DOCKERFILE = 'FROM scratch\nCOPY . /app/\nCOPY sub /s/\n';

describe.skipIf(NO_SANDBOX !== '')(`contexts that are no directory${NO_SANDBOX}`, () => {
  let bench: BuildBench;
  beforeAll(async () => {
    bench = await BuildBench.make();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  /** Builds with the Dockerfile that the context brings. */
  const buildIn = (context: BuildOptions['context'], options: Partial<BuildOptions> = {}) =>
    bench.buildIn(context, options);
  const stream = (bytes: Uint8Array): BuildOptions['context'] => ({ kind: 'stream', bytes: streamOf(bytes) });
  const archive = (...members: readonly Member[]) => stream(tarOf(members));

  /** A context with everything that could come out differently. */
  function sample(name: string): string {
    const root = bench.files(name, {
      Dockerfile: DOCKERFILE,
      '.dockerignore': '*.log\nnode_modules\n!node_modules/keep\n',
      'a.log': 'ignored',
      'node_modules/x': 'ignored',
      'node_modules/keep/y': 'kept',
      'sub/run': '#!/bin/sh\n',
      'sub/empty': '',
      'sub/ä name': 'x',
      [`sub/${'long'.repeat(40)}`]: 'x',
    });
    chmodSync(join(root, 'sub/run'), 0o4751);
    mkdirSync(join(root, 'sub/private'), { mode: 0o700 });
    symlinkSync('run', join(root, 'sub/link'));
    linkSync(join(root, 'sub/run'), join(root, 'sub/second'));
    return root;
  }

  describe('a tar archive', () => {
    it.each([
      ['plain', ['-c']],
      ['gzip', ['-cz']],
      ['bzip2', ['-cj']],
      ['xz', ['-cJ']],
      ['zstd', ['-c', '--zstd']],
      ['somebody’s', ['-c', '--owner=1000', '--group=1000', '--format=gnu']],
    ])('has the keys of the directory that it was made from (%s)', async (kind, flags) => {
      const root = sample(`sample-${kind}`);
      const first = await buildIn(root);
      const bytes = execFileSync('tar', ['-C', root, ...flags, '.'], { maxBuffer: 1 << 26 });
      const again = await buildIn(stream(bytes));
      expect(again.steps).toMatchObject({ total: 2, cached: 2 });
      expect(again.image.id).toBe(first.image.id);
      // And the other way round, in a store that has seen the archive alone.
      const fresh = await BuildBench.make();
      try {
        const cold = await fresh.buildIn(stream(bytes), {});
        const from = await fresh.buildIn(root, {});
        expect(cold.layer).toEqual(first.layer);
        expect(from.steps).toMatchObject({ total: 2, cached: 2 });
      } finally {
        await fresh[Symbol.asyncDispose]();
      }
    });

    it('takes the Dockerfile that -f names inside it, and the ignore file beside that', async () => {
      const members = (ignored: string): Member[] => [
        { path: 'docker/web', content: 'FROM scratch\nCOPY . /\n' },
        { path: 'docker/web.dockerignore', content: `${ignored}\ndocker\n.dockerignore\n` },
        { path: '.dockerignore', content: '*\n' },
        { path: 'a', content: 'A' },
        { path: 'b', content: 'B' },
      ];
      expect((await buildIn(archive(...members('a')), { dockerfile: 'docker/web' })).layer).toEqual(['b=B']);
      expect((await buildIn(archive(...members('b')), { dockerfile: './docker/web' })).layer).toEqual(['a=A']);
      await expect(buildIn(archive(...members('a')))).rejects.toMatchObject({
        code: 'DOCKERFILE_NOT_FOUND',
        message: 'failed to read dockerfile: Dockerfile: no such file in the context',
      });
    });

    it('takes dockerfile where there is no Dockerfile, and the ignore file beside it', async () => {
      const lower = {
        dockerfile: 'FROM scratch\nCOPY . /\n',
        'dockerfile.dockerignore': 'b\n*ocker*\n',
        a: 'A',
        b: 'B',
      };
      const members = (files: Readonly<Record<string, string>>): Member[] =>
        Object.entries(files).map(([path, content]) => ({ path, content }));
      expect((await buildIn(archive(...members(lower)))).layer).toEqual(['a=A']);
      expect((await buildIn(bench.files('lower', lower))).layer).toEqual(['a=A']);
      const both = { ...lower, Dockerfile: 'FROM scratch\nCOPY b /\n' };
      expect((await buildIn(archive(...members(both)))).layer).toEqual(['b=B']);
      expect((await buildIn(bench.files('both', both))).layer).toEqual(['b=B']);
      const root = bench.files('below', { 'sub/dockerfile': 'FROM scratch\nCOPY a /\n', a: 'A' });
      expect((await buildIn(root, { dockerfile: join(root, 'sub/Dockerfile') })).layer).toEqual(['a=A']);
      await expect(buildIn(root, { dockerfile: join(root, 'sub/DOCKERFILE') })).rejects.toMatchObject({
        code: 'DOCKERFILE_NOT_FOUND',
      });
    });

    it('takes the Dockerfile from elsewhere when it is given as text', async () => {
      const built = await buildIn(archive({ path: 'Dockerfile', content: 'nonsense' }, { path: 'a', content: 'A' }), {
        dockerfileText: 'FROM scratch\nCOPY a /b\n',
      });
      expect(built.layer).toEqual(['b=A']);
    });

    it('lets RUN mount it', async () => {
      const text = 'FROM busybox\nRUN --mount=target=/ctx cat /ctx/d/f; stat -c %u:%g:%a /ctx/d/f\n';
      const { output } = await buildIn(
        archive({ path: 'Dockerfile', content: text }, { path: 'd/f', content: 'F', uid: 7, gid: 8, mode: 0o640 }),
      );
      expect(output).toBe('F0:0:640\n');
    });

    it('means the later of two members of one name', async () => {
      const { layer } = await buildIn(
        archive(
          { path: 'Dockerfile', content: 'FROM scratch\nCOPY a /\n' },
          { path: 'a', content: 'first' },
          { path: './a', content: 'second' },
        ),
      );
      expect(layer).toEqual(['a=second']);
    });
  });

  describe('a hostile archive', () => {
    const good: Member = { path: 'Dockerfile', content: 'FROM scratch\nCOPY . /\n' };
    const refused = (message: RegExp) => ({ code: 'CONTEXT_INVALID', message: expect.stringMatching(message) });

    it.each<[string, readonly Member[], RegExp]>([
      ['a name above the context', [{ path: '../outside', content: 'x' }], /has a \.\. component/],
      ['a name that goes up in the middle', [{ path: 'a/../../outside', content: 'x' }], /has a \.\. component/],
      ['a hard link to a file of the machine', [{ path: 'l', type: 'hardlink', linkPath: '/etc/passwd' }], /hard link/],
      ['a hard link upwards', [{ path: 'l', type: 'hardlink', linkPath: '../../etc/passwd' }], /hard link/],
      [
        'a file below a file',
        [
          { path: 'a', content: 'x' },
          { path: 'a/b', content: 'x' },
        ],
        /below a file/,
      ],
      [
        'a whiteout',
        [
          { path: 'b', content: 'x' },
          { path: 'sub/.wh.b', content: '' },
        ],
        /\.wh\./,
      ],
      ['a device of the overlay', [{ path: 'n', type: 'char' }], /0:0 character device/],
      ['a device of the machine', [{ path: 'd', type: 'block', devMajor: 8 }], /is a device/],
    ])('is refused: %s', async (_what, members, message) => {
      await expect(buildIn(archive(good, ...members))).rejects.toMatchObject(refused(message));
    });

    it('never follows its links outside', async () => {
      const canary = bench.files('canary', { canary: 'the host' });
      const members: Member[] = [
        { path: 'abs', type: 'symlink', linkPath: canary },
        { path: 'up', type: 'symlink', linkPath: `../../../../../../../..${canary}` },
        { path: 'root', type: 'symlink', linkPath: '/' },
      ];
      for (const source of ['abs/canary', 'up/canary', 'abs', 'root/../../etc/passwd']) {
        const dockerfile = { path: 'Dockerfile', content: `FROM scratch\nCOPY ${source} /x\n` };
        await expect(buildIn(archive(dockerfile, ...members)), source).rejects.toMatchObject({
          code: 'SOURCE_NOT_FOUND',
        });
      }
      // The Dockerfile and its ignore file neither.
      writeFileSync(join(canary, 'Dockerfile'), 'FROM scratch\nENV LEAKED=1\n');
      const link: Member = { path: 'Dockerfile', type: 'symlink', linkPath: `${canary}/Dockerfile` };
      await expect(buildIn(archive(link))).rejects.toMatchObject({ code: 'DOCKERFILE_NOT_FOUND' });
      // A link inside the archive is followed inside of the context, and nothing is unpacked: the machine's directory stays as it is.
      const through: Member[] = [
        { path: 'out', type: 'symlink', linkPath: canary },
        { path: 'out/x', content: 'X' },
      ];
      expect((await buildIn(archive(good, ...through))).layer).toContain(`${canary.slice(1)}/x=X`);
      expect(readdirSync(canary).toSorted()).toEqual(['Dockerfile', 'canary']);
    });

    it('may hold a device that is ignored', async () => {
      const ignore: Member = { path: '.dockerignore', content: 'dev\n.dockerignore\nDockerfile\n' };
      const device: Member = { path: 'dev/sda', type: 'block', devMajor: 8 };
      expect((await buildIn(archive(good, ignore, device, { path: 'a', content: 'A' }))).layer).toEqual(['a=A']);
    });

    it('is refused when it is cut or damaged', async () => {
      const whole = tarOf([good, { path: 'a', content: 'A'.repeat(5000) }]);
      await expect(buildIn(stream(whole.subarray(0, 3000)))).rejects.toMatchObject(
        refused(/cannot use standard input/),
      );
      const gzip = execFileSync('gzip', ['-c'], { input: whole });
      gzip.fill(0, 60, 90);
      await expect(buildIn(stream(gzip))).rejects.toMatchObject({ code: 'CONTEXT_INVALID' });
      const xz = execFileSync('xz', ['-c'], { input: whole });
      await expect(buildIn(stream(xz.subarray(0, 100)))).rejects.toMatchObject({ code: 'CONTEXT_INVALID' });
    });
  });

  describe('a Dockerfile alone', () => {
    it('has no context', async () => {
      const dockerfile = Buffer.from('FROM scratch\nENV A=1\nCOPY <<x /\nX\nx\n');
      expect((await buildIn(stream(dockerfile))).layer).toEqual(['x=X\n']);
      await expect(buildIn(stream(Buffer.from('FROM scratch\nCOPY a /\n')))).rejects.toMatchObject({
        code: 'SOURCE_NOT_FOUND',
        range: { start: { line: 2 } },
      });
    });

    it('is no place for another one', async () => {
      const given = { dockerfile: 'other' };
      await expect(buildIn(stream(Buffer.from('FROM scratch\n')), given)).rejects.toThrow(
        /the context is a Dockerfile, but -f names another one/,
      );
    });

    it('must be there', async () => {
      await expect(buildIn(stream(Buffer.alloc(0)))).rejects.toMatchObject({ code: 'DOCKERFILE_NOT_FOUND' });
    });
  });

  describe('URLs', () => {
    let server: Server;
    let url: string;
    const served = new Map<string, Uint8Array>();
    beforeAll(async () => {
      server = createServer((request, response) => {
        const bytes = served.get(request.url ?? '');
        response.statusCode = bytes === undefined ? 404 : 200;
        response.end(bytes);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => new Promise((resolve) => server.close(resolve)));

    it('of an archive are contexts', async () => {
      const root = sample('sample-url');
      served.set('/x.tar.gz', execFileSync('tar', ['-C', root, '-cz', '.']));
      const first = await buildIn(root);
      const second = await buildIn({ kind: 'url', url: `${url}/x.tar.gz` });
      expect(second).toMatchObject({ image: { id: first.image.id }, steps: { total: 2, cached: 2 } });
    });

    it('of text are Dockerfiles, for -f as well', async () => {
      served.set('/d', Buffer.from('FROM scratch\nCOPY <<x /\nX\nx\n'));
      expect((await buildIn({ kind: 'url', url: `${url}/d` })).layer).toEqual(['x=X\n']);
      served.set('/copy', Buffer.from('FROM scratch\nCOPY a /b\n'));
      const context = bench.files('for-url', { a: 'A' });
      expect((await buildIn(context, { dockerfile: `${url}/copy` })).layer).toEqual(['b=A']);
    });

    it('that hold nothing are told without their secrets', async () => {
      const wanted = { kind: 'url', url: url.replace('//', '//user:secret@').concat('/none?token=secret') } as const;
      const error: Error = (await buildIn(wanted).catch((reason: unknown) => reason as Error)) as Error;
      expect(error.message).toMatch(/answered 404/);
      expect(error.message).not.toContain('secret');
    });
  });

  describe('git repositories', () => {
    let git: GitServer;
    beforeAll(async () => {
      git = await startGitServer();
      git.commit('mkdir app && echo "FROM scratch" >Dockerfile && echo "COPY . /" >>Dockerfile && echo 1 >v');
      git.commit('cp Dockerfile app/ && echo in >app/f && printf "*.log\\n" >app/.dockerignore && echo l >app/a.log');
      git.commit('git tag v1 && git checkout -q -b next && echo 2 >v');
    });
    afterAll(() => git.close());
    const at = (rest: string) => buildIn({ kind: 'url', url: `http://${git.host}/repo.git${rest}` });

    it('are contexts, at a ref and in a folder', async () => {
      expect((await at('')).layer).toEqual([
        'Dockerfile=FROM scratch\nCOPY . /\n',
        'app/',
        'app/.dockerignore=*.log\n',
        'app/Dockerfile=FROM scratch\nCOPY . /\n',
        'app/a.log=l\n',
        'app/f=in\n',
        'v=1\n',
      ]);
      expect((await at('#next')).layer).toContain('v=2\n');
      expect((await at('?branch=next')).layer).toContain('v=2\n');
      const folder = ['.dockerignore=*.log\n', 'Dockerfile=FROM scratch\nCOPY . /\n', 'f=in\n'];
      expect((await at('#v1:app')).layer).toEqual(folder);
      expect((await at('?tag=v1&subdir=app')).layer).toEqual(folder);
    });

    it('keep .git when BUILDKIT_CONTEXT_KEEP_GIT_DIR says so', async () => {
      const buildArgs = new Map([['BUILDKIT_CONTEXT_KEEP_GIT_DIR', '1']]);
      const { layer } = await buildIn({ kind: 'url', url: `http://${git.host}/repo.git` }, { buildArgs });
      expect(layer).toContainEqual(expect.stringMatching(/^\.git\/HEAD=[0-9a-f]{40}\n$/));
    });

    it('say which ref is not there', async () => {
      await expect(at('#none')).rejects.toMatchObject({ code: 'GIT_FAILED', message: expect.stringContaining('none') });
    });
  });
});
