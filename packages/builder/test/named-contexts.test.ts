import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseReference } from '@tsbuild/oci';
import { fromStoredImage, toLayout } from '@tsbuild/oci/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildBench } from '../testing/build-bench.ts';
import { NO_SANDBOX } from '../testing/busybox-root.ts';
import { startGitServer } from '../testing/git-server.ts';

describe.skipIf(NO_SANDBOX !== '')(`named contexts${NO_SANDBOX}`, () => {
  let bench: BuildBench;
  let files: string;
  beforeAll(async () => {
    bench = await BuildBench.make();
    files = bench.files('named', { a: 'A', 'sub/b': 'B', skipped: 'S', '.dockerignore': 'skipped\n.dockerignore\n' });
    await bench.build('FROM busybox\nENV FROM=other\nRUN echo other >/which\n', { tags: ['other:1'] });
    await bench.build('FROM busybox\nENV FROM=base\nONBUILD RUN echo trigger >/onbuild\n', { tags: ['triggers'] });
  });
  afterAll(() => bench[Symbol.asyncDispose]());
  const build = (text: string, contexts: Readonly<Record<string, string>>, more: { target?: string } = {}) =>
    bench.build(text, { contexts: new Map(Object.entries(contexts)), ...more });

  describe('that are directories', () => {
    it('are read by COPY --from, without what their own ignore file leaves out', async () => {
      const { layer } = await build('FROM scratch\nCOPY --from=files . /\n', { files });
      expect(layer).toEqual(['a=A', 'sub/', 'sub/b=B']);
      expect((await build('FROM scratch\nCOPY --from=files /sub/b /x\n', { files })).layer).toEqual(['x=B']);
    });

    it('are mounted by RUN, and start a cache', async () => {
      const text =
        'FROM busybox\nRUN --mount=from=files,target=/m --mount=type=cache,id=n,from=files,source=sub,target=/c ls /m /c\n';
      expect((await build(text, { files })).output).toBe('/c:\nb\n\n/m:\na\nsub\n');
    });

    it('are the base of a stage', async () => {
      const built = await build('FROM files\nCOPY --from=files a /again\n', { files });
      expect(built.layer).toEqual(['again=A']);
      const [first, second] = built.image.config.history ?? [];
      expect(first?.created_by).toBe('FROM files # the files of a named context');
      expect(second?.created_by).toBe('COPY a /again # buildkit');
      expect(built.image.layers.length).toBe(2);
    });

    it('have keys by their content', async () => {
      const text = 'FROM scratch\nCOPY --from=files a /x\n';
      const twin = bench.files('twin', { a: 'A', other: 'O' });
      await build(text, { files });
      expect((await build(text, { files: twin })).steps).toMatchObject({ total: 1, cached: 1 });
      writeFileSync(join(twin, 'a'), 'changed');
      expect((await build(text, { files: twin })).layer).toEqual(['x=changed']);
    });
  });

  describe('that are images', () => {
    it('take the place of an image, however its name is written', async () => {
      for (const name of ['base', 'docker.io/library/base:latest', 'base:latest']) {
        const built = await build('FROM base\nRUN cat /which\n', { [name]: 'docker-image://other:1' });
        expect(built.output || 'other\n').toBe('other\n');
        expect(built.image.config.config?.Env).toContain('FROM=other');
      }
      await expect(build('FROM base:2\n', { base: 'docker-image://other:1' })).rejects.toMatchObject({
        code: 'BASE_NOT_FOUND',
      });
    });

    it('are copied and mounted from', async () => {
      const text = 'FROM busybox\nRUN --mount=from=x,target=/m cat /m/which\nCOPY --from=x /which /w\n';
      const built = await build(text, { x: 'docker-image://other:1' });
      expect(built.output).toBe('other\n');
      expect(built.layer).toEqual(['w=other\n']);
    });

    it('bring their triggers', async () => {
      const built = await build('FROM base\n', { base: 'docker-image://triggers' });
      expect(built.layer).toEqual(['onbuild=trigger\n']);
    });

    it('may be nothing at all', async () => {
      const { image, layer } = await build('FROM base\nCOPY <<x /\nX\nx\n', { base: 'docker-image://scratch' });
      expect(layer).toEqual(['x=X\n']);
      expect(image.layers.length).toBe(1);
    });

    it('come out of a layout, by tag, digest or alone', async () => {
      const directory = join(bench.directory, 'layout');
      const stored = await bench.store.layout.resolve('other:1');
      const value = await fromStoredImage(bench.store.layout.blobs, stored);
      const { digest } = await toLayout(value, directory, { names: [parseReference('other:1')] });
      const own = await BuildBench.make();
      try {
        for (const place of [directory, `${directory}:1`, `${directory}@${digest}`]) {
          const contexts = new Map([['base', `oci-layout://${place}`]]);
          const built = await own.build('FROM base\nCOPY --from=base /which /w\n', { contexts });
          expect(built.layer, place).toEqual(['w=other\n']);
          expect(built.image.config.config?.Env).toContain('FROM=other');
        }
        const contexts = new Map([['base', `oci-layout://${directory}:none`]]);
        await expect(own.build('FROM base\n', { contexts })).rejects.toMatchObject({
          code: 'BASE_NOT_FOUND',
          message: expect.stringMatching(/^context "base": .*none/),
          range: { start: { line: 1 } },
        });
      } finally {
        await own[Symbol.asyncDispose]();
      }
    });
  });

  it('that are repositories are files', async () => {
    const git = await startGitServer();
    try {
      git.commit('mkdir sub && echo G >sub/g && echo skip >.dockerignore && echo S >skip');
      const { layer } = await build('FROM scratch\nCOPY --from=repo . /\n', {
        repo: `http://${git.host}/repo.git#main`,
      });
      expect(layer).toEqual(['.dockerignore=skip\n', 'sub/', 'sub/g=G\n']);
    } finally {
      await git.close();
    }
  });

  describe('and stages', () => {
    const TEXT =
      'FROM busybox AS dev\nRUN false\nFROM dev AS mid\nCOPY --from=dev /a /copied\nFROM mid\nCOPY --from=0 a /last\n';

    it('of the same name: the context wins, and the stage is not built', async () => {
      const built = await build(TEXT, { dev: files });
      expect(built.layer).toEqual(['last=A']);
      expect(built.steps.total).toBe(3);
      await expect(build(TEXT, {})).rejects.toMatchObject({ code: 'RUN_FAILED' });
    });

    it('may be the target', async () => {
      const { image } = await build(TEXT, { dev: 'docker-image://other:1' }, { target: 'dev' });
      expect(image.config.config?.Env).toContain('FROM=other');
    });

    it('do not touch scratch', async () => {
      const { image } = await build('FROM scratch\nENV A=1\n', { scratch: 'docker-image://other:1' });
      expect(image.layers).toEqual([]);
    });

    it('of a later stage’s name can be copied from', async () => {
      const text = 'FROM scratch AS one\nCOPY --from=two a /x\nFROM one AS two\nFROM one\n';
      expect((await build(text, { two: files })).layer).toEqual(['x=A']);
    });
  });

  describe('that are wrong', () => {
    it.each<[Record<string, string>, string, RegExp]>([
      [{ base: 'docker-image://none' }, 'BASE_NOT_FOUND', /context "base": base image "none"/],
      [{ base: '/nonexistent/directory' }, 'CONTEXT_INVALID', /context "base": .*is not a directory/],
      [{ base: 'oci-layout:///nonexistent' }, 'BASE_NOT_FOUND', /context "base": there is no image layout/],
      [{ base: 'target:x' }, 'NOT_SUPPORTED', /bake/],
      [{ base: 'what' }, 'CONTEXT_INVALID', /what is not the URL/],
      [{ Base: '/' }, 'OPTION_INVALID', /invalid context name "Base"/],
    ])('%j', async (contexts, code, message) => {
      await expect(build('FROM base\n', contexts)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    });

    it('are not even looked at when nothing has their name, which a notice says', async () => {
      const built = await build('FROM scratch\nENV A=1\n', { typo: '/nonexistent/directory' });
      expect(built.events).toContain('--build-context typo was not used');
    });
  });
});
