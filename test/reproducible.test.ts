import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { differences } from '../reproducible/difference.ts';
import { lab, withoutRoot } from './support/lab.ts';
import { run } from './support/process.ts';
import { contextOf, scratch, tsbuild } from './support/tsbuild.ts';

const PROGRAM = fileURLToPath(new URL('../scripts/reproducible.mjs', import.meta.url));

describe.skipIf(withoutRoot)(
  'one image, whoever builds it (needs root, for mounts and the modes of other users)',
  () => {
    // `npm run reproducible` takes every pair.
    it('on every filesystem, in every mode, with every umask, cold, cached and anew', {
      timeout: 900_000,
    }, async () => {
      const { exitCode, stdout } = await run(process.execPath, [PROGRAM, '--short', '--cli', lab.cli], {
        timeout: 850_000,
      });
      expect(stdout).toContain('each is one image, manifest and archive');
      for (const mode of ['root, runc', 'root, util-linux', 'user, subuids', 'user, single id']) {
        expect(stdout).toMatch(new RegExp(` ${mode} .* plain  ([0-9a-f]{12})  \\1  \\1\\n`));
      }
      const digests = stdout.match(/(?<= plain  )[0-9a-f]{12}/g);
      expect(new Set(digests).size, 'one digest in the whole table').toBe(1);
      expect(exitCode).toBe(0);
    });
  },
);

describe('two images that are not one', () => {
  it('differ in what is named: a member of the config, a row of the history, a layer, its files and what of them', async () => {
    const builder = await tsbuild({ bases: false });
    const folder = await scratch();
    const build = async (name: string, env: string, text: string): Promise<string> => {
      const Dockerfile = `FROM scratch\nCOPY . /app/\nENV A=${env}\n`;
      const context = await contextOf({ Dockerfile, 'same.txt': 'same', 'file.txt': text, [`only-${name}`]: '' });
      mkdirSync(join(context, 'folder'), { mode: env === '1' ? 0o755 : 0o700 });
      symlinkSync(text, join(context, 'link'));
      writeFileSync(join(context, '.dockerignore'), 'Dockerfile\n.dockerignore\n');
      const path = join(folder, `${name}.tar`);
      await builder.build(context, ['-o', path], { env: { SOURCE_DATE_EPOCH: '1700000000' } });
      return path;
    };
    expect(await differences(await build('a', '1', 'one'), await build('b', '2', 'two'))).toEqual([
      expect.stringMatching(/^config config\.Env: .*A=1.* and .*A=2/),
      expect.stringMatching(/^history 2: .*ENV A=1.* and .*ENV A=2/),
      'layer 1 (COPY . /app/ # buildkit):',
      '  /app/file.txt: content',
      '  /app/folder: mode 755 and 700',
      '  /app/link: link one and two',
      '  /app/only-a: only in the first',
      '  /app/only-b: only in the second',
    ]);
  });
});
